"""The contract of `Facts`: lists at a moment, the graph that they make, and the steps of a traversal."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.moment import heard_of, holds
from backends.records import (
    Direction,
    Edges,
    Entity,
    Fact,
    FactFilter,
    Kind,
    Moment,
    Order,
    Outcome,
    Page,
    PageRequest,
    Scope,
    TimeRange,
)
from backends.roles import Entities, Facts
from tests.contract.reference import (
    SHAPES,
    check_pages,
    facts_about,
    facts_between,
    keys_in_order,
    keys_of,
    others_of,
    shown,
    walk,
)
from tests.contract.samples import (
    ALL,
    ALL_TIME,
    ANY_EDGE,
    EARLIEST,
    EVER,
    FULLWIDTH_A,
    KEY_ONLY,
    LATEST,
    MICROSECOND,
    SMILE,
    STRANGE,
    day,
    entity,
    fact,
    keys,
    modest,
    moment,
    new_scope,
    numbered,
    shuffled,
)

EVERY = FactFilter(include_invalidated=True)
BOTH = Edges()
ORDERS = [None] + [
    Order(by, descending) for by in ("valid_from", "recorded_at") for descending in (False, True)
]
DATED = frozenset({"valid_from"})

ODD = [
    fact("a", valid_from=day(1), recorded_at=day(1)),
    fact("A", valid_from=day(1), recorded_at=None),
    fact("b", valid_from=None, recorded_at=day(2)),
    fact("c", valid_from=day(1) - MICROSECOND, recorded_at=day(1)),
    fact("d", valid_from=EARLIEST, recorded_at=day(1)),
    fact("e", valid_from=None, recorded_at=None),
    fact("f", valid_from=None, recorded_at=day(2)),
    fact("g", valid_from=LATEST, recorded_at=day(2) + MICROSECOND),
    fact(SMILE, valid_from=day(1), recorded_at=None),
    fact(FULLWIDTH_A, valid_from=day(1), recorded_at=day(2)),
]


async def filled(facts: Facts, records: Sequence[Fact]) -> Scope:
    """A tenant with these facts, written in no order."""
    scope = new_scope()
    await facts.upsert_many(scope, shuffled(records))
    return scope


def fetching(facts: Facts, scope: Scope, order: Order | None) -> Callable[[PageRequest], Any]:
    async def fetch(page: PageRequest) -> Page[Fact]:
        fields = frozenset({order.by if order else "valid_from"})
        return await facts.find(scope, EVERY, order, EVER, page, fields)

    return fetch


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("order", ORDERS, ids=str)
async def test_pages_are_those_of_the_reference(
    facts: Facts, order: Order | None, shape: str
) -> None:
    scope = await filled(facts, ODD)
    by, descending = (order.by, order.descending) if order else ("valid_from", False)
    await check_pages(shape, fetching(facts, scope, order), ODD, by, descending=descending)


# The moment

DATES = {
    "nothing": {},
    "begins": {"valid_from": day(1)},
    "came with its end": {"valid_from": day(1), "valid_to": day(2)},
    "end learnt": {"valid_from": day(1), "valid_to": day(2), "retracted_at": day(3)},
    "withdrawn": {"valid_from": day(1), "retracted_at": day(3)},
    "withdrawn, undated": {"retracted_at": day(3)},
    "recorded": {"recorded_at": day(3)},
    "recorded, then ended": {"recorded_at": day(1), "valid_to": day(2), "retracted_at": day(3)},
    "empty": {"valid_from": day(2), "valid_to": day(2)},
    "backward": {"valid_from": day(2), "valid_to": day(1)},
    "from the first instant": {"valid_from": EARLIEST, "recorded_at": EARLIEST},
    "to the last": {"valid_to": LATEST, "retracted_at": LATEST},
}
BOUNDARIES = [
    EARLIEST,
    *(day(number) + step for number in (1, 2, 3) for step in (-MICROSECOND, 0 * MICROSECOND)),
    day(3) + MICROSECOND,
    LATEST,
]


@pytest.mark.parametrize("known_at", BOUNDARIES, ids=str)
async def test_what_holds_at_the_boundaries_is_what_the_moment_says(
    facts: Facts, known_at: datetime
) -> None:
    every = [fact(key, **dates) for key, dates in DATES.items()]
    scope = await filled(facts, every)
    for valid_at in BOUNDARIES:
        at = Moment(valid_at=valid_at, known_at=known_at)
        page = await facts.find(scope, FactFilter(), None, at, ALL, KEY_ONLY)
        assert set(keys_of(page)) == {each.key for each in every if holds(each, at)}, at
        heard = await facts.find(scope, EVERY, None, at, ALL, KEY_ONLY)
        wanted = {each.key for each in every if heard_of(each.recorded_at, known_at)}
        assert set(keys_of(heard)) == wanted, at


@pytest.mark.parametrize(
    ("at", "there"),
    [
        (Moment(day(1) - MICROSECOND, day(9)), False),
        (Moment(day(1), day(9)), True),
        (Moment(day(2) - MICROSECOND, day(9)), True),
        (Moment(day(2), day(9)), False),
        (Moment(day(2), day(5) - MICROSECOND), True),
        (Moment(day(2), day(5)), False),
        (Moment(day(1), day(3) - MICROSECOND), False),
        (Moment(day(1), day(3)), True),
    ],
    ids=str,
)
async def test_a_fact_begins_and_ends_to_the_microsecond_on_both_clocks(
    facts: Facts, at: Moment, there: bool
) -> None:
    dated = fact("f", valid_from=day(1), valid_to=day(2), recorded_at=day(3), retracted_at=day(5))
    scope = await filled(facts, [dated])
    assert await facts.count(scope, FactFilter(), at) == int(there)
    assert await facts.count_of(scope, Kind.ENTITY, ["s"], BOTH, at) == [int(there)]
    assert await facts.count_neighbors(scope, ["s"], BOTH, at) == [int(there)]
    assert await facts.expand(scope, ["s"], BOTH, at) == [["o"] if there else []]


async def test_facts_are_given_with_all_four_times_as_stored(facts: Facts) -> None:
    """Loaders, not adapters, take away what was learnt later."""
    times = {
        "valid_from": day(1),
        "valid_to": day(2),
        "recorded_at": day(3),
        "retracted_at": day(5),
    }
    scope = await filled(facts, [fact("f", **times)])
    at = Moment(day(2), day(4))
    found = await facts.find(scope, FactFilter(), None, at, ALL, frozenset(times))
    assert found.items == [Fact(key="f", **times)]
    assert await facts.get_many(scope, ["f"], frozenset(times)) == found.items
    (page,) = await facts.of(scope, Kind.ENTITY, ["s"], BOTH, at, ALL, frozenset(times))
    assert page.items == found.items
    assert await facts.among(scope, ["s", "o"], BOTH, at, 9, frozenset(times)) == found.items
    assert await facts.between(scope, [("s", "o")], BOTH, at, 9, frozenset(times)) == [found.items]


async def test_one_asked_for_by_key_is_given_at_whatever_moment(facts: Facts) -> None:
    scope = await filled(facts, [fact("f", recorded_at=LATEST, retracted_at=LATEST)])
    assert await facts.get_many(scope, ["f"], KEY_ONLY) == [Fact(key="f")]


# Any graph

grid = st.none() | st.sampled_from(
    [day(number) + step * MICROSECOND for number in (1, 2) for step in (-1, 0, 1)]
)
NODES = ["a", "b", FULLWIDTH_A, SMILE, "é'\""]
rows = st.builds(
    fact,
    keys,
    st.sampled_from(NODES),
    st.sampled_from(NODES),
    predicate=st.sampled_from(["KNOWS", "knows", "WORKS AT"]),
    valid_from=grid,
    valid_to=grid,
    recorded_at=grid,
    retracted_at=grid,
    episode_keys=st.lists(st.sampled_from(["e1", "e2"]), max_size=3).map(tuple),
)
graphs = st.lists(rows, max_size=14, unique_by=lambda record: record.key)
instants = grid.map(lambda instant: instant or ALL_TIME)
moments = st.builds(Moment, instants, instants)
edge_choices = st.builds(
    Edges,
    direction=st.sampled_from(Direction),
    predicates=st.none() | st.sampled_from([(), ("KNOWS",), ("WORKS AT", "knows", "gap")]),
    include_invalidated=st.booleans(),
)
directions = pytest.mark.parametrize("direction", Direction)


@modest
@given(records=graphs, at=moments, every=st.booleans())
async def test_facts_visible_at_any_moment_are_those_that_hold(
    facts: Facts, records: list[Fact], at: Moment, every: bool
) -> None:
    scope = await filled(facts, records)
    where = FactFilter(include_invalidated=every)
    chosen = shown(records, Edges(include_invalidated=every), at)
    page = await facts.find(scope, where, None, at, ALL, KEY_ONLY)
    assert keys_of(page) == [each.key for each in chosen]
    assert await facts.count(scope, where, at) == len(chosen)


@modest
@given(
    records=graphs,
    at=moments,
    order=st.sampled_from(ORDERS),
    size=st.integers(1, 5),
    backward=st.booleans(),
)
async def test_a_walk_gives_the_whole_list_once(
    facts: Facts,
    records: list[Fact],
    at: Moment,
    order: Order | None,
    size: int,
    backward: bool,
) -> None:
    scope = await filled(facts, records)
    by, descending = (order.by, order.descending) if order else ("valid_from", False)

    async def fetch(page: PageRequest) -> Page[Fact]:
        return await facts.find(scope, FactFilter(), order, at, page, frozenset({by}))

    walked = await walk(fetch, by, size, backward=backward)
    assert walked == keys_in_order(shown(records, BOTH, at), by, descending=descending)


@modest
@given(
    records=graphs, at=moments, edges=edge_choices, size=st.integers(1, 5), backward=st.booleans()
)
async def test_a_walk_of_an_entitys_facts_gives_each_once(
    facts: Facts, records: list[Fact], at: Moment, edges: Edges, size: int, backward: bool
) -> None:
    scope = await filled(facts, records)

    async def fetch(page: PageRequest) -> Page[Fact]:
        return (await facts.of(scope, Kind.ENTITY, ["a"], edges, at, page, DATED))[0]

    walked = await walk(fetch, "valid_from", size, backward=backward)
    about = facts_about(shown(records, edges, at), "a", edges.direction)
    assert walked == [each.key for each in about]


@modest
@given(records=graphs, at=moments, edges=edge_choices, limit=st.integers(0, 4))
async def test_the_graph_of_any_memory_is_that_of_the_reference(
    facts: Facts, records: list[Fact], at: Moment, edges: Edges, limit: int
) -> None:
    scope = await filled(facts, records)
    seen = shown(records, edges, at)
    asked = [*NODES, "gap"]
    way = edges.direction
    page = PageRequest(first=limit, ends=True)
    about = [[each.key for each in facts_about(seen, key, way)] for key in asked]
    others = [others_of(seen, key, way) for key in asked]

    pages = await facts.of(scope, Kind.ENTITY, asked, edges, at, page, KEY_ONLY)
    assert [keys_of(each) for each in pages] == [each[:limit] for each in about]
    assert [each.has_next for each in pages] == [len(each) > limit for each in about]
    counts = await facts.count_of(scope, Kind.ENTITY, asked, edges, at)
    assert counts == [len(each) for each in about]

    pages = await facts.neighbors(scope, asked, edges, at, page, KEY_ONLY)
    assert [keys_of(each) for each in pages] == [each[:limit] for each in others]
    assert [each.has_next for each in pages] == [len(each) > limit for each in others]
    assert await facts.count_neighbors(scope, asked, edges, at) == [len(each) for each in others]
    assert await facts.expand(scope, asked, edges, at) == others

    pairs = [(near, far) for near in asked for far in asked]
    joined = await facts.between(scope, pairs, edges, at, limit, KEY_ONLY)
    assert [[each.key for each in found] for found in joined] == [
        [each.key for each in facts_between(seen, near, far, way)][:limit] for near, far in pairs
    ]

    around, visited = NODES[:2], NODES[1:3]
    reached = {key for each in around for key in others_of(seen, each, way)} - set(visited)
    assert await facts.reach(scope, around, visited, edges, at, limit) == sorted(reached)[:limit]
    inside = [each.key for each in seen if {each.subject_key, each.object_key} <= set(NODES[:3])]
    among = await facts.among(scope, NODES[:3], edges, at, limit, KEY_ONLY)
    assert [each.key for each in among] == inside[:limit]


@modest
@given(records=graphs, at=moments, every=st.booleans())
async def test_facts_of_episodes_are_those_drawn_from_them(
    facts: Facts, records: list[Fact], at: Moment, every: bool
) -> None:
    scope = await filled(facts, records)
    edges = Edges(include_invalidated=every)
    seen = shown(records, edges, at)
    asked = ["e2", "gap", "e1"]
    wanted = [[each.key for each in seen if key in each.episode_keys] for key in asked]
    pages = await facts.of(scope, Kind.EPISODE, asked, edges, at, ALL, KEY_ONLY)
    assert [keys_of(page) for page in pages] == wanted
    counts = await facts.count_of(scope, Kind.EPISODE, asked, edges, at)
    assert counts == [len(each) for each in wanted]


# Of entities and episodes


@pytest.mark.parametrize("shape", SHAPES)
@directions
async def test_pages_of_an_entity_are_those_of_the_reference(
    facts: Facts, direction: Direction, shape: str
) -> None:
    turned = [("s", "o"), ("o", "s"), ("s", "s")]
    records = [
        fact(f"{key}{number}", *ends, valid_from=each.valid_from)
        for number, ends in enumerate(turned)
        for each in ODD[:6]
        for key in [each.key]
    ]
    scope = await filled(facts, [*records, fact("stray", "o", "p")])
    edges = Edges(direction=direction)

    async def fetch(page: PageRequest) -> Page[Fact]:
        at = Moment(LATEST, LATEST)
        return (await facts.of(scope, Kind.ENTITY, ["s"], edges, at, page, DATED))[0]

    await check_pages(shape, fetch, facts_about(records, "s", direction), "valid_from")


@pytest.mark.parametrize("shape", SHAPES)
async def test_pages_of_an_episode_are_those_of_the_reference(facts: Facts, shape: str) -> None:
    drawn = [
        fact(each.key, valid_from=each.valid_from, episode_keys=("e", "other", "e")) for each in ODD
    ]
    scope = await filled(facts, [*drawn, fact("stray", episode_keys=("other",))])

    async def fetch(page: PageRequest) -> Page[Fact]:
        return (await facts.of(scope, Kind.EPISODE, ["e"], ANY_EDGE, EVER, page, DATED))[0]

    await check_pages(shape, fetch, drawn, "valid_from")


async def test_a_fact_about_itself_is_listed_once_and_makes_no_neighbor(facts: Facts) -> None:
    scope = await filled(facts, [fact("self", "a", "a"), fact("out", "a", "b")])
    for direction, wanted in (
        (Direction.BOTH, ["out", "self"]),
        (Direction.OUT, ["out", "self"]),
        (Direction.IN, ["self"]),
    ):
        edges = Edges(direction=direction)
        (page,) = await facts.of(scope, Kind.ENTITY, ["a"], edges, EVER, ALL, KEY_ONLY)
        assert keys_of(page) == wanted, direction
        assert await facts.count_of(scope, Kind.ENTITY, ["a"], edges, EVER) == [len(wanted)]
        (found,) = await facts.between(scope, [("a", "a")], edges, EVER, 9, KEY_ONLY)
        assert found == [Fact(key="self")], direction
    assert await facts.expand(scope, ["a", "b"], BOTH, EVER) == [["b"], ["a"]]
    assert await facts.count_neighbors(scope, ["a", "b"], BOTH, EVER) == [1, 1]
    assert await facts.reach(scope, ["a"], [], BOTH, EVER, 9) == ["b"]
    among = await facts.among(scope, ["a"], BOTH, EVER, 9, KEY_ONLY)
    assert among == [Fact(key="self")]


async def test_each_parent_has_a_page_of_its_own(facts: Facts) -> None:
    scope = await filled(
        facts,
        [
            fact("1", "hub", "a", valid_from=day(0), episode_keys=("e",)),
            fact("2", "b", "hub", valid_from=day(0), episode_keys=("e",)),
            fact("3", "hub", "c", episode_keys=("e", "E")),
        ],
    )
    page = PageRequest(first=2, ends=True)
    asked = ["c", "hub", "gap", "hub"]
    pages = await facts.of(scope, Kind.ENTITY, asked, BOTH, EVER, page, KEY_ONLY)
    assert [keys_of(each) for each in pages] == [["3"], ["1", "2"], [], ["1", "2"]]
    assert [each.has_next for each in pages] == [False, True, False, True]
    pages = await facts.of(scope, Kind.EPISODE, ["E", "e", "gap"], BOTH, EVER, page, KEY_ONLY)
    assert [keys_of(each) for each in pages] == [["3"], ["1", "2"], []]
    last = PageRequest(last=2, ends=True)
    pages = await facts.of(scope, Kind.ENTITY, asked, BOTH, EVER, last, KEY_ONLY)
    assert [keys_of(each) for each in pages] == [["3"], ["2", "3"], [], ["2", "3"]]
    assert [each.has_previous for each in pages] == [False, True, False, True]


@pytest.mark.parametrize(
    "edges",
    [Edges(direction=Direction.IN), Edges(predicates=()), Edges(predicates=("gap",))],
    ids=["direction", "no predicates", "predicates"],
)
async def test_direction_and_predicates_do_not_apply_to_episodes(
    facts: Facts, edges: Edges
) -> None:
    scope = await filled(facts, [fact("f", episode_keys=("e",))])
    (page,) = await facts.of(scope, Kind.EPISODE, ["e"], edges, EVER, ALL, KEY_ONLY)
    assert keys_of(page) == ["f"]
    assert await facts.count_of(scope, Kind.EPISODE, ["e"], edges, EVER) == [1]


async def test_the_episodes_of_a_fact_are_those_last_written(facts: Facts, scope: Scope) -> None:
    first, second = fact("f", episode_keys=("a", "b")), fact("f", episode_keys=("b", "c", "c"))
    await facts.upsert_many(scope, [first])
    assert await facts.upsert_many(scope, [second]) == [Outcome.UPDATED]
    counts = await facts.count_of(scope, Kind.EPISODE, ["a", "b", "c"], BOTH, EVER)
    assert counts == [0, 1, 1]


# Filters

FILTERED = [
    fact("a", "x", "y", predicate="KNOWS", valid_from=day(1)),
    fact("b", "y", "x", predicate="knows", valid_from=day(2)),
    fact("c", "x", "x", predicate="WORKS AT", valid_from=None),
    fact("d", "X", "z", predicate="KNOWS", valid_from=day(2) - MICROSECOND),
    fact("e", "x", "y", predicate="KNOWS", valid_from=day(2), retracted_at=day(3)),
    fact("f", "x", "y", predicate="KNOWS", valid_from=day(2), recorded_at=day(30)),
]

FILTERS: dict[str, tuple[FactFilter, str]] = {
    "all that hold": (FactFilter(), "abcd"),
    "all heard of": (EVERY, "abcde"),
    "predicates": (FactFilter(predicates=("KNOWS", "gap")), "ad"),
    "no predicates": (FactFilter(predicates=()), ""),
    "subjects": (FactFilter(subjects=("x", "gap")), "ac"),
    "no subjects": (FactFilter(subjects=()), ""),
    "objects": (FactFilter(objects=("x", "z")), "bcd"),
    "no objects": (FactFilter(objects=()), ""),
    "a subject that begins another": (FactFilter(subjects=("x\0y",)), ""),
    "from": (FactFilter(valid_from=TimeRange(start=day(2))), "b"),
    "to": (FactFilter(valid_from=TimeRange(end=day(2))), "ad"),
    "between": (FactFilter(valid_from=TimeRange(start=day(1), end=day(1) + MICROSECOND)), "a"),
    "together": (FactFilter(subjects=("x",), objects=("x",), predicates=("WORKS AT",)), "c"),
    "together, whether they hold or not": (
        FactFilter(
            subjects=("x",),
            objects=("y",),
            valid_from=TimeRange(start=day(2)),
            include_invalidated=True,
        ),
        "e",
    ),
}


@pytest.mark.parametrize("name", FILTERS)
async def test_filters_pass_what_they_say(facts: Facts, name: str) -> None:
    where, wanted = FILTERS[name]
    scope = await filled(facts, FILTERED)
    at = moment(5, 5)
    page = await facts.find(scope, where, None, at, ALL, KEY_ONLY)
    assert sorted(keys_of(page)) == list(wanted)
    assert await facts.count(scope, where, at) == len(wanted)


# Neighbours and traversal


@pytest.mark.parametrize("shape", SHAPES)
@directions
async def test_pages_of_neighbors_are_those_of_the_reference(
    facts: Facts, direction: Direction, shape: str
) -> None:
    ends = [("hub", key) if number % 3 else (key, "hub") for number, key in enumerate(STRANGE[:16])]
    twice = [("hub", SMILE), (SMILE, "hub"), (FULLWIDTH_A, "hub"), ("hub", FULLWIDTH_A)]
    records = [
        fact(f"f{number}", *each)
        for number, each in enumerate([*ends, *twice, *twice, ("hub", "hub")])
    ]
    scope = await filled(facts, records)
    edges = Edges(direction=direction)

    async def fetch(page: PageRequest) -> Page[Entity]:
        return (await facts.neighbors(scope, ["hub"], edges, EVER, page, KEY_ONLY))[0]

    others = [entity(key) for key in others_of(records, "hub", direction)]
    await check_pages(shape, fetch, others)


@modest
@given(records=graphs, at=moments, edges=edge_choices, size=st.integers(1, 3))
async def test_a_walk_of_neighbors_gives_each_once(
    facts: Facts, records: list[Fact], at: Moment, edges: Edges, size: int
) -> None:
    scope = await filled(facts, records)

    async def fetch(page: PageRequest) -> Page[Entity]:
        return (await facts.neighbors(scope, ["a"], edges, at, page, KEY_ONLY))[0]

    walked = await walk(fetch, None, size, backward=False)
    assert walked == others_of(shown(records, edges, at), "a", edges.direction)


async def test_neighbors_are_entities_or_their_stand_ins(
    facts: Facts, entities: Entities, scope: Scope
) -> None:
    await entities.upsert_many(scope, [entity("a", name="A"), entity("b", name="B", type="T")])
    await facts.upsert_many(scope, [fact("f", "a", "b"), fact("g", "c", "a"), fact("h", "a", "b")])
    fields = frozenset({"name"})
    pages = await facts.neighbors(scope, ["a", "c", "gap"], BOTH, EVER, ALL, fields)
    assert [list(page.items) for page in pages] == [
        [Entity(key="b", name="B"), Entity.missing("c")],
        [Entity(key="a", name="A")],
        [],
    ]


async def test_neighbors_of_many_are_as_of_the_moment(facts: Facts) -> None:
    scope = await filled(
        facts,
        [
            fact("f", "a", "b", valid_to=day(1)),
            fact("g", "a", "c", valid_from=day(1)),
            fact("h", "b", "c", recorded_at=day(2)),
        ],
    )
    for at, wanted in (
        (moment(0, 1), [["b"], ["a"], []]),
        (moment(1, 1), [["c"], [], ["a"]]),
        (moment(1, 2), [["c"], ["c"], ["a", "b"]]),
    ):
        asked = ["a", "b", "c"]
        pages = await facts.neighbors(scope, asked, BOTH, at, ALL, KEY_ONLY)
        assert [keys_of(page) for page in pages] == wanted, at
        assert await facts.expand(scope, asked, BOTH, at) == wanted, at


async def test_between_sees_the_direction_from_the_pairs_first(facts: Facts) -> None:
    scope = await filled(
        facts,
        [
            fact("out", "a", "b", valid_from=day(2)),
            fact("back", "b", "a", valid_from=day(1)),
            fact("undated", "a", "b"),
            fact("far", "a", "c"),
        ],
    )
    at = moment(5)
    pairs = [("a", "b"), ("b", "a"), ("a", "gap"), ("a", "b"), ("c", "b")]
    every = ["back", "out", "undated"]
    for direction, wanted in (
        (Direction.OUT, [["out", "undated"], ["back"], [], ["out", "undated"], []]),
        (Direction.IN, [["back"], ["out", "undated"], [], ["back"], []]),
        (Direction.BOTH, [every, every, [], every, []]),
    ):
        edges = Edges(direction=direction)
        found = await facts.between(scope, pairs, edges, at, 9, KEY_ONLY)
        assert [[each.key for each in facts] for facts in found] == wanted, direction
        found = await facts.between(scope, pairs, edges, at, 1, KEY_ONLY)
        assert [[each.key for each in facts] for facts in found] == [each[:1] for each in wanted]
    assert await facts.between(scope, pairs, BOTH, at, 0, KEY_ONLY) == [[] for _ in pairs]
    assert await facts.between(scope, [], BOTH, at, 9, KEY_ONLY) == []


async def test_reach_gives_the_first_that_were_not_visited(facts: Facts) -> None:
    scope = await filled(facts, [fact(f"f{key}", "hub", key) for key in "edcba"])
    assert await facts.reach(scope, ["hub"], ["hub", "b"], BOTH, EVER, 3) == ["a", "c", "d"]
    assert await facts.reach(scope, ["a", "b"], ["a", "b"], BOTH, EVER, 3) == ["hub"]
    assert await facts.reach(scope, ["a", "hub"], [], BOTH, EVER, 2) == ["a", "b"]
    assert await facts.reach(scope, ["hub"], [], BOTH, EVER, 0) == []
    assert await facts.reach(scope, [], ["a"], BOTH, EVER, 3) == []
    assert await facts.reach(scope, ["gap"], [], BOTH, EVER, 3) == []


async def test_among_gives_the_first_in_fact_order(facts: Facts) -> None:
    scope = await filled(
        facts,
        [
            fact("a", "x", "y", valid_from=day(2)),
            fact("b", "y", "x", valid_from=day(1)),
            fact("c", "x", "x"),
            fact("d", "x", "z", valid_from=day(0)),
        ],
    )
    at = moment(5)
    found = await facts.among(scope, ["x", "y", "gap", "x"], BOTH, at, 9, KEY_ONLY)
    assert [each.key for each in found] == ["b", "a", "c"]
    found = await facts.among(scope, ["x", "y"], BOTH, at, 2, KEY_ONLY)
    assert [each.key for each in found] == ["b", "a"]
    assert await facts.among(scope, ["x", "y"], BOTH, at, 0, KEY_ONLY) == []
    assert await facts.among(scope, [], BOTH, at, 9, KEY_ONLY) == []


async def test_no_keys_have_no_answers(facts: Facts, scope: Scope) -> None:
    for kind in (Kind.ENTITY, Kind.EPISODE):
        assert await facts.of(scope, kind, [], BOTH, EVER, ALL, KEY_ONLY) == []
        assert await facts.count_of(scope, kind, [], BOTH, EVER) == []
    assert await facts.neighbors(scope, [], BOTH, EVER, ALL, KEY_ONLY) == []
    assert await facts.count_neighbors(scope, [], BOTH, EVER) == []
    assert await facts.expand(scope, [], BOTH, EVER) == []
    assert await facts.unstated_of(scope, []) == []


async def test_ten_thousand_keys_are_one_call(facts: Facts) -> None:
    asked = numbered("e", 10_000)
    records = [fact(f"f {key}", key, "hub", episode_keys=(key,)) for key in asked[::100]]
    scope = await filled(facts, records)
    some = [number % 100 == 0 for number in range(len(asked))]
    one = PageRequest(first=1)
    for kind in (Kind.ENTITY, Kind.EPISODE):
        pages = await facts.of(scope, kind, asked, BOTH, EVER, one, KEY_ONLY)
        assert [bool(page.items) for page in pages] == some, kind
        assert await facts.count_of(scope, kind, asked, BOTH, EVER) == [int(has) for has in some]
    pages = await facts.neighbors(scope, asked, BOTH, EVER, one, KEY_ONLY)
    assert [bool(page.items) for page in pages] == some
    assert await facts.count_neighbors(scope, asked, BOTH, EVER) == [int(has) for has in some]
    assert await facts.expand(scope, asked, BOTH, EVER) == [["hub"] if has else [] for has in some]
    pairs = [("hub", key) for key in asked]
    found = await facts.between(scope, pairs, BOTH, EVER, 1, KEY_ONLY)
    assert [bool(each) for each in found] == some
    assert await facts.reach(scope, asked, asked, BOTH, EVER, 9) == ["hub"]
    among = await facts.among(scope, [*asked, "hub"], BOTH, EVER, 1_000, KEY_ONLY)
    assert [each.key for each in among] == [each.key for each in records]
    assert len(await facts.unstated_of(scope, asked)) == len(records)


@pytest.mark.parametrize("key", STRANGE, ids=lambda key: ascii(key)[:20])
async def test_any_key_can_be_the_end_of_a_fact(facts: Facts, key: str) -> None:
    scope = await filled(facts, [fact(key, key, "o", predicate="P", episode_keys=(key,))])
    ends = frozenset({"subject_key"})
    only = [Fact(key=key, subject_key=key)]
    for kind in (Kind.ENTITY, Kind.EPISODE):
        (page,) = await facts.of(scope, kind, [key], BOTH, EVER, ALL, ends)
        assert page.items == only, kind
    assert await facts.expand(scope, [key, "o"], BOTH, EVER) == [["o"], [key]]
    assert await facts.between(scope, [("o", key)], BOTH, EVER, 9, ends) == [only]
    assert await facts.reach(scope, ["o"], ["o"], BOTH, EVER, 9) == [key]
    assert await facts.among(scope, [key, "o"], BOTH, EVER, 9, ends) == only


async def test_unstated_facts_are_those_without_a_statement(facts: Facts) -> None:
    scope = await filled(
        facts,
        [
            fact("none", "a", "b"),
            fact("empty", "a", "b", statement=""),
            fact("stated", "a", "b", statement="a knows b"),
            fact("self", "a", "a"),
            fact("into", "c", "a"),
            fact("stray", "c", "b"),
            fact("later", "a", "b", recorded_at=LATEST, retracted_at=LATEST),
        ],
    )
    found = await facts.unstated_of(scope, ["a", "gap", "a"])
    assert sorted(found) == ["into", "later", "none", "self"]


async def test_nothing_of_another_tenant_is_seen(facts: Facts) -> None:
    ours = await filled(facts, [fact(each.key, "a", "b", episode_keys=("e",)) for each in ODD])
    theirs = await filled(facts, [fact("a", "b", "c", episode_keys=("E",))])
    assert await facts.count(theirs, EVERY, EVER) == 1
    assert keys_of(await facts.find(theirs, EVERY, None, EVER, ALL, KEY_ONLY)) == ["a"]
    assert await facts.count_of(theirs, Kind.ENTITY, ["a", "b"], BOTH, EVER) == [0, 1]
    assert await facts.count_of(theirs, Kind.EPISODE, ["e", "E"], BOTH, EVER) == [0, 1]
    assert await facts.expand(theirs, ["a", "b"], BOTH, EVER) == [[], ["c"]]
    assert await facts.count_neighbors(theirs, ["a", "b"], BOTH, EVER) == [0, 1]
    assert await facts.between(theirs, [("a", "b")], BOTH, EVER, 9, KEY_ONLY) == [[]]
    assert await facts.reach(theirs, ["b"], [], BOTH, EVER, 9) == ["c"]
    assert await facts.among(theirs, ["a", "b"], BOTH, EVER, 9, KEY_ONLY) == []
    assert await facts.unstated_of(theirs, ["a"]) == []
    (page,) = await facts.neighbors(ours, ["b"], BOTH, EVER, ALL, KEY_ONLY)
    assert keys_of(page) == ["a"]
