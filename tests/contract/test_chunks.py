"""The contract of `Chunks`: lists of all and of each document, what stands beside a chunk, and replacing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.metadata import value_token
from backends.records import (
    Chunk,
    ChunkFilter,
    MetadataMatch,
    Outcome,
    Page,
    PageRequest,
    Scope,
)
from backends.roles import Chunks, Documents, Step
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
    KEY_ONLY,
    STRANGE,
    chunk,
    document,
    keys,
    modest,
    new_scope,
    numbered,
    shuffled,
)

EVERY = ChunkFilter()
SORTED = frozenset({"position"})

PLACED = [
    chunk("c1", document_key="d", position=2),
    chunk("c2", document_key="d", position=0),
    chunk("c3", document_key="d", position=2),
    chunk("c4", document_key="d", position=None),
    chunk("C5", document_key="d", position=-3),
    chunk("c6", document_key="d", position=None),
    chunk("c7", document_key="d", position=10),
    chunk("c0", document_key="d", position=None),
]
"""The chunks of one document: ties, gaps, positions that sort otherwise as text."""

SIBLINGS = [
    *PLACED,
    chunk("d2-b", document_key="D", position=1),
    chunk("d2-a", document_key="D", position=1),
    chunk("lone", document_key="d/3", position=None),
    chunk("homeless-1", document_key=None, position=1),
    chunk("homeless-2", document_key=None, position=2),
]


async def filled(chunks: Chunks, records: list[Chunk]) -> Scope:
    """A tenant with these chunks, written in no order."""
    scope = new_scope()
    await chunks.upsert_many(scope, shuffled(records))
    return scope


@pytest.mark.parametrize("shape", SHAPES)
async def test_pages_of_all_are_those_of_the_reference(chunks: Chunks, shape: str) -> None:
    records = [chunk(key) for key in STRANGE]
    scope = await filled(chunks, records)

    async def fetch(page: PageRequest) -> Page[Chunk]:
        return await chunks.find(scope, EVERY, page, KEY_ONLY)

    await check_pages(shape, fetch, records)


@pytest.mark.parametrize("shape", SHAPES)
async def test_pages_of_a_document_are_those_of_the_reference(chunks: Chunks, shape: str) -> None:
    scope = await filled(chunks, SIBLINGS)

    async def fetch(page: PageRequest) -> Page[Chunk]:
        return (await chunks.of_documents(scope, ["d"], page, SORTED))[0]

    await check_pages(shape, fetch, PLACED, "position")


rows = st.builds(
    chunk,
    keys,
    document_key=st.sampled_from(["d", "e"]),
    position=st.none() | st.integers(-1, 2) | st.sampled_from([-(2**31), 2**31 - 1]),
)
sets = st.lists(rows, max_size=12, unique_by=lambda record: record.key)


@modest
@given(records=sets, size=st.integers(1, 5), backward=st.booleans())
async def test_a_walk_gives_the_whole_list_once(
    chunks: Chunks, records: list[Chunk], size: int, backward: bool
) -> None:
    scope = await filled(chunks, records)

    async def fetch_all(page: PageRequest) -> Page[Chunk]:
        return await chunks.find(scope, EVERY, page, KEY_ONLY)

    async def fetch_own(page: PageRequest) -> Page[Chunk]:
        return (await chunks.of_documents(scope, ["d"], page, SORTED))[0]

    own = [record for record in records if record.document_key == "d"]
    assert await walk(fetch_all, None, size, backward=backward) == keys_in_order(records, None)
    walked = await walk(fetch_own, "position", size, backward=backward)
    assert walked == keys_in_order(own, "position")


async def test_each_document_has_a_page_of_its_own(chunks: Chunks) -> None:
    scope = await filled(chunks, SIBLINGS)
    asked = ["D", "gap", "d", "d/3", "D", ""]
    page = PageRequest(first=2, ends=True)
    pages = await chunks.of_documents(scope, asked, page, KEY_ONLY)
    assert [keys_of(each) for each in pages] == [
        ["d2-a", "d2-b"],
        [],
        ["C5", "c2"],
        ["lone"],
        ["d2-a", "d2-b"],
        [],
    ]
    assert [each.has_next for each in pages] == [False, False, True, False, False, False]
    assert {each.has_previous for each in pages} == {False}
    assert await chunks.count_of_documents(scope, asked) == [2, 0, 8, 1, 2, 0]


async def test_each_document_has_a_last_page_of_its_own(chunks: Chunks) -> None:
    scope = await filled(chunks, SIBLINGS)
    page = PageRequest(last=2, ends=True)
    pages = await chunks.of_documents(scope, ["d", "D", "gap"], page, KEY_ONLY)
    assert [keys_of(each) for each in pages] == [["c4", "c6"], ["d2-a", "d2-b"], []]
    assert [each.has_previous for each in pages] == [True, False, False]
    assert {each.has_next for each in pages} == {False}


async def test_no_documents_have_no_pages(chunks: Chunks, scope: Scope) -> None:
    assert await chunks.of_documents(scope, [], ALL, KEY_ONLY) == []
    assert await chunks.count_of_documents(scope, []) == []
    assert await chunks.adjacent(scope, [], "next", KEY_ONLY) == []


async def test_ten_thousand_documents_are_one_call(chunks: Chunks) -> None:
    owners = numbered("d", 10_000)
    scope = await filled(chunks, [chunk(f"of {key}", document_key=key) for key in owners[::100]])
    pages = await chunks.of_documents(scope, owners, PageRequest(first=1), KEY_ONLY)
    wanted = [[] if number % 100 else [f"of {key}"] for number, key in enumerate(owners)]
    assert [keys_of(page) for page in pages] == wanted
    assert await chunks.count_of_documents(scope, owners) == [len(each) for each in wanted]


@pytest.mark.parametrize("key", STRANGE, ids=lambda key: ascii(key)[:20])
async def test_any_document_key_finds_its_chunks(chunks: Chunks, key: str) -> None:
    scope = await filled(chunks, [chunk("c", document_key=key), chunk("d", document_key="?")])
    (page,) = await chunks.of_documents(scope, [key], ALL, frozenset({"document_key"}))
    assert page.items == [Chunk(key="c", document_key=key)]


async def test_a_key_that_goes_on_after_u0000_is_another(chunks: Chunks) -> None:
    """No stored key holds U+0000, so one that does names nothing."""
    scope = await filled(chunks, SIBLINGS)
    assert await chunks.count_of_documents(scope, ["d\0e"]) == [0]
    assert await chunks.count(scope, ChunkFilter(documents=("d\0e",))) == 0


def beside(records: list[Chunk], key: str, step: Step) -> str | None:
    """The reference: the chunk before or after another."""
    me = next((record for record in records if record.key == key), None)
    if me is None or me.document_key is None:
        return None
    siblings = [each for each in records if each.document_key == me.document_key]
    line = in_order(position(each, "position") for each in siblings)
    place = line.index(position(me, "position")) + (1 if step == "next" else -1)
    return line[place][-1] if 0 <= place < len(line) else None


@pytest.mark.parametrize("step", ["previous", "next"])
async def test_adjacent_chunks_are_those_of_the_reference(chunks: Chunks, step: Step) -> None:
    scope = await filled(chunks, SIBLINGS)
    asked = [*(record.key for record in SIBLINGS), "gap", "c1", "c1"]
    found = await chunks.adjacent(scope, asked, step, frozenset({"document_key"}))
    assert [each and each.key for each in found] == [beside(SIBLINGS, key, step) for key in asked]


async def test_missing_positions_come_last_on_the_way_through(chunks: Chunks) -> None:
    scope = await filled(chunks, SIBLINGS)
    there = ["C5", "c2", "c1", "c3", "c7", "c0", "c4", "c6"]
    after = await chunks.adjacent(scope, there, "next", KEY_ONLY)
    assert [each and each.key for each in after] == [*there[1:], None]
    before = await chunks.adjacent(scope, there, "previous", KEY_ONLY)
    assert [each and each.key for each in before] == [None, *there[:-1]]


@modest
@given(records=sets, step=st.sampled_from(["previous", "next"]))
async def test_adjacent_chunks_of_any_memory_are_those_of_the_reference(
    chunks: Chunks, records: list[Chunk], step: Step
) -> None:
    scope = await filled(chunks, records)
    asked = [record.key for record in records]
    found = await chunks.adjacent(scope, asked, step, KEY_ONLY)
    assert [each and each.key for each in found] == [beside(records, key, step) for key in asked]


SOURCED = [
    document("d", source="s"),
    document("D", source="S"),
    document("unsourced", source=None),
    document("childless", source="s"),
]

FILTERED = [
    chunk("a", document_key="d", metadata={"n": 1}),
    chunk("b", document_key="D", metadata={"n": 1, "m": "x"}),
    chunk("c", document_key="unsourced", metadata={"n": True}),
    chunk("d", document_key="unloaded", metadata={}),
    chunk("e", document_key=None, metadata={"n": {"n": 1}}),
]

IS_1 = MetadataMatch(tokens=(value_token("n", 1),))
FILTERS: dict[str, tuple[ChunkFilter, str]] = {
    "all": (EVERY, "abcde"),
    "documents": (ChunkFilter(documents=("D", "unloaded", "gap")), "bd"),
    "no documents": (ChunkFilter(documents=()), ""),
    "source": (ChunkFilter(sources=("s",)), "a"),
    "sources": (ChunkFilter(sources=("s", "S", "gap")), "ab"),
    "no sources": (ChunkFilter(sources=()), ""),
    "metadata": (ChunkFilter(metadata=(IS_1,)), "ab"),
    "not": (ChunkFilter(metadata=(MetadataMatch(tokens=IS_1.tokens, negated=True),)), "cde"),
    "together": (ChunkFilter(documents=("d", "D"), sources=("S",), metadata=(IS_1,)), "b"),
    "apart": (ChunkFilter(documents=("d",), sources=("S",)), ""),
}


@pytest.mark.parametrize("name", FILTERS)
async def test_filters_pass_what_they_say(documents: Documents, chunks: Chunks, name: str) -> None:
    where, wanted = FILTERS[name]
    scope = await filled(chunks, FILTERED)
    await documents.upsert_many(scope, SOURCED)
    assert keys_of(await chunks.find(scope, where, ALL, KEY_ONLY)) == list(wanted)
    assert await chunks.count(scope, where) == len(wanted)


async def test_a_filter_by_source_follows_the_document(
    documents: Documents, chunks: Chunks, scope: Scope
) -> None:
    where = ChunkFilter(sources=("s",))
    await chunks.upsert_many(scope, [chunk("a", document_key="d")])
    counted: list[int] = []
    for source in (None, "s", "t"):
        await documents.upsert_many(scope, [document("d", source=source)])
        counted.append(await chunks.count(scope, where))
    assert counted == [0, 1, 0]


async def test_nothing_of_another_tenant_is_seen(documents: Documents, chunks: Chunks) -> None:
    ours, theirs = await filled(chunks, SIBLINGS), new_scope()
    await chunks.upsert_many(theirs, [chunk("c1", document_key="d", position=2)])
    await documents.upsert_many(theirs, [document("D", source="theirs")])
    assert keys_of((await chunks.of_documents(theirs, ["d"], ALL, KEY_ONLY))[0]) == ["c1"]
    assert await chunks.count_of_documents(theirs, ["d", "D"]) == [1, 0]
    assert await chunks.adjacent(theirs, ["c1", "c2"], "next", KEY_ONLY) == [None, None]
    assert await chunks.count(ours, ChunkFilter(sources=("theirs",))) == 0
    await chunks.keep_only(theirs, {"d": [], "D": []})
    assert await chunks.count_of_documents(ours, ["d", "D"]) == [8, 2]


# Replacing the chunks of documents


async def test_keep_only_deletes_what_is_not_named(chunks: Chunks) -> None:
    scope = await filled(chunks, SIBLINGS)
    gone = await chunks.keep_only(scope, {"d": ["c1", "c4", "gap"], "D": [], "gap": []})
    left = ["c1", "c4", "homeless-1", "homeless-2", "lone"]
    assert keys_of(await chunks.find(scope, EVERY, ALL, KEY_ONLY)) == left
    assert sorted(gone) == sorted({record.key for record in SIBLINGS} - set(left))


async def test_keep_only_of_nothing_deletes_nothing(chunks: Chunks) -> None:
    scope = await filled(chunks, SIBLINGS)
    assert await chunks.keep_only(scope, {}) == []
    assert await chunks.count(scope, EVERY) == len(SIBLINGS)


async def test_keep_only_keeps_a_key_beside_its_own_document_only(chunks: Chunks) -> None:
    scope = await filled(chunks, SIBLINGS)
    gone = await chunks.keep_only(scope, {"d/3": ["d2-a"], "D": ["d2-b", "lone"]})
    assert sorted(gone) == ["d2-a", "lone"]


async def test_a_deleted_chunk_can_come_again(chunks: Chunks, scope: Scope) -> None:
    record = chunk("a", document_key="d", metadata={"n": 1})
    await chunks.upsert_many(scope, [record])
    await chunks.keep_only(scope, {"d": []})
    where = ChunkFilter(metadata=(IS_1,))
    assert await chunks.count(scope, where) == 0
    assert await chunks.upsert_many(scope, [chunk("a", document_key="d")]) == [Outcome.LOADED]
    assert await chunks.count(scope, where) == 0
    assert await chunks.upsert_many(scope, [record]) == [Outcome.UPDATED]
    assert await chunks.count(scope, where) == 1


async def test_a_chunk_can_move_to_another_document(chunks: Chunks, scope: Scope) -> None:
    for owner in ("d", "e"):
        await chunks.upsert_many(scope, [chunk("a", document_key=owner)])
    assert await chunks.count_of_documents(scope, ["d", "e"]) == [0, 1]
    assert await chunks.keep_only(scope, {"d": []}) == []
