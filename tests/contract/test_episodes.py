"""The contract of `Episodes`: lists by time, of whatever they belong to, and none before it was recorded."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.moment import heard_of
from backends.records import (
    Episode,
    EpisodeFilter,
    EpisodeKind,
    Kind,
    Mention,
    Order,
    Page,
    PageRequest,
    Scope,
    TimeRange,
)
from backends.roles import Entities, Episodes, Facts, Mentions, Step
from tests.contract.reference import (
    SHAPES,
    check_pages,
    in_order,
    keys_in_order,
    keys_of,
    position,
    walk,
)
from tests.contract.samples import (
    ALL,
    ALL_TIME,
    FULLWIDTH_A,
    KEY_ONLY,
    MICROSECOND,
    SMILE,
    STRANGE,
    day,
    entity,
    episode,
    fact,
    keys,
    modest,
    new_scope,
    numbered,
    shuffled,
)

EVERY = EpisodeFilter()
NOW = day(10)
ORDERS = [None] + [
    Order(by, descending) for by in ("occurred_at", "recorded_at") for descending in (False, True)
]
TIMED = frozenset({"occurred_at"})

ODD = [
    episode("a", occurred_at=day(1), recorded_at=day(1)),
    episode("A", occurred_at=day(1), recorded_at=None),
    episode("b", occurred_at=None, recorded_at=day(2)),
    episode("c", occurred_at=day(1) - MICROSECOND, recorded_at=day(1)),
    episode("d", occurred_at=day(-20_000), recorded_at=day(10)),
    episode("e", occurred_at=None, recorded_at=None),
    episode("f", occurred_at=None, recorded_at=day(2)),
    episode(SMILE, occurred_at=day(1), recorded_at=day(1)),
    episode(FULLWIDTH_A, occurred_at=day(1), recorded_at=day(2) + MICROSECOND),
]
LATE = [
    episode("late", occurred_at=day(1), recorded_at=NOW + MICROSECOND),
    episode("later", occurred_at=None, recorded_at=day(11)),
]
"""Recorded after `NOW`, so nowhere to be seen then."""


async def filled(episodes: Episodes, records: list[Episode]) -> Scope:
    """A tenant with these episodes, written in no order."""
    scope = new_scope()
    await episodes.upsert_many(scope, shuffled(records))
    return scope


def fetching(episodes: Episodes, scope: Scope, order: Order | None) -> Callable[[PageRequest], Any]:
    async def fetch(page: PageRequest) -> Page[Episode]:
        fields = frozenset({order.by if order else "occurred_at"})
        return await episodes.find(scope, EVERY, order, NOW, page, fields)

    return fetch


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("order", ORDERS, ids=str)
async def test_pages_are_those_of_the_reference(
    episodes: Episodes, order: Order | None, shape: str
) -> None:
    scope = await filled(episodes, ODD + LATE)
    by, descending = (order.by, order.descending) if order else ("occurred_at", False)
    await check_pages(shape, fetching(episodes, scope, order), ODD, by, descending=descending)


times = st.none() | st.sampled_from([day(0), NOW - MICROSECOND, NOW, NOW + MICROSECOND])
rows = st.builds(
    episode,
    keys,
    occurred_at=times,
    recorded_at=times,
    source=st.sampled_from([None, "s", "t"]),
    document_key=st.sampled_from([None, None, "d"]),
)
sets = st.lists(rows, max_size=12, unique_by=lambda record: record.key)


@modest
@given(records=sets, order=st.sampled_from(ORDERS), size=st.integers(1, 5), backward=st.booleans())
async def test_a_walk_gives_the_whole_list_once(
    episodes: Episodes, records: list[Episode], order: Order | None, size: int, backward: bool
) -> None:
    scope = await filled(episodes, records)
    by, descending = (order.by, order.descending) if order else ("occurred_at", False)
    walked = await walk(fetching(episodes, scope, order), by, size, backward=backward)
    visible = [record for record in records if heard_of(record.recorded_at, NOW)]
    assert walked == keys_in_order(visible, by, descending=descending)
    assert await episodes.count(scope, EVERY, NOW) == len(visible)


async def test_one_asked_for_by_key_is_given_whenever_recorded(episodes: Episodes) -> None:
    scope = await filled(episodes, LATE)
    found = await episodes.get_many(scope, ["late", "gap"], frozenset({"recorded_at"}))
    assert found == [Episode(key="late", recorded_at=NOW + MICROSECOND), None]


FILTERED = [
    episode("a", kind=EpisodeKind.MESSAGE, source="chat", occurred_at=day(1)),
    episode("b", kind=EpisodeKind.TEXT, source="Chat", occurred_at=day(2)),
    episode("c", kind=EpisodeKind.JSON, source=None, occurred_at=None),
    episode("d", kind=EpisodeKind.FACT_TRIPLE, source="", occurred_at=day(2) - MICROSECOND),
    episode("e", kind=EpisodeKind.MESSAGE, source="chat", recorded_at=day(11), occurred_at=day(2)),
]
NAMING = [
    Mention(Kind.EPISODE, "a", "x"),
    Mention(Kind.EPISODE, "a", "y"),
    Mention(Kind.EPISODE, "b", "y"),
    Mention(Kind.EPISODE, "c", "nobody loaded"),
    Mention(Kind.EPISODE, "e", "x"),
    Mention(Kind.EPISODE, "unloaded", "x"),
    Mention(Kind.CHUNK, "d", "x"),
]

FILTERS: dict[str, tuple[EpisodeFilter, str]] = {
    "all": (EVERY, "abcd"),
    "kinds": (EpisodeFilter(kinds=(EpisodeKind.MESSAGE, EpisodeKind.JSON)), "ac"),
    "no kinds": (EpisodeFilter(kinds=()), ""),
    "sources": (EpisodeFilter(sources=("chat", "", "gap")), "ad"),
    "no sources": (EpisodeFilter(sources=()), ""),
    "from": (EpisodeFilter(occurred_at=TimeRange(start=day(2))), "b"),
    "to": (EpisodeFilter(occurred_at=TimeRange(end=day(2))), "ad"),
    "between": (EpisodeFilter(occurred_at=TimeRange(start=day(1), end=day(2))), "ad"),
    "mentions": (EpisodeFilter(mentions=("x",)), "a"),
    "mentions of any": (EpisodeFilter(mentions=("x", "y", "gap")), "ab"),
    "mentions of one not loaded": (EpisodeFilter(mentions=("nobody loaded",)), ""),
    "no mentions": (EpisodeFilter(mentions=()), ""),
    "together": (EpisodeFilter(mentions=("y",), kinds=(EpisodeKind.TEXT,), sources=("Chat",)), "b"),
}


@pytest.mark.parametrize("name", FILTERS)
async def test_filters_pass_what_they_say(
    episodes: Episodes, entities: Entities, mentions: Mentions, name: str
) -> None:
    where, wanted = FILTERS[name]
    scope = await filled(episodes, FILTERED)
    await entities.upsert_many(scope, [entity("x"), entity("y")])
    await mentions.upsert_many(scope, NAMING)
    page = await episodes.find(scope, where, Order("recorded_at"), NOW, ALL, KEY_ONLY)
    assert keys_of(page) == list(wanted)
    assert await episodes.count(scope, where, NOW) == len(wanted)


@pytest.mark.parametrize(
    ("known_at", "seen"),
    [
        (day(1) - MICROSECOND, ["always"]),
        (day(1), ["always", "on day 1"]),
        (day(2), ["always", "on day 1", "on day 2"]),
        (ALL_TIME, ["always", "on day 1", "on day 2"]),
    ],
)
async def test_none_is_seen_before_it_was_recorded(
    episodes: Episodes,
    entities: Entities,
    facts: Facts,
    mentions: Mentions,
    scope: Scope,
    known_at: datetime,
    seen: list[str],
) -> None:
    every = [
        episode("always", document_key="d", chunk_key="c"),
        episode("on day 1", document_key="d", chunk_key="c", recorded_at=day(1)),
        episode("on day 2", document_key="d", chunk_key="c", recorded_at=day(2)),
    ]
    drawn = fact("f", episode_keys=tuple(record.key for record in every))
    await episodes.upsert_many(scope, every)
    await facts.upsert_many(scope, [drawn])
    await entities.upsert_many(scope, [entity("e")])
    await mentions.upsert_many(scope, [Mention(Kind.EPISODE, record.key, "e") for record in every])
    assert keys_of(await episodes.find(scope, EVERY, None, known_at, ALL, KEY_ONLY)) == seen
    assert await episodes.count(scope, EVERY, known_at) == len(seen)
    for kind, key in PARENTS:
        (page,) = await episodes.of(scope, kind, [key], known_at, ALL, KEY_ONLY)
        assert keys_of(page) == seen, kind
        assert await episodes.count_of(scope, kind, [key], known_at) == [len(seen)]
    (after,) = await episodes.adjacent(scope, ["always"], "next", known_at, KEY_ONLY)
    assert (after and after.key) == (seen[1] if len(seen) > 1 else None)


# Of a parent

PARENTS = [(Kind.DOCUMENT, "d"), (Kind.CHUNK, "c"), (Kind.ENTITY, "e"), (Kind.FACT, "f")]


async def belonging(
    episodes: Episodes, entities: Entities, facts: Facts, mentions: Mentions
) -> Scope:
    """A tenant whose odd episodes all belong to each of `PARENTS`, and whose others to none."""
    scope = new_scope()
    own = [
        msgspec.structs.replace(record, document_key="d", chunk_key="c") for record in ODD + LATE
    ]
    strays = [episode(f"stray {key}", occurred_at=day(1), document_key="D") for key in "xyz"]
    named = tuple(record.key for record in own)
    await mentions.upsert_many(scope, [Mention(Kind.EPISODE, key, "e") for key in (*named, "gap")])
    await mentions.upsert_many(scope, [Mention(Kind.EPISODE, strays[0].key, "E")])
    await episodes.upsert_many(scope, shuffled(own + strays))
    await entities.upsert_many(scope, [entity("e"), entity("E")])
    drawn = fact("f", episode_keys=(*named, "gap", "a"))
    await facts.upsert_many(scope, [drawn, fact("F", episode_keys=(strays[0].key, "A"))])
    return scope


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("kind", "key"), PARENTS)
async def test_pages_of_a_parent_are_those_of_the_reference(
    episodes: Episodes,
    entities: Entities,
    facts: Facts,
    mentions: Mentions,
    kind: Kind,
    key: str,
    shape: str,
) -> None:
    scope = await belonging(episodes, entities, facts, mentions)

    async def fetch(page: PageRequest) -> Page[Episode]:
        return (await episodes.of(scope, kind, [key], NOW, page, TIMED))[0]

    await check_pages(shape, fetch, ODD, "occurred_at")


@pytest.mark.parametrize(("kind", "key"), PARENTS)
async def test_each_parent_has_a_page_of_its_own(
    episodes: Episodes, entities: Entities, facts: Facts, mentions: Mentions, kind: Kind, key: str
) -> None:
    scope = await belonging(episodes, entities, facts, mentions)
    page = PageRequest(first=2, ends=True)
    asked = [key, "gap", key, key.upper()]
    other = {
        Kind.DOCUMENT: ["stray x", "stray y"],
        Kind.CHUNK: [],
        Kind.ENTITY: ["stray x"],
        Kind.FACT: ["A", "stray x"],
    }[kind]
    pages = await episodes.of(scope, kind, asked, NOW, page, KEY_ONLY)
    assert [keys_of(each) for each in pages] == [["d", "c"], [], ["d", "c"], other]
    assert [each.has_next for each in pages] == [True, False, True, kind is Kind.DOCUMENT]
    counts = await episodes.count_of(scope, kind, asked, NOW)
    assert counts == [len(ODD), 0, len(ODD), 3 if kind is Kind.DOCUMENT else len(other)]


@pytest.mark.parametrize("kind", [kind for kind, _ in PARENTS])
async def test_no_parents_and_ten_thousand_are_one_call(
    episodes: Episodes, scope: Scope, kind: Kind
) -> None:
    asked = numbered("k", 10_000)
    assert await episodes.of(scope, kind, [], NOW, ALL, KEY_ONLY) == []
    assert await episodes.count_of(scope, kind, [], NOW) == []
    pages = await episodes.of(scope, kind, asked, NOW, PageRequest(first=1), KEY_ONLY)
    assert [keys_of(page) for page in pages] == [[] for _ in asked]
    assert await episodes.count_of(scope, kind, asked, NOW) == [0 for _ in asked]


@pytest.mark.parametrize("key", STRANGE, ids=lambda key: ascii(key)[:20])
async def test_any_key_finds_its_episodes(
    episodes: Episodes, facts: Facts, scope: Scope, key: str
) -> None:
    await episodes.upsert_many(
        scope, [episode(key, document_key=key, chunk_key=key), episode("other")]
    )
    await facts.upsert_many(scope, [fact(key, episode_keys=(key,))])
    for kind in (Kind.DOCUMENT, Kind.CHUNK, Kind.FACT):
        (page,) = await episodes.of(scope, kind, [key], NOW, ALL, frozenset({"document_key"}))
        assert page.items == [Episode(key=key, document_key=key)], kind


async def test_an_episode_that_comes_after_its_fact_and_mention_is_listed(
    episodes: Episodes, entities: Entities, facts: Facts, mentions: Mentions, scope: Scope
) -> None:
    await facts.upsert_many(scope, [fact("f", episode_keys=("late",))])
    await mentions.upsert_many(scope, [Mention(Kind.EPISODE, "late", "e")])
    await entities.upsert_many(scope, [entity("e")])
    for kind, key in ((Kind.FACT, "f"), (Kind.ENTITY, "e")):
        assert await episodes.count_of(scope, kind, [key], NOW) == [0]
    await episodes.upsert_many(scope, [episode("late")])
    for kind, key in ((Kind.FACT, "f"), (Kind.ENTITY, "e")):
        assert await episodes.count_of(scope, kind, [key], NOW) == [1]


async def test_an_episode_written_again_is_listed_by_its_new_times(
    episodes: Episodes, entities: Entities, mentions: Mentions, scope: Scope
) -> None:
    await entities.upsert_many(scope, [entity("e")])
    await mentions.upsert_many(scope, [Mention(Kind.EPISODE, key, "e") for key in "ab"])
    await episodes.upsert_many(
        scope, [episode("a", occurred_at=day(1)), episode("b", occurred_at=day(2))]
    )
    await episodes.upsert_many(scope, [episode("a", occurred_at=None)])
    (page,) = await episodes.of(scope, Kind.ENTITY, ["e"], NOW, ALL, TIMED)
    assert page.items == [Episode(key="b", occurred_at=day(2)), Episode(key="a", occurred_at=None)]
    await episodes.upsert_many(scope, [episode("b", occurred_at=day(2), recorded_at=day(11))])
    (page,) = await episodes.of(scope, Kind.ENTITY, ["e"], NOW, ALL, KEY_ONLY)
    assert keys_of(page) == ["a"]


# Before and after


def beside(records: list[Episode], key: str, step: Step) -> str | None:
    """The reference: of its document; without one, of those without one and of its source."""
    me = next((record for record in records if record.key == key), None)
    if me is None or (me.document_key is None and me.source is None):
        return None
    siblings = [
        each
        for each in records
        if each.document_key == me.document_key
        and (me.document_key is not None or each.source == me.source)
        and heard_of(each.recorded_at, NOW)
    ]
    line = in_order(position(each, "occurred_at") for each in siblings)
    place = line.index(position(me, "occurred_at")) + (1 if step == "next" else -1)
    return line[place][-1] if 0 <= place < len(line) else None


FAMILIES = [
    episode("in-1", document_key="d", source="s", occurred_at=day(1)),
    episode("in-2", document_key="d", source="t", occurred_at=day(2)),
    episode("in-3", document_key="d", source=None, occurred_at=None),
    episode("in-4", document_key="d", source="s", occurred_at=None),
    episode("other", document_key="D", source="s", occurred_at=day(1)),
    episode("out-1", source="s", occurred_at=day(2)),
    episode("out-2", source="s", occurred_at=day(1)),
    episode("out-3", source="s", occurred_at=day(1)),
    episode("out-4", source="", occurred_at=day(1)),
    episode("out-5", source="", occurred_at=None),
    episode("hidden", source="s", occurred_at=day(1) + MICROSECOND, recorded_at=day(11)),
    episode("neither-1", occurred_at=day(1)),
    episode("neither-2", occurred_at=day(2)),
]


@pytest.mark.parametrize("step", ["previous", "next"])
async def test_adjacent_episodes_are_those_of_the_reference(episodes: Episodes, step: Step) -> None:
    scope = await filled(episodes, FAMILIES)
    asked = [record.key for record in FAMILIES if record.key != "hidden"] + ["gap", "in-1"]
    found = await episodes.adjacent(scope, asked, step, NOW, KEY_ONLY)
    assert [each and each.key for each in found] == [beside(FAMILIES, key, step) for key in asked]


async def test_the_line_of_a_source_goes_around_what_is_hidden(episodes: Episodes) -> None:
    scope = await filled(episodes, FAMILIES)
    found = await episodes.adjacent(scope, ["out-2", "out-3", "out-1"], "next", NOW, KEY_ONLY)
    assert found == [Episode(key="out-3"), Episode(key="out-1"), None]


@modest
@given(records=sets, step=st.sampled_from(["previous", "next"]))
async def test_adjacent_episodes_of_any_memory_are_those_of_the_reference(
    episodes: Episodes, records: list[Episode], step: Step
) -> None:
    scope = await filled(episodes, records)
    asked = [record.key for record in records if heard_of(record.recorded_at, NOW)]
    found = await episodes.adjacent(scope, asked, step, NOW, KEY_ONLY)
    assert [each and each.key for each in found] == [beside(records, key, step) for key in asked]


async def test_nothing_of_another_tenant_is_seen(
    episodes: Episodes, entities: Entities, facts: Facts, mentions: Mentions
) -> None:
    await belonging(episodes, entities, facts, mentions)
    theirs = await filled(episodes, [episode("a", source="s"), episode("only", source="t")])
    for kind, key in PARENTS:
        (page,) = await episodes.of(theirs, kind, [key], NOW, ALL, KEY_ONLY)
        assert keys_of(page) == [], kind
        assert await episodes.count_of(theirs, kind, [key], NOW) == [0]
    assert await episodes.adjacent(theirs, ["a", "only"], "next", NOW, KEY_ONLY) == [None, None]
    assert await episodes.count(theirs, EVERY, NOW) == 2
