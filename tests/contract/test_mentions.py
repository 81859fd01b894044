"""The contract of `Mentions`: what names what, in whatever order it was loaded."""

import itertools
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.records import (
    Entity,
    Kind,
    Mention,
    Outcome,
    Page,
    PageRequest,
)
from backends.roles import Entities, Episodes, Mentions
from tests.contract.reference import SHAPES, check_pages, keys_in_order, keys_of, walk
from tests.contract.samples import (
    ALL,
    ALL_TIME,
    FULLWIDTH_A,
    KEY_ONLY,
    SMILE,
    STRANGE,
    chunk,
    document,
    entity,
    episode,
    modest,
    new_scope,
    numbered,
    shuffled,
)

NAMED = frozenset({"name"})
LONG = "n" * 200

ENTITIES = [
    entity("a", name="Ada", type="Person"),
    entity("A", name="Ada", type="person"),
    entity("b", name="ada", type=None),
    entity("c", name=LONG + "b", type="Person"),
    entity("d", name=LONG + "a", type="Person"),
    entity("e", name=SMILE, type="Thing"),
    entity("f", name=FULLWIDTH_A, type="Thing"),
    entity(SMILE, name="", type="Person"),
    entity(FULLWIDTH_A, name="", type="Person"),
]
CHUNKS = [chunk(f"c{number}", document_key="d") for number in range(3)]
SOURCES = [(Kind.CHUNK, "c0"), (Kind.DOCUMENT, "d"), (Kind.EPISODE, "e0")]


class Loader:
    """Loads what mentions are about into one tenant."""

    def __init__(self, mentions: Mentions, entities: Entities, episodes: Episodes) -> None:
        self.scope = new_scope()
        self.mentions = mentions
        self.entities = entities
        self.episodes = episodes

    async def entity(self, *keys: str) -> None:
        await self.entities.upsert_many(self.scope, [entity(key) for key in keys])

    async def document(self, *keys: str) -> None:
        await self.mentions.note_texts(self.scope, [document(key) for key in keys], [])

    async def chunk(self, key: str, document_key: str | None) -> None:
        await self.mentions.note_texts(self.scope, [], [chunk(key, document_key=document_key)])

    async def episode(self, *keys: str) -> None:
        await self.episodes.upsert_many(self.scope, [episode(key) for key in keys])

    async def mention(self, kind: Kind, key: str, *entity_keys: str) -> list[Outcome]:
        named = [Mention(kind, key, each) for each in entity_keys]
        return await self.mentions.upsert_many(self.scope, named)

    async def named_by(self, kind: Kind, key: str) -> list[str]:
        """The keys of the entities that something mentions; the count must agree."""
        (page,) = await self.mentions.entities_of(self.scope, kind, [key], None, ALL, KEY_ONLY)
        (count,) = await self.mentions.count_entities_of(self.scope, kind, [key], None)
        assert count == len(page.items)
        return keys_of(page)

    async def naming(self, kind: Kind, key: str) -> list[str]:
        """The keys of the chunks or documents that mention an entity; the count must agree."""
        (page,) = await self.mentions.sources_of(self.scope, kind, [key], ALL)
        (count,) = await self.mentions.count_sources_of(self.scope, kind, [key])
        assert count == len(page.items)
        return list(page.items)


@pytest.fixture
def loader(mentions: Mentions, entities: Entities, episodes: Episodes) -> Loader:
    """An empty tenant."""
    return Loader(mentions, entities, episodes)


async def filled(loader: Loader, records: list[Entity]) -> None:
    """Let `SOURCES` mention all of these entities, some of them more than once."""
    scope, keys = loader.scope, [record.key for record in records]
    await loader.mentions.note_texts(scope, [document("d")], CHUNKS)
    await loader.episode("e0")
    await loader.entities.upsert_many(scope, shuffled(records))
    await loader.mention(Kind.CHUNK, "c0", *keys, "nobody loaded")
    await loader.mention(Kind.CHUNK, "c1", *keys[::2])
    await loader.mention(Kind.EPISODE, "e0", *keys)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("kind", "key"), SOURCES)
async def test_pages_of_entities_are_those_of_the_reference(
    loader: Loader, kind: Kind, key: str, shape: str
) -> None:
    await filled(loader, ENTITIES)

    async def fetch(page: PageRequest) -> Page[Entity]:
        found = await loader.mentions.entities_of(loader.scope, kind, [key], None, page, NAMED)
        return found[0]

    await check_pages(shape, fetch, ENTITIES, "name")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", [Kind.CHUNK, Kind.DOCUMENT])
async def test_pages_of_sources_are_those_of_the_reference(
    loader: Loader, kind: Kind, shape: str
) -> None:
    await loader.entity("e")
    documents = [document(key) for key in STRANGE]
    chunks = [
        chunk(f"{key[:200]}{number}", document_key=key) for key in STRANGE for number in range(2)
    ]
    await loader.mentions.note_texts(loader.scope, documents, chunks)
    named = [Mention(Kind.CHUNK, record.key, "e") for record in shuffled(chunks)]
    await loader.mentions.upsert_many(loader.scope, named)

    async def fetch(page: PageRequest) -> Page[str]:
        return (await loader.mentions.sources_of(loader.scope, kind, ["e"], page))[0]

    await check_pages(shape, fetch, chunks if kind is Kind.CHUNK else documents)


@modest
@given(
    names=st.lists(st.sampled_from(["", "a", "A", SMILE, FULLWIDTH_A, LONG + "a", LONG + "b"])),
    size=st.integers(1, 4),
    backward=st.booleans(),
    source=st.sampled_from(SOURCES),
)
async def test_a_walk_gives_each_entity_once(
    mentions: Mentions,
    entities: Entities,
    episodes: Episodes,
    names: list[str],
    size: int,
    backward: bool,
    source: tuple[Kind, str],
) -> None:
    loader = Loader(mentions, entities, episodes)
    records = [entity(f"e{number}", name=name) for number, name in enumerate(names)]
    await filled(loader, records)
    kind, key = source

    async def fetch(page: PageRequest) -> Page[Entity]:
        return (await mentions.entities_of(loader.scope, kind, [key], None, page, NAMED))[0]

    walked = await walk(fetch, "name", size, backward=backward)
    assert walked == keys_in_order(records, "name")


@pytest.mark.parametrize(("kind", "key"), SOURCES)
@pytest.mark.parametrize(
    "types", [None, (), ("Person",), ("person", "Thing", "gap"), ("",)], ids=str
)
async def test_types_choose_among_the_entities(
    loader: Loader, kind: Kind, key: str, types: tuple[str, ...] | None
) -> None:
    await filled(loader, ENTITIES)
    chosen = [record for record in ENTITIES if types is None or record.type in types]
    wanted = keys_in_order(chosen, "name")
    scope = loader.scope
    (page,) = await loader.mentions.entities_of(scope, kind, [key], types, ALL, KEY_ONLY)
    assert keys_of(page) == wanted
    assert await loader.mentions.count_entities_of(scope, kind, [key], types) == [len(wanted)]


async def test_a_document_mentions_an_entity_once_however_many_chunks_do(loader: Loader) -> None:
    await loader.mentions.note_texts(loader.scope, [document("d")], CHUNKS)
    await loader.entity("e")
    for record in CHUNKS:
        await loader.mention(Kind.CHUNK, record.key, "e")
    assert await loader.named_by(Kind.DOCUMENT, "d") == ["e"]
    assert await loader.naming(Kind.DOCUMENT, "e") == ["d"]
    assert await loader.naming(Kind.CHUNK, "e") == ["c0", "c1", "c2"]


async def test_each_parent_has_a_page_of_its_own(loader: Loader) -> None:
    mentions, scope = loader.mentions, loader.scope
    await loader.document("d", "D")
    await loader.chunk("c", "d")
    await loader.chunk("C", "D")
    await loader.entity("x", "y", "z")
    await loader.mention(Kind.CHUNK, "c", "z", "y", "x")
    await loader.mention(Kind.CHUNK, "C", "y")
    page = PageRequest(first=2, ends=True)
    for kind, asked in ((Kind.CHUNK, "Cc?c"), (Kind.DOCUMENT, "Dd?d")):
        pages = await mentions.entities_of(scope, kind, list(asked), None, page, KEY_ONLY)
        assert [keys_of(each) for each in pages] == [["y"], ["x", "y"], [], ["x", "y"]]
        assert [each.has_next for each in pages] == [False, True, False, True]
        counts = await mentions.count_entities_of(scope, kind, list(asked), None)
        assert counts == [1, 3, 0, 3]
    page = PageRequest(first=1, ends=True)
    for kind, both in ((Kind.CHUNK, "Cc"), (Kind.DOCUMENT, "Dd")):
        pages = await mentions.sources_of(scope, kind, list("zy?y"), page)
        assert [list(each.items) for each in pages] == [[both[1]], [both[0]], [], [both[0]]]
        assert [each.has_next for each in pages] == [False, True, False, True]
        assert await mentions.count_sources_of(scope, kind, list("zy?y")) == [1, 2, 0, 2]


async def test_a_chunk_and_an_episode_of_one_key_are_two(loader: Loader) -> None:
    await loader.document("d")
    await loader.chunk("same", "d")
    await loader.episode("same")
    await loader.entity("of chunk", "of episode")
    await loader.mention(Kind.CHUNK, "same", "of chunk")
    await loader.mention(Kind.EPISODE, "same", "of episode")
    assert await loader.named_by(Kind.CHUNK, "same") == ["of chunk"]
    assert await loader.named_by(Kind.EPISODE, "same") == ["of episode"]
    assert await loader.naming(Kind.CHUNK, "of episode") == []
    assert await loader.naming(Kind.DOCUMENT, "of episode") == []


# Whatever order things are loaded in

Step = Callable[[Loader], Awaitable[object]]
STEPS: dict[str, Step] = {
    "document": lambda to: to.document("d"),
    "chunk": lambda to: to.chunk("c", "d"),
    "episode": lambda to: to.episode("s"),
    "entity": lambda to: to.entity("e"),
    "mention": lambda to: to.mention(Kind.CHUNK, "c", "e"),
    "episode's mention": lambda to: to.mention(Kind.EPISODE, "s", "e"),
}


@pytest.mark.parametrize(
    "steps", list(itertools.permutations(["document", "chunk", "entity", "mention"]))
)
async def test_a_chunks_mention_is_seen_once_both_ends_are_loaded(
    loader: Loader, steps: tuple[str, ...]
) -> None:
    done: set[str] = set()
    for step in steps:
        await STEPS[step](loader)
        done.add(step)
        seen = {"chunk", "entity", "mention"} <= done
        documented = seen and "document" in done
        assert await loader.named_by(Kind.CHUNK, "c") == (["e"] if seen else []), step
        assert await loader.naming(Kind.CHUNK, "e") == (["c"] if seen else []), step
        assert await loader.naming(Kind.DOCUMENT, "e") == (["d"] if documented else []), step
        if documented:
            assert await loader.named_by(Kind.DOCUMENT, "d") == ["e"], step


@pytest.mark.parametrize(
    "steps", list(itertools.permutations(["episode", "entity", "episode's mention"]))
)
async def test_an_episodes_mention_is_seen_once_both_ends_are_loaded(
    loader: Loader, episodes: Episodes, steps: tuple[str, ...]
) -> None:
    for number, step in enumerate(steps, 1):
        await STEPS[step](loader)
        seen = number == len(steps)
        assert await loader.named_by(Kind.EPISODE, "s") == (["e"] if seen else []), step
        counts = await episodes.count_of(loader.scope, Kind.ENTITY, ["e"], ALL_TIME)
        assert counts == [int(seen)], step


OPERATIONS = (
    [("document", key, "") for key in "DE"]
    + [("chunk", key, owner) for key in "cd" for owner in "DE"]
    + [("forget", key, "") for key in "cd"]
    + [("entity", key, "") for key in "xy"]
    + [("mention", key, named) for key in "cd" for named in "xy"]
)


@modest
@given(operations=st.lists(st.sampled_from(OPERATIONS), max_size=14))
async def test_any_history_gives_what_is_loaded_at_its_end(
    mentions: Mentions,
    entities: Entities,
    episodes: Episodes,
    operations: list[tuple[str, str, str]],
) -> None:
    loader = Loader(mentions, entities, episodes)
    documents: set[str] = set()
    owners: dict[str, str] = {}
    loaded: set[str] = set()
    named: set[tuple[str, str]] = set()
    for what, key, other in operations:
        if what == "document":
            await loader.document(key)
            documents.add(key)
        elif what == "chunk":
            await loader.chunk(key, other)
            owners[key] = other
        elif what == "forget":
            await mentions.forget_chunks(loader.scope, [key])
            owners.pop(key, None)
        elif what == "entity":
            await loader.entity(key)
            loaded.add(key)
        else:
            await loader.mention(Kind.CHUNK, key, other)
            named.add((key, other))
    seen = {(key, other) for key, other in named if key in owners and other in loaded}
    for key in "cd":
        assert await loader.named_by(Kind.CHUNK, key) == sorted(o for k, o in seen if k == key)
    for key in documents:
        of_it = {other for each, other in seen if owners[each] == key}
        assert await loader.named_by(Kind.DOCUMENT, key) == sorted(of_it)
    for key in "xy":
        by = {each for each, other in seen if other == key}
        assert await loader.naming(Kind.CHUNK, key) == sorted(by)
        assert await loader.naming(Kind.DOCUMENT, key) == sorted(
            {owners[each] for each in by} & documents
        )


async def test_a_forgotten_chunk_mentions_nothing_until_it_comes_again(loader: Loader) -> None:
    await filled(loader, ENTITIES)
    await loader.mentions.forget_chunks(loader.scope, ["c0", "gap"])
    assert await loader.named_by(Kind.CHUNK, "c0") == []
    assert await loader.naming(Kind.CHUNK, "A") == []
    assert await loader.naming(Kind.DOCUMENT, "A") == []
    assert await loader.naming(Kind.CHUNK, "a") == ["c1"]
    assert await loader.naming(Kind.DOCUMENT, "a") == ["d"]
    assert len(await loader.named_by(Kind.EPISODE, "e0")) == len(ENTITIES)
    await loader.chunk("c0", "d")
    assert await loader.naming(Kind.CHUNK, "a") == ["c0", "c1"]
    assert len(await loader.named_by(Kind.CHUNK, "c0")) == len(ENTITIES)


async def test_a_chunk_can_move_to_another_document(loader: Loader) -> None:
    await loader.document("d", "D")
    await loader.entity("e")
    await loader.mention(Kind.CHUNK, "c", "e")
    for owner in ("d", "D"):
        await loader.chunk("c", owner)
        assert await loader.naming(Kind.DOCUMENT, "e") == [owner]
    assert await loader.named_by(Kind.DOCUMENT, "d") == []
    await loader.chunk("c", None)
    assert await loader.naming(Kind.DOCUMENT, "e") == []
    assert await loader.naming(Kind.CHUNK, "e") == ["c"]


async def test_an_entity_named_anew_moves_in_its_lists(loader: Loader) -> None:
    await filled(loader, ENTITIES)
    renamed = [msgspec.structs.replace(ENTITIES[0], name="zzz"), *ENTITIES[1:]]
    await loader.entities.upsert_many(loader.scope, renamed[:1])
    for kind, key in SOURCES:
        assert await loader.named_by(kind, key) == keys_in_order(renamed, "name"), kind


async def test_an_entity_given_another_type_is_chosen_by_it(loader: Loader) -> None:
    await filled(loader, ENTITIES)
    await loader.entities.upsert_many(loader.scope, [entity("b", name="ada", type="Robot")])
    (page,) = await loader.mentions.entities_of(
        loader.scope, Kind.CHUNK, ["c0"], ("Robot",), ALL, frozenset({"type"})
    )
    assert page.items == [Entity(key="b", type="Robot")]


async def test_outcomes_say_loaded_and_unchanged(loader: Loader) -> None:
    assert await loader.mention(Kind.CHUNK, "c", "x", "y") == [Outcome.LOADED, Outcome.LOADED]
    assert await loader.mention(Kind.CHUNK, "c", "y", "z", "z") == [
        Outcome.UNCHANGED,
        Outcome.LOADED,
        Outcome.UNCHANGED,
    ]
    assert await loader.mention(Kind.EPISODE, "c", "x") == [Outcome.LOADED]
    assert await loader.mention(Kind.CHUNK, "c") == []


async def test_texts_noted_twice_are_noted_once(loader: Loader) -> None:
    for _ in range(2):
        texts = [document("d"), document("d")], [chunk("c", document_key="d")] * 2
        await loader.mentions.note_texts(loader.scope, *texts)
        await loader.entity("e")
        await loader.mention(Kind.CHUNK, "c", "e")
    await loader.mentions.note_texts(loader.scope, [], [])
    await loader.mentions.forget_chunks(loader.scope, [])
    assert await loader.naming(Kind.DOCUMENT, "e") == ["d"]
    assert await loader.named_by(Kind.CHUNK, "c") == ["e"]


async def test_no_keys_and_ten_thousand_are_one_call(loader: Loader) -> None:
    mentions, scope = loader.mentions, loader.scope
    asked = numbered("k", 10_000)
    some = asked[::100]
    texts = [document(key) for key in asked], [chunk(key, document_key=key) for key in asked]
    await mentions.note_texts(scope, *texts)
    await loader.entity(*some)
    await loader.episode(*some)
    for kind in (Kind.CHUNK, Kind.EPISODE):
        await mentions.upsert_many(scope, [Mention(kind, key, key) for key in some])
    wanted = [[] if number % 100 else [key] for number, key in enumerate(asked)]
    counted = [len(each) for each in wanted]
    for kind in (Kind.CHUNK, Kind.DOCUMENT, Kind.EPISODE):
        pages = await mentions.entities_of(scope, kind, asked, None, ALL, KEY_ONLY)
        assert [keys_of(page) for page in pages] == wanted, kind
        assert await mentions.count_entities_of(scope, kind, asked, None) == counted, kind
        assert await mentions.entities_of(scope, kind, [], None, ALL, KEY_ONLY) == []
        assert await mentions.count_entities_of(scope, kind, [], None) == []
    for kind in (Kind.CHUNK, Kind.DOCUMENT):
        pages = await mentions.sources_of(scope, kind, asked, ALL)
        assert [list(page.items) for page in pages] == wanted, kind
        assert await mentions.count_sources_of(scope, kind, asked) == counted, kind
        assert await mentions.sources_of(scope, kind, [], ALL) == []
        assert await mentions.count_sources_of(scope, kind, []) == []
    await mentions.forget_chunks(scope, asked)
    assert await mentions.count_sources_of(scope, Kind.CHUNK, some) == [0 for _ in some]


@pytest.mark.parametrize("key", STRANGE, ids=lambda key: ascii(key)[:20])
async def test_any_key_can_be_an_end_of_a_mention(loader: Loader, key: str) -> None:
    await loader.document(key)
    await loader.chunk(key, key)
    await loader.episode(key)
    await loader.entity(key)
    await loader.mention(Kind.CHUNK, key, key)
    await loader.mention(Kind.EPISODE, key, key)
    for kind in (Kind.CHUNK, Kind.DOCUMENT, Kind.EPISODE):
        assert await loader.named_by(kind, key) == [key], kind
    for kind in (Kind.CHUNK, Kind.DOCUMENT):
        assert await loader.naming(kind, key) == [key], kind


async def test_nothing_of_another_tenant_is_seen(
    loader: Loader, mentions: Mentions, entities: Entities, episodes: Episodes
) -> None:
    await filled(loader, ENTITIES)
    theirs = Loader(mentions, entities, episodes)
    for kind, key in SOURCES:
        assert await theirs.named_by(kind, key) == []
    assert await theirs.naming(Kind.CHUNK, "a") == []
    await theirs.mention(Kind.CHUNK, "c0", "a")
    await theirs.entity("a")
    assert await theirs.named_by(Kind.CHUNK, "c0") == [], "the chunk is loaded elsewhere only"
    await theirs.chunk("c0", "d")
    assert await theirs.named_by(Kind.CHUNK, "c0") == ["a"]
    assert await theirs.naming(Kind.DOCUMENT, "a") == [], "the document is loaded elsewhere only"
    await mentions.forget_chunks(theirs.scope, ["c0"])
    assert await loader.naming(Kind.CHUNK, "A") == ["c0"]


async def test_a_batch_of_mentions_is_seen_from_every_side(loader: Loader) -> None:
    """As a load writes them: all texts, then all mentions, in one batch each."""
    await loader.entity(*numbered("e", 50))
    chunks = [
        chunk(key, document_key=f"d{number % 5}") for number, key in enumerate(numbered("c", 50))
    ]
    documents = [document(f"d{number}") for number in range(5)]
    await loader.mentions.note_texts(loader.scope, documents, chunks)
    pairs = [
        Mention(Kind.CHUNK, c.key, e)
        for place, c in enumerate(chunks)
        for number, e in enumerate(numbered("e", 50))
        if (place * number) % 7 == 1
    ]
    await loader.mentions.upsert_many(loader.scope, shuffled(pairs))
    for record in chunks:
        wanted = sorted(each.entity_key for each in pairs if each.key == record.key)
        assert await loader.named_by(Kind.CHUNK, record.key) == wanted
    owner = {record.key: record.document_key for record in chunks}
    for key in numbered("e", 50):
        wanted = sorted({owner[each.key] for each in pairs if each.entity_key == key} - {None})
        assert await loader.naming(Kind.DOCUMENT, key) == wanted
