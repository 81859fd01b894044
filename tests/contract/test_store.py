"""The contract of a store: batches, many callers at a time, and what it says when it is closed."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import numpy as np
import pytest

from backends import roles
from backends.errors import StoreUnavailable
from backends.records import (
    CacheLookup,
    ChunkFilter,
    DocumentFilter,
    EntityFilter,
    EpisodeFilter,
    FactFilter,
    Health,
    Kind,
    Mention,
    Outcome,
    PageRequest,
    Scope,
    SearchEntry,
    SearchFilter,
    VectorSpace,
)
from backends.roles import Documents, Store
from tests.contract.conftest import Adapter
from tests.contract.samples import (
    ALL,
    ALL_TIME,
    ANY_EDGE,
    EVER,
    KEY_ONLY,
    chunk,
    document,
    entity,
    episode,
    fact,
    new_scope,
    new_words,
    numbered,
)

STORING = (
    "documents",
    "chunks",
    "entities",
    "facts",
    "mentions",
    "episodes",
    "keywords",
    "vectors",
)
ROLES = (*STORING, "cache")
SPACE = VectorSpace("model", 4)
EAST = np.array([1, 0, 0, 0], dtype=np.float32)
NO_FILTER = SearchFilter()
EVERY_FACT = FactFilter(include_invalidated=True)


async def test_a_store_says_what_it_is_what_it_plays_and_that_it_is_well(
    store: Store, adapter: Adapter
) -> None:
    assert store.name == "tested"
    assert store.engine
    assert await store.ping() is Health.UP
    assert {role for role in ROLES if getattr(store, role) is not None} == adapter.roles


async def write_all(store: Store, scope: Scope, word: str) -> None:
    """Write something in every role that the store plays."""
    text = SearchEntry(kind=Kind.CHUNK, key="c", body=word)
    writes: Mapping[str, Callable[[Any], Awaitable[object]]] = {
        "documents": lambda role: role.upsert_many(scope, [document("d", metadata={"a": 1})]),
        "chunks": lambda role: role.upsert_many(scope, [chunk("c", document_key="d")]),
        "entities": lambda role: role.upsert_many(scope, [entity("e")]),
        "facts": lambda role: role.upsert_many(scope, [fact("f", "e", "e", episode_keys=("s",))]),
        "episodes": lambda role: role.upsert_many(scope, [episode("s")]),
        "mentions": lambda role: write_mentions(role, scope),
        "keywords": lambda role: role.index_many(scope, [text]),
        "vectors": lambda role: role.index_many(scope, [text], [EAST], ["digest"], SPACE),
    }
    for name, write in writes.items():
        if (role := getattr(store, name)) is not None:
            await write(role)


async def write_mentions(role: Any, scope: Scope) -> None:
    await role.note_texts(scope, [document("d")], [chunk("c", document_key="d")])
    await role.upsert_many(scope, [Mention(Kind.CHUNK, "c", "e"), Mention(Kind.EPISODE, "s", "e")])


async def see_all(store: Store, scope: Scope, word: str) -> dict[str, bool]:
    """Whether each role that the store plays has what `write_all` wrote."""
    reads: Mapping[str, Callable[[Any], Awaitable[Any]]] = {
        "documents": lambda role: role.count(scope, DocumentFilter()),
        "chunks": lambda role: role.count(scope, ChunkFilter()),
        "entities": lambda role: role.count(scope, EntityFilter()),
        "facts": lambda role: role.count(scope, EVERY_FACT, EVER),
        "episodes": lambda role: role.count(scope, EpisodeFilter(), ALL_TIME),
        "keywords": lambda role: role.search(scope, Kind.CHUNK, word, NO_FILTER, EVER, 5),
        "vectors": lambda role: role.search(scope, Kind.CHUNK, EAST, SPACE, NO_FILTER, EVER, 5),
    }
    seen = {
        name: bool(await read(getattr(store, name)))
        for name, read in reads.items()
        if getattr(store, name) is not None
    }
    if store.facts is not None:
        drawn = await store.facts.count_of(scope, Kind.EPISODE, ["s"], ANY_EDGE, EVER)
        seen["facts of an episode"] = drawn == [1]
    if store.mentions is not None and store.entities is not None and store.episodes is not None:
        for kind, key in ((Kind.CHUNK, "c"), (Kind.DOCUMENT, "d"), (Kind.EPISODE, "s")):
            named = await store.mentions.count_entities_of(scope, kind, [key], None)
            seen[f"mentions of {kind.value}"] = named == [1]
    return seen


@pytest.mark.usefixtures("storing")
async def test_a_batch_is_all_there_afterwards(store: Store, scope: Scope) -> None:
    (word,) = new_words(1)
    async with store.batch():
        await write_all(store, scope, word)
        assert set((await see_all(store, scope, word)).values()) == {True}, "within the batch"
    assert set((await see_all(store, scope, word)).values()) == {True}


@pytest.mark.usefixtures("atomic")
@pytest.mark.usefixtures("storing")
async def test_an_error_in_a_batch_leaves_nothing(store: Store, scope: Scope) -> None:
    (word,) = new_words(1)

    async def write_and_fail() -> None:
        async with store.batch():
            await write_all(store, scope, word)
            raise LookupError

    with pytest.raises(LookupError):
        await write_and_fail()
    assert set((await see_all(store, scope, word)).values()) == {False}
    assert set((await store.counts(scope)).values()) == {0}
    async with store.batch():
        await write_all(store, scope, word)
    assert set((await see_all(store, scope, word)).values()) == {True}


@pytest.mark.usefixtures("atomic")
async def test_an_error_in_a_batch_brings_back_what_was_there(
    store: Store, documents: Documents, scope: Scope
) -> None:
    before = document("a", title="before", metadata={"n": 1})
    await documents.upsert_many(scope, [before])

    async def write_and_fail() -> None:
        async with store.batch():
            await documents.upsert_many(scope, [document("a", title="undone")])
            raise LookupError

    with pytest.raises(LookupError):
        await write_and_fail()
    assert await documents.upsert_many(scope, [before]) == [Outcome.UNCHANGED]


@pytest.mark.usefixtures("atomic")
@pytest.mark.usefixtures("storing")
async def test_a_cancelled_batch_leaves_nothing_and_lets_others_write(
    store: Store, scope: Scope
) -> None:
    (word,) = new_words(1)
    written = asyncio.Event()

    async def write_and_wait() -> None:
        async with store.batch():
            await write_all(store, scope, word)
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write_and_wait())
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert set((await see_all(store, scope, word)).values()) == {False}
    await write_all(store, scope, word)
    assert set((await see_all(store, scope, word)).values()) == {True}


@pytest.mark.usefixtures("atomic")
@pytest.mark.usefixtures("storing")
async def test_others_see_a_batch_when_it_is_whole(store: Store, scope: Scope) -> None:
    (word,) = new_words(1)
    written, seen = asyncio.Event(), asyncio.Event()

    async def write_and_wait() -> None:
        async with store.batch():
            await write_all(store, scope, word)
            written.set()
            await seen.wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(write_and_wait())
        await written.wait()
        during = await see_all(store, scope, word)
        seen.set()
        await task
    assert set(during.values()) == {False}
    assert set((await see_all(store, scope, word)).values()) == {True}


# Many callers


async def test_fifty_readers_at_a_time_get_their_own_answers(
    documents: Documents, scope: Scope
) -> None:
    keys = numbered("k", 50)
    await documents.upsert_many(scope, [document(key, title=key) for key in keys])

    async def read(number: int) -> None:
        own = [keys[number], "gap", keys[-1 - number]]
        found = await documents.get_many(scope, own, frozenset({"title"}))
        assert [each and each.title for each in found] == [own[0], None, own[2]]
        page = PageRequest(first=1, after=(keys[number],))
        listed = await documents.find(scope, DocumentFilter(), None, page, KEY_ONLY)
        assert [each.key for each in listed.items] == keys[number + 1 : number + 2]

    await asyncio.gather(*(read(number) for number in range(50)))


async def test_fifty_writers_at_a_time_all_write(documents: Documents, scope: Scope) -> None:
    outcomes = await asyncio.gather(
        *(documents.upsert_many(scope, [document(key)]) for key in numbered("k", 50))
    )
    assert outcomes == [[Outcome.LOADED]] * 50
    listed = await documents.find(scope, DocumentFilter(), None, ALL, KEY_ONLY)
    assert [each.key for each in listed.items] == numbered("k", 50)


async def test_fifty_writers_of_one_key_load_it_once(documents: Documents, scope: Scope) -> None:
    titles = numbered("t", 50)
    outcomes = await asyncio.gather(
        *(documents.upsert_many(scope, [document("a", title=title)]) for title in titles)
    )
    flat = [each for (each,) in outcomes]
    assert (flat.count(Outcome.LOADED), flat.count(Outcome.UPDATED)) == (1, 49)
    (found,) = await documents.get_many(scope, ["a"], frozenset({"title"}))
    assert found is not None
    assert found.title in titles
    assert await documents.count(scope, DocumentFilter()) == 1


@pytest.mark.usefixtures("atomic")
async def test_batches_at_a_time_are_each_whole_or_nothing(
    store: Store, documents: Documents, scope: Scope
) -> None:
    async def write(number: int) -> None:
        async with store.batch():
            for half in "ab":
                await documents.upsert_many(scope, [document(f"{number:02}{half}")])
            if number % 2:
                raise LookupError

    results = await asyncio.gather(*(write(each) for each in range(20)), return_exceptions=True)
    assert [isinstance(each, LookupError) for each in results] == [False, True] * 10
    listed = await documents.find(scope, DocumentFilter(), None, ALL, KEY_ONLY)
    wanted = [f"{number:02}{half}" for number in range(0, 20, 2) for half in "ab"]
    assert [each.key for each in listed.items] == wanted


@pytest.mark.usefixtures("storing")
async def test_readers_are_answered_while_others_write(store: Store, scope: Scope) -> None:
    (word,) = new_words(1)
    await write_all(store, scope, word)

    async def write(number: int) -> None:
        await write_all(store, new_scope(), word)

    async def read(number: int) -> None:
        assert set((await see_all(store, scope, word)).values()) == {True}

    await asyncio.gather(*((write, read)[number % 2](number) for number in range(50)))


# Closed

SCOPE = Scope("anyone")
ENTRY = SearchEntry(kind=Kind.CHUNK, key="a", body="text")
CALLS: dict[str, Callable[[Any], Awaitable[object]]] = {
    "documents.get_many": lambda r: r.get_many(SCOPE, ["a"], KEY_ONLY),
    "documents.find": lambda r: r.find(SCOPE, DocumentFilter(), None, ALL, KEY_ONLY),
    "documents.count": lambda r: r.count(SCOPE, DocumentFilter()),
    "documents.scan": lambda r: r.scan(SCOPE, None, 5),
    "documents.upsert_many": lambda r: r.upsert_many(SCOPE, [document("a")]),
    "chunks.get_many": lambda r: r.get_many(SCOPE, ["a"], KEY_ONLY),
    "chunks.find": lambda r: r.find(SCOPE, ChunkFilter(), ALL, KEY_ONLY),
    "chunks.count": lambda r: r.count(SCOPE, ChunkFilter()),
    "chunks.of_documents": lambda r: r.of_documents(SCOPE, ["a"], ALL, KEY_ONLY),
    "chunks.count_of_documents": lambda r: r.count_of_documents(SCOPE, ["a"]),
    "chunks.adjacent": lambda r: r.adjacent(SCOPE, ["a"], "next", KEY_ONLY),
    "chunks.scan": lambda r: r.scan(SCOPE, None, 5),
    "chunks.upsert_many": lambda r: r.upsert_many(SCOPE, [chunk("a")]),
    "chunks.keep_only": lambda r: r.keep_only(SCOPE, {"a": []}),
    "entities.get_many": lambda r: r.get_many(SCOPE, ["a"], ALL_TIME, KEY_ONLY),
    "entities.named": lambda r: r.named(SCOPE, ["a"], 5),
    "entities.find": lambda r: r.find(SCOPE, EntityFilter(), None, ALL, KEY_ONLY),
    "entities.count": lambda r: r.count(SCOPE, EntityFilter()),
    "entities.scan": lambda r: r.scan(SCOPE, None, 5),
    "entities.upsert_many": lambda r: r.upsert_many(SCOPE, [entity("a")]),
    "facts.get_many": lambda r: r.get_many(SCOPE, ["a"], KEY_ONLY),
    "facts.find": lambda r: r.find(SCOPE, EVERY_FACT, None, EVER, ALL, KEY_ONLY),
    "facts.count": lambda r: r.count(SCOPE, EVERY_FACT, EVER),
    "facts.of": lambda r: r.of(SCOPE, Kind.ENTITY, ["a"], ANY_EDGE, EVER, ALL, KEY_ONLY),
    "facts.count_of": lambda r: r.count_of(SCOPE, Kind.EPISODE, ["a"], ANY_EDGE, EVER),
    "facts.neighbors": lambda r: r.neighbors(SCOPE, ["a"], ANY_EDGE, EVER, ALL, KEY_ONLY),
    "facts.count_neighbors": lambda r: r.count_neighbors(SCOPE, ["a"], ANY_EDGE, EVER),
    "facts.between": lambda r: r.between(SCOPE, [("a", "b")], ANY_EDGE, EVER, 5, KEY_ONLY),
    "facts.expand": lambda r: r.expand(SCOPE, ["a"], ANY_EDGE, EVER),
    "facts.reach": lambda r: r.reach(SCOPE, ["a"], [], ANY_EDGE, EVER, 5),
    "facts.among": lambda r: r.among(SCOPE, ["a"], ANY_EDGE, EVER, 5, KEY_ONLY),
    "facts.unstated_of": lambda r: r.unstated_of(SCOPE, ["a"]),
    "facts.scan": lambda r: r.scan(SCOPE, None, 5),
    "facts.upsert_many": lambda r: r.upsert_many(SCOPE, [fact("a")]),
    "mentions.entities_of": lambda r: r.entities_of(SCOPE, Kind.CHUNK, ["a"], None, ALL, KEY_ONLY),
    "mentions.count_entities_of": lambda r: r.count_entities_of(SCOPE, Kind.CHUNK, ["a"], None),
    "mentions.sources_of": lambda r: r.sources_of(SCOPE, Kind.CHUNK, ["a"], ALL),
    "mentions.count_sources_of": lambda r: r.count_sources_of(SCOPE, Kind.DOCUMENT, ["a"]),
    "mentions.note_texts": lambda r: r.note_texts(SCOPE, [document("a")], []),
    "mentions.forget_chunks": lambda r: r.forget_chunks(SCOPE, ["a"]),
    "mentions.scan": lambda r: r.scan(SCOPE, None, 5),
    "mentions.upsert_many": lambda r: r.upsert_many(SCOPE, [Mention(Kind.CHUNK, "a", "b")]),
    "episodes.get_many": lambda r: r.get_many(SCOPE, ["a"], KEY_ONLY),
    "episodes.find": lambda r: r.find(SCOPE, EpisodeFilter(), None, ALL_TIME, ALL, KEY_ONLY),
    "episodes.count": lambda r: r.count(SCOPE, EpisodeFilter(), ALL_TIME),
    "episodes.of": lambda r: r.of(SCOPE, Kind.ENTITY, ["a"], ALL_TIME, ALL, KEY_ONLY),
    "episodes.count_of": lambda r: r.count_of(SCOPE, Kind.FACT, ["a"], ALL_TIME),
    "episodes.adjacent": lambda r: r.adjacent(SCOPE, ["a"], "next", ALL_TIME, KEY_ONLY),
    "episodes.scan": lambda r: r.scan(SCOPE, None, 5),
    "episodes.upsert_many": lambda r: r.upsert_many(SCOPE, [episode("a")]),
    "keywords.search": lambda r: r.search(SCOPE, Kind.CHUNK, "text", NO_FILTER, EVER, 5),
    "keywords.index_many": lambda r: r.index_many(SCOPE, [ENTRY]),
    "keywords.remove_many": lambda r: r.remove_many(SCOPE, Kind.CHUNK, ["a"]),
    "vectors.search": lambda r: r.search(SCOPE, Kind.CHUNK, EAST, SPACE, NO_FILTER, EVER, 5),
    "vectors.similar": lambda r: r.similar(SCOPE, Kind.CHUNK, ["a"], NO_FILTER, 5, None),
    "vectors.get_many": lambda r: r.get_many(SCOPE, Kind.CHUNK, ["a"]),
    "vectors.digests": lambda r: r.digests(SCOPE, Kind.CHUNK, ["a"]),
    "vectors.index_many": lambda r: r.index_many(SCOPE, [ENTRY], [EAST], ["digest"], SPACE),
    "vectors.remove_many": lambda r: r.remove_many(SCOPE, Kind.CHUNK, ["a"]),
    "vectors.spaces": lambda r: r.spaces(SCOPE),
    "cache.get_many": lambda r: r.get_many(["a"], ["tag"]),
    "cache.set_many": lambda r: r.set_many({"a": b"1"}, CacheLookup([None], {"tag": b""}), 1.0),
    "cache.remove_many": lambda r: r.remove_many(["a"]),
    "cache.invalidate": lambda r: r.invalidate(["tag"]),
}
"""Every method of every role."""


def test_every_method_of_every_role_is_called_here() -> None:
    methods = {
        f"{role}.{name}"
        for role in ROLES
        for name, member in vars(getattr(roles, role.capitalize())).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }
    assert methods == set(CALLS)


@pytest.mark.parametrize("call", CALLS)
async def test_a_closed_store_is_unavailable(closed: Store, call: str) -> None:
    role = getattr(closed, call.split(".")[0])
    with pytest.raises(StoreUnavailable) as raised:
        await CALLS[call](role)
    assert raised.value.store == closed.name
    assert closed.name in str(raised.value)


async def test_a_closed_store_gives_no_sign_of_life(closed: Store) -> None:
    for ask in (closed.ping(), closed.counts(SCOPE)):
        with pytest.raises(StoreUnavailable):
            await ask
    with pytest.raises(StoreUnavailable):
        async with closed.batch():
            await write_all(closed, SCOPE, "text")


async def test_a_store_can_be_closed_twice(closed: Store) -> None:
    await closed.close()


@pytest.mark.usefixtures("storing")
async def test_counts_are_of_one_tenant(store: Store, scope: Scope) -> None:
    nothing = await store.counts(scope)
    assert set(nothing.values()) == {0}
    await write_all(store, scope, "text")
    counts = await store.counts(scope)
    assert set(counts) == set(nothing)
    assert all(count >= 1 for count in counts.values())
    assert await store.counts(new_scope()) == nothing
