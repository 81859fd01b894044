"""The contract of `Entities`: stand-ins for those only named, names, and lists by name, key."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.records import (
    Entity,
    EntityFilter,
    Order,
    Outcome,
    Page,
    PageRequest,
    Scope,
    TimeRange,
)
from backends.roles import Entities, Facts
from tests.contract.reference import SHAPES, check_pages, keys_in_order, keys_of, walk
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
    fact,
    keys,
    modest,
    new_scope,
    numbered,
    shuffled,
)

EVERY = EntityFilter()
ORDERS = [None] + [
    Order(by, descending) for by in ("name", "created_at") for descending in (False, True)
]
LONG = "n" * 200

ODD = [
    entity("a", name="Ada", created_at=day(1)),
    entity("A", name="Ada", created_at=None),
    entity("b", name="ada", created_at=day(1)),
    entity("c", name="", created_at=day(0)),
    entity("d", name=LONG + "b", created_at=None),
    entity("e", name=LONG + "a", created_at=day(1) + MICROSECOND),
    entity("f", name=LONG, created_at=day(1)),
    entity("g", name=SMILE, created_at=None),
    entity("h", name=FULLWIDTH_A, created_at=day(2)),
    entity(SMILE, name="Zoe\u0308", created_at=day(1)),
    entity(FULLWIDTH_A, name="Zo\u00eb", created_at=day(1)),
]
"""Equal names, names alike in their first 200 characters, and U+FF21 with U+1F600."""


async def filled(entities: Entities, records: list[Entity]) -> Scope:
    """A tenant with these entities, written in no order."""
    scope = new_scope()
    await entities.upsert_many(scope, shuffled(records))
    return scope


def fetching(entities: Entities, scope: Scope, order: Order | None) -> Callable[[PageRequest], Any]:
    async def fetch(page: PageRequest) -> Page[Entity]:
        fields = frozenset({order.by if order else "name"})
        return await entities.find(scope, EVERY, order, page, fields)

    return fetch


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("order", ORDERS, ids=str)
async def test_pages_are_those_of_the_reference(
    entities: Entities, order: Order | None, shape: str
) -> None:
    scope = await filled(entities, ODD)
    by, descending = (order.by, order.descending) if order else ("name", False)
    await check_pages(shape, fetching(entities, scope, order), ODD, by, descending=descending)


rows = st.builds(
    entity,
    keys,
    name=keys | st.sampled_from([LONG, LONG + "a", LONG + "b"]),
    created_at=st.none() | st.sampled_from([day(0), day(1)]),
)


@modest
@given(
    records=st.lists(rows, max_size=12, unique_by=lambda record: record.key),
    order=st.sampled_from(ORDERS),
    size=st.integers(1, 5),
    backward=st.booleans(),
)
async def test_a_walk_gives_the_whole_list_once(
    entities: Entities, records: list[Entity], order: Order | None, size: int, backward: bool
) -> None:
    scope = await filled(entities, records)
    by, descending = (order.by, order.descending) if order else ("name", False)
    walked = await walk(fetching(entities, scope, order), by, size, backward=backward)
    assert walked == keys_in_order(records, by, descending=descending)


async def test_a_name_written_again_moves_its_entity(entities: Entities) -> None:
    scope = await filled(entities, [entity("a", name="A"), entity("b", name="B")])
    await entities.upsert_many(scope, [entity("a", name="C")])
    page = await entities.find(scope, EVERY, None, ALL, frozenset({"name"}))
    assert page.items == [Entity(key="b", name="B"), Entity(key="a", name="C")]


FILTERED = [
    entity("a", name="Ada 100%", type="Person", created_at=day(1)),
    entity("b", name="ADA_2", type="person", created_at=day(2)),
    entity("c", name="ÄDA*", type=None, created_at=None),
    entity("d", name="", type="", created_at=day(2) - MICROSECOND),
    entity("e", name="Ada 100%", type="Thing", created_at=day(3)),
    entity("f", name="it's", type="Person", created_at=day(2) + MICROSECOND),
]

FILTERS: dict[str, tuple[EntityFilter, str]] = {
    "all": (EVERY, "abcdef"),
    "names": (EntityFilter(names=("Ada 100%", "it's", "gap")), "aef"),
    "names exactly": (EntityFilter(names=("ada_2", "Ada", "ADA_2 ", "a\u0308DA*")), ""),
    "a name that begins another": (EntityFilter(names=("ADA_2\0",)), ""),
    "no names": (EntityFilter(names=()), ""),
    "contains": (EntityFilter(name_contains="ada"), "abe"),
    "percent": (EntityFilter(name_contains="0%"), "ae"),
    "underscore": (EntityFilter(name_contains="a_"), "b"),
    "star": (EntityFilter(name_contains="*"), "c"),
    "quote": (EntityFilter(name_contains="T'S"), "f"),
    "contains nothing": (EntityFilter(name_contains=""), "abcdef"),
    "types": (EntityFilter(types=("Person", "", "gap")), "adf"),
    "no types": (EntityFilter(types=()), ""),
    "from": (EntityFilter(created_at=TimeRange(start=day(2))), "bef"),
    "to": (EntityFilter(created_at=TimeRange(end=day(2))), "ad"),
    "an instant": (
        EntityFilter(created_at=TimeRange(start=day(2), end=day(2) + MICROSECOND)),
        "b",
    ),
    "together": (EntityFilter(names=("Ada 100%",), types=("Thing",), name_contains="AD"), "e"),
}


@pytest.mark.parametrize("name", FILTERS)
async def test_filters_pass_what_they_say(entities: Entities, name: str) -> None:
    where, wanted = FILTERS[name]
    scope = await filled(entities, FILTERED)
    page = await entities.find(scope, where, Order("created_at"), ALL, KEY_ONLY)
    assert sorted(keys_of(page)) == sorted(wanted)
    assert await entities.count(scope, where) == len(wanted)


# Names


async def test_named_gives_the_keys_of_each_name_exactly(entities: Entities) -> None:
    scope = await filled(entities, ODD)
    asked = ["Ada", "gap", "ada", LONG, LONG + "a", "", "Ada", "Zo\u00eb", "Ada "]
    assert await entities.named(scope, asked, 5) == [
        ["A", "a"],
        [],
        ["b"],
        ["f"],
        ["e"],
        ["c"],
        ["A", "a"],
        [FULLWIDTH_A],
        [],
    ]
    assert await entities.named(scope, [], 5) == []


async def test_named_gives_the_first_keys_by_code_point(entities: Entities) -> None:
    same = shuffled(STRANGE)
    scope = await filled(entities, [entity(key, name="same") for key in same])
    assert await entities.named(scope, ["same", "other"], 5) == [sorted(STRANGE)[:5], []]


@pytest.mark.parametrize("name", STRANGE, ids=lambda name: ascii(name)[:20])
async def test_any_name_is_found(entities: Entities, name: str) -> None:
    scope = await filled(entities, [entity("a", name=name), entity("b", name="?")])
    assert await entities.named(scope, [name], 2) == [["a"]]
    page = await entities.find(scope, EntityFilter(names=(name,)), None, ALL, frozenset({"name"}))
    assert page.items == [Entity(key="a", name=name)]


async def test_ten_thousand_names_are_one_call(entities: Entities) -> None:
    names = numbered("n", 10_000)
    scope = await filled(entities, [entity(f"of {name}", name=name) for name in names[::100]])
    assert await entities.named(scope, names, 1) == [
        [] if number % 100 else [f"of {name}"] for number, name in enumerate(names)
    ]


# Stand-ins


async def test_one_that_only_a_fact_names_has_a_stand_in(
    entities: Entities, facts: Facts, scope: Scope
) -> None:
    await entities.upsert_many(scope, [entity("loaded", name="Loaded")])
    await facts.upsert_many(scope, [fact("f", "loaded", "é/😀"), fact("g", "subject", "loaded")])
    asked = ["é/😀", "nobody", "subject", "loaded", "é/😀", "loade", "subject\0x"]
    found = await entities.get_many(scope, asked, ALL_TIME, frozenset({"name"}))
    assert found == [
        Entity.missing("é/😀"),
        None,
        Entity.missing("subject"),
        Entity(key="loaded", name="Loaded"),
        Entity.missing("é/😀"),
        None,
        None,
    ]


async def test_a_stand_in_is_there_once_its_fact_is_heard_of(
    entities: Entities, facts: Facts, scope: Scope
) -> None:
    await facts.upsert_many(
        scope,
        [
            fact("f", "early", "both", recorded_at=day(1)),
            fact("g", "late", "both", recorded_at=day(2)),
            fact("h", "always", "late", recorded_at=None, valid_to=day(0), retracted_at=day(0)),
        ],
    )
    asked = ["early", "both", "always"]
    at_first = await entities.get_many(scope, asked, day(1) - MICROSECOND, KEY_ONLY)
    assert at_first == [None, None, Entity.missing("always")]
    assert None not in await entities.get_many(scope, asked, day(1), KEY_ONLY)


async def test_a_withdrawn_fact_still_names_its_ends(
    entities: Entities, facts: Facts, scope: Scope
) -> None:
    await facts.upsert_many(scope, [fact("f", "a", "b", retracted_at=day(0))])
    found = await entities.get_many(scope, ["a", "b"], ALL_TIME, KEY_ONLY)
    assert found == [Entity.missing("a"), Entity.missing("b")]


async def test_a_stand_in_is_in_no_list_and_gives_way(
    entities: Entities, facts: Facts, scope: Scope
) -> None:
    await facts.upsert_many(scope, [fact("f", "a", "b")])
    assert await entities.count(scope, EVERY) == 0
    assert (await entities.find(scope, EVERY, None, ALL, KEY_ONLY)).items == []
    assert await entities.named(scope, ["a"], 1) == [[]]
    assert await entities.upsert_many(scope, [entity("a", name="A")]) == [Outcome.LOADED]
    found = await entities.get_many(scope, ["a", "b"], ALL_TIME, frozenset({"name"}))
    assert found == [Entity(key="a", name="A"), Entity.missing("b")]


async def test_ten_thousand_stand_ins_are_one_call(
    entities: Entities, facts: Facts, scope: Scope
) -> None:
    asked = numbered("e", 10_000)
    await facts.upsert_many(scope, [fact(f"f {key}", key, key) for key in asked[::100]])
    found = await entities.get_many(scope, asked, ALL_TIME, KEY_ONLY)
    assert found == [
        None if number % 100 else Entity.missing(key) for number, key in enumerate(asked)
    ]


async def test_nothing_of_another_tenant_is_seen(entities: Entities, facts: Facts) -> None:
    ours, theirs = await filled(entities, ODD), new_scope()
    await facts.upsert_many(theirs, [fact("f", "x", "y")])
    await facts.upsert_many(ours, [fact("f", "z", "a")])
    assert await entities.get_many(theirs, ["a", "z", "x"], ALL_TIME, KEY_ONLY) == [
        None,
        None,
        Entity.missing("x"),
    ]
    assert await entities.named(theirs, ["Ada"], 5) == [[]]
    assert await entities.count(theirs, EVERY) == 0
    assert await entities.get_many(ours, ["x", "y"], ALL_TIME, KEY_ONLY) == [None, None]
