"""The contract of `Documents`: lists in any order, filtered and paged, and their counts."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.metadata import presence_token, value_token
from backends.records import (
    UNLOADED,
    Document,
    DocumentFilter,
    MetadataMatch,
    Order,
    Page,
    PageRequest,
    Scope,
    TimeRange,
)
from backends.roles import Documents
from tests.contract.reference import SHAPES, check_pages, keys_in_order, keys_of, walk
from tests.contract.samples import (
    ALL,
    FULLWIDTH_A,
    KEY_ONLY,
    MICROSECOND,
    SMILE,
    STRANGE,
    day,
    document,
    keys,
    modest,
    new_scope,
    numbered,
    shuffled,
)

EVERY = DocumentFilter()
ORDERS = [None] + [
    Order(by, descending)
    for by in ("title", "created_at", "updated_at")
    for descending in (False, True)
]
LONG = "x" * 200

ODD = [
    document("a", title="B", created_at=day(1), updated_at=day(3)),
    document("A", title="b", created_at=day(1), updated_at=None),
    document("b", title="B", created_at=None, updated_at=day(3)),
    document("c", title=None, created_at=day(0), updated_at=day(3) + MICROSECOND),
    document("d", title="", created_at=day(1) - MICROSECOND, updated_at=None),
    document("e", title=LONG + "b", created_at=None, updated_at=None),
    document("f", title=LONG + "a", created_at=day(2), updated_at=day(4)),
    document("g", title=LONG, created_at=day(1), updated_at=day(3)),
    document(FULLWIDTH_A, title=SMILE, created_at=None, updated_at=day(3)),
    document(SMILE, title=FULLWIDTH_A, created_at=day(1), updated_at=day(1)),
    document("é", title=None, created_at=day(1), updated_at=None),
]
"""Ties, gaps, titles alike in their first 200 characters, and U+FF21 with U+1F600."""


async def filled(documents: Documents, records: list[Document]) -> Scope:
    """A tenant with these documents, written in no order."""
    scope = new_scope()
    await documents.upsert_many(scope, shuffled(records))
    return scope


def fetching(
    documents: Documents, scope: Scope, order: Order | None
) -> Callable[[PageRequest], Any]:
    async def fetch(page: PageRequest) -> Page[Document]:
        fields = frozenset({order.by}) if order else KEY_ONLY
        return await documents.find(scope, EVERY, order, page, fields)

    return fetch


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("order", ORDERS, ids=str)
async def test_pages_are_those_of_the_reference(
    documents: Documents, order: Order | None, shape: str
) -> None:
    scope = await filled(documents, ODD)
    by, descending = (order.by, order.descending) if order else (None, False)
    await check_pages(shape, fetching(documents, scope, order), ODD, by, descending=descending)


times = st.none() | st.sampled_from([day(0), day(1), day(1) + MICROSECOND])
rows = st.builds(
    document,
    keys,
    title=st.none() | keys | st.sampled_from([LONG, LONG + "a", LONG + "b"]),
    created_at=times,
    updated_at=times,
)


@modest
@given(
    records=st.lists(rows, max_size=12, unique_by=lambda record: record.key),
    order=st.sampled_from(ORDERS),
    size=st.integers(1, 5),
    backward=st.booleans(),
)
async def test_a_walk_gives_the_whole_list_once(
    documents: Documents, records: list[Document], order: Order | None, size: int, backward: bool
) -> None:
    scope = await filled(documents, records)
    by, descending = (order.by, order.descending) if order else (None, False)
    walked = await walk(fetching(documents, scope, order), by, size, backward=backward)
    assert walked == keys_in_order(records, by, descending=descending)


async def test_ends_are_told_only_when_asked(documents: Documents) -> None:
    scope = await filled(documents, ODD)
    page = await documents.find(scope, EVERY, None, PageRequest(first=3), KEY_ONLY)
    assert (page.has_next, page.has_previous) == (None, None)


async def test_an_empty_list_has_no_ends(documents: Documents, scope: Scope) -> None:
    for request in (PageRequest(first=3, ends=True), PageRequest(last=0, ends=True)):
        page = await documents.find(scope, EVERY, None, request, KEY_ONLY)
        assert (list(page.items), page.has_next, page.has_previous) == ([], False, False)


async def test_a_page_starts_at_a_place_whose_record_is_gone(documents: Documents) -> None:
    """Cursors survive deletes: a position need not be that of a record."""
    scope = await filled(documents, ODD)
    order = Order("created_at")
    place = (day(1), "aa")
    after = await documents.find(
        scope, EVERY, order, PageRequest(first=1, after=place, ends=True), KEY_ONLY
    )
    before = await documents.find(
        scope, EVERY, order, PageRequest(last=1, before=place, ends=True), KEY_ONLY
    )
    assert keys_of(before) + keys_of(after) == ["a", "g"]
    assert (before.has_next, before.has_previous) == (True, True)
    assert (after.has_next, after.has_previous) == (True, True)


async def test_a_page_loads_what_is_asked(documents: Documents) -> None:
    scope = await filled(documents, [document("a", title="t", text="x")])
    page = await documents.find(scope, EVERY, None, ALL, frozenset({"title"}))
    assert page.items == [Document(key="a", title="t")]
    assert page.items[0].text is UNLOADED


METADATA: dict[str, Any] = {
    "one": {"a": 1, "b": "x"},
    "float": {"a": 1.0, "b": ["x"]},
    "string": {"a": "1", "b": ["x", "y"]},
    "true": {"a": True, "b": {"c": {"d": None}}},
    "null": {"a": None, "b": {"c": 1}},
    "object": {"a": {"y": 2, "x": 1}, "b": {"c": "é"}},
    "dotted": {"b.c": 1, "a": []},
    "empty step": {"": {"": 0}},
    "long": {"a": "z" * 5_000},
    "nothing": {},
}

FILTERED = [
    document("a", title="Alpha 100%", source="s", media_type="text/plain", created_at=day(1)),
    document("b", title="alphabet_soup", source="S", media_type="text/html", created_at=day(2)),
    document("c", title="ÄLPHA*", source=None, media_type=None, created_at=None),
    document("d", title=None, source="", media_type="", created_at=day(2) - MICROSECOND),
    document("e", title="", source="s ", media_type="text/plain", created_at=day(3)),
    document("f", title="100 percent", source="a\\b'", created_at=day(2) + MICROSECOND),
]

FILTERS: dict[str, tuple[DocumentFilter, Callable[[Document], bool]]] = {
    "all": (EVERY, lambda d: True),
    "keys": (DocumentFilter(keys=("e", "a", "gap", "a")), lambda d: d.key in "ae"),
    "no keys": (DocumentFilter(keys=()), lambda d: False),
    "source": (DocumentFilter(sources=("s",)), lambda d: d.source == "s"),
    "sources": (
        DocumentFilter(sources=("", "a\\b'", "gap")),
        lambda d: d.source in ("", "a\\b'"),
    ),
    "no sources": (DocumentFilter(sources=()), lambda d: False),
    "a source that begins another": (DocumentFilter(sources=("s\0 ",)), lambda d: False),
    "media types": (
        DocumentFilter(media_types=("text/plain", "")),
        lambda d: d.media_type in ("text/plain", ""),
    ),
    "no media types": (DocumentFilter(media_types=()), lambda d: False),
    "title": (DocumentFilter(title_contains="ALPHA"), lambda d: d.key in "ab"),
    "percent": (DocumentFilter(title_contains="0%"), lambda d: d.key == "a"),
    "underscore": (DocumentFilter(title_contains="t_s"), lambda d: d.key == "b"),
    "star": (DocumentFilter(title_contains="*"), lambda d: d.key == "c"),
    "empty title": (DocumentFilter(title_contains=""), lambda d: d.title is not None),
    "no such title": (DocumentFilter(title_contains="alpha\0"), lambda d: False),
    "from": (
        DocumentFilter(created_at=TimeRange(start=day(2))),
        lambda d: d.created_at is not None and d.created_at >= day(2),
    ),
    "to": (
        DocumentFilter(created_at=TimeRange(end=day(2))),
        lambda d: d.created_at is not None and d.created_at < day(2),
    ),
    "an instant": (
        DocumentFilter(created_at=TimeRange(start=day(2), end=day(2) + MICROSECOND)),
        lambda d: d.created_at == day(2),
    ),
    "together": (
        DocumentFilter(sources=("s", "S"), title_contains="a", created_at=TimeRange(end=day(2))),
        lambda d: d.key == "a",
    ),
}


@pytest.mark.parametrize("name", FILTERS)
async def test_filters_pass_what_the_reference_passes(documents: Documents, name: str) -> None:
    where, passes = FILTERS[name]
    scope = await filled(documents, FILTERED)
    wanted = [record.key for record in FILTERED if passes(record)]
    assert keys_of(await documents.find(scope, where, None, ALL, KEY_ONLY)) == wanted
    assert await documents.count(scope, where) == len(wanted)


MATCHES: dict[str, tuple[tuple[MetadataMatch, ...], set[str]]] = {
    "none": ((), set(METADATA)),
    "1 is 1.0": ((MetadataMatch(tokens=(value_token("a", 1),)),), {"one", "float"}),
    "true is not 1": ((MetadataMatch(tokens=(value_token("a", True),)),), {"true"}),
    "a string": ((MetadataMatch(tokens=(value_token("a", "1"),)),), {"string"}),
    "null": ((MetadataMatch(tokens=(value_token("a", None),)),), {"null"}),
    "an object": ((MetadataMatch(tokens=(value_token("a", {"x": 1, "y": 2}),)),), {"object"}),
    "a list": ((MetadataMatch(tokens=(value_token("b", ["x"]),)),), {"float"}),
    "not in a list": ((MetadataMatch(tokens=(value_token("b", "x"),)),), {"one"}),
    "deep": ((MetadataMatch(tokens=(value_token("b.c", "é"),)),), {"object"}),
    "a dotted key": ((MetadataMatch(tokens=(value_token("b.c", 1),)),), {"null"}),
    "empty steps": ((MetadataMatch(tokens=(value_token(".", 0),)),), {"empty step"}),
    "a long value": ((MetadataMatch(tokens=(value_token("a", "z" * 5_000),)),), {"long"}),
    "another long value": ((MetadataMatch(tokens=(value_token("a", "z" * 5_001),)),), set()),
    "present": (
        (MetadataMatch(tokens=(presence_token("b.c"),)),),
        {"true", "null", "object"},
    ),
    "absent or null": (
        (MetadataMatch(tokens=(presence_token("a"),), negated=True),),
        {"null", "empty step", "nothing"},
    ),
    "any of two": (
        (MetadataMatch(tokens=(value_token("a", 1), value_token("a", "1"))),),
        {"one", "float", "string"},
    ),
    "any of none": ((MetadataMatch(tokens=()),), set()),
    "not any of none": ((MetadataMatch(tokens=(), negated=True),), set(METADATA)),
    "both": (
        (
            MetadataMatch(tokens=(presence_token("b"),)),
            MetadataMatch(tokens=(value_token("a", 1),), negated=True),
        ),
        {"string", "true", "null", "object"},
    ),
}


@pytest.mark.parametrize("name", MATCHES)
async def test_metadata_matches_json_exactly(documents: Documents, name: str) -> None:
    matches, wanted = MATCHES[name]
    scope = await filled(documents, [document(key, metadata=m) for key, m in METADATA.items()])
    where = DocumentFilter(metadata=matches)
    assert set(keys_of(await documents.find(scope, where, None, ALL, KEY_ONLY))) == wanted
    assert await documents.count(scope, where) == len(wanted)


async def test_metadata_written_again_is_matched_as_it_is_now(
    documents: Documents, scope: Scope
) -> None:
    old, new = (
        DocumentFilter(metadata=(MetadataMatch(tokens=(value_token("v", value),)),))
        for value in ("old", "new")
    )
    for value in ("old", "new"):
        await documents.upsert_many(scope, [document("a", metadata={"v": value})])
    assert (await documents.count(scope, old), await documents.count(scope, new)) == (0, 1)
    await documents.upsert_many(scope, [document("a")])
    assert await documents.count(scope, new) == 0


async def test_filters_take_ten_thousand_values(documents: Documents) -> None:
    scope = await filled(documents, FILTERED)
    many = tuple(numbered("v", 10_000))
    where = DocumentFilter(keys=(*many, "a", "b"), sources=(*many, "s"))
    assert keys_of(await documents.find(scope, where, None, ALL, KEY_ONLY)) == ["a"]


async def test_a_filtered_list_is_paged_like_a_list_of_its_own(documents: Documents) -> None:
    every = [
        document(key, source="in" if number % 2 else "out") for number, key in enumerate(STRANGE)
    ]
    scope = await filled(documents, every)
    chosen = [record for record in every if record.source == "in"]

    async def fetch(page: PageRequest) -> Page[Document]:
        where = DocumentFilter(sources=("in",))
        return await documents.find(scope, where, None, page, KEY_ONLY)

    for shape in ("first after", "last before"):
        await check_pages(shape, fetch, chosen)


async def test_lists_and_counts_hold_one_tenant(documents: Documents) -> None:
    ours = await filled(documents, ODD)
    theirs = await filled(documents, ODD[:2])
    assert await documents.count(ours, EVERY) == len(ODD)
    assert await documents.count(theirs, EVERY) == 2
    listed = await documents.find(theirs, EVERY, Order("title"), ALL, KEY_ONLY)
    assert keys_of(listed) == ["a", "A"]
    metadata = (MetadataMatch(tokens=(value_token("only", "ours"),)),)
    await documents.upsert_many(ours, [document("a", metadata={"only": "ours"})])
    assert await documents.count(theirs, DocumentFilter(metadata=metadata)) == 0
