"""Whatever a client sends, the API answers with data, null or an error that names the thing."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolvers.opaque import pack, unpack
from tests.support import Gateway

KINDS = ("Chunk", "Document", "Entity", "Episode", "Fact")
ROOTS = ("chunks", "documents", "entities", "episodes", "facts")
HUGE = "x" * 100_000
CLIENTS_FAULT = {
    "BAD_USER_INPUT",
    "GRAPHQL_PARSE_FAILED",
    "GRAPHQL_VALIDATION_FAILED",
    "LIMIT_EXCEEDED",
}
NODE = "query($id: ID!) { node(id: $id) { __typename id } }"
LONGEST_MESSAGE = 1_000


def encoded(raw: bytes) -> str:
    """Bytes as the unpadded base64url that ids and cursors are written in."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


async def refused(
    gateway: Gateway,
    query: str,
    variables: dict[str, Any] | None = None,
    *,
    code: str = "BAD_USER_INPUT",
    names: str = "",
) -> None:
    """The answer has one error of this code whose message names the thing, short enough to read."""
    answer = await gateway.answer(query, variables)
    (error,) = answer.get("errors", [{"message": str(answer), "extensions": {"code": "none"}}])
    assert error["extensions"]["code"] == code, error["message"][:LONGEST_MESSAGE]
    assert names in error["message"]
    assert len(error["message"]) <= LONGEST_MESSAGE


# Ids and keys


@pytest.mark.parametrize("kind", KINDS)
async def test_an_id_or_key_that_names_nothing_is_null(odd: Gateway, kind: str) -> None:
    field = kind.lower()
    data = await odd.data(
        f"query($id: ID!, $key: String!) {{ node(id: $id) {{ id }} "
        f"nodes(ids: [$id, $id]) {{ id }} {field}(key: $key) {{ key }} }}",
        {"id": pack([kind, "nothing:here"]), "key": "nothing:here"},
    )
    assert data == {"node": None, "nodes": [None, None], field: None}


@pytest.mark.parametrize("key", ["", " ", "%", "*", "'; --", "\x00", "\x00e:24", "e:24\x00", HUGE])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_strange_key_is_just_a_key_that_names_nothing(
    odd: Gateway, kind: str, key: str
) -> None:
    field = kind.lower()
    data = await odd.data(
        f"query($id: ID!, $key: String!) {{ node(id: $id) {{ id }} {field}(key: $key) {{ key }} }}",
        {"id": pack([kind, key]), "key": key},
    )
    assert data == {"node": None, field: None}


BROKEN_IDS = {
    "empty": "",
    "blank": " ",
    "a word": "nonsense",
    "a number": "42",
    "padded": "kqZFbnRpdHmkZToyNA==",
    "truncated": "kqZFbnRpdHmkZTo",
    "with a line's end": "kqZFbnRpdHmkZToyNA\n",
    "with something behind": "kqZFbnRpdHmkZToyNAA",
    "standard base64": "+/+/",
    "not ASCII": "ключ",
    "emoji": "🔑",
    "U+0000": "\x00",
    "huge": HUGE,
    "no list": pack({"Entity": "e:24"}),  # type: ignore[arg-type]
    "an empty list": pack([]),
    "no key": pack(["Entity"]),
    "a key that is a number": pack(["Entity", 5]),
    "a key of bytes": pack(["Entity", b"e:24"]),
    "a kind that is a list": pack([["Entity"], "e:24"]),
    "an unknown kind": pack(["Store", "embedded"]),
    "a kind in lower case": pack(["entity", "e:24"]),
    "half a moment": pack(["Entity", "e:24", 1]),
    "too much": pack(["Entity", "e:24", 1, 2, 3]),
    "a time that is text": pack(["Entity", "e:24", "2012", None]),
    "a time that is a boolean": pack(["Entity", "e:24", True, None]),
    "a time beyond the year 9999": pack(["Entity", "e:24", 2**62, None]),
    "a time before the year 1": pack(["Entity", "e:24", None, -(2**62)]),
    "a time of 64 bits": pack(["Entity", "e:24", 2**64 - 1, None]),
    "text that is not UTF-8": encoded(b"\x92\xa6Entity\xa1\xff"),
    "a map as a key of a map": encoded(b"\x91\x81\x80\x01"),
    "an extension": encoded(b"\x91\xc7\x01\x05a"),
    "an instant": encoded(b"\x91\xd6\xff\xff\xff\xff\xff"),
    "a wasteful encoding": encoded(b"\xdc\x00\x02\xa6Entity\xa4e:24"),
    "nested deep": encoded(b"\x91" * 900 + b"\x01"),
    "nested deeper": encoded(b"\x91" * 75_000),
}


@pytest.mark.parametrize("broken", BROKEN_IDS.values(), ids=BROKEN_IDS)
@pytest.mark.parametrize(
    "query",
    [
        NODE,
        "query($id: ID!) { subgraph(around: [$id]) { truncated } }",
        'query($id: ID!) { search(query: "a", filter: {documents: [$id]}) { nodes { __typename } } }',
    ],
    ids=["node", "subgraph", "search"],
)
async def test_an_id_that_cannot_be_read_is_refused(odd: Gateway, query: str, broken: str) -> None:
    await refused(odd, query, {"id": broken}, names="cannot be read")


async def test_one_unreadable_id_among_others_is_an_error_of_the_whole_field(odd: Gateway) -> None:
    good = await odd.id("Entity", "e:24")
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    answer = await odd.answer(query, {"ids": [good, "nonsense", good]})
    assert answer["data"] == {"nodes": None}
    await refused(odd, query, {"ids": [good, "nonsense", good]}, names="'nonsense'")


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("query($id: ID!) { subgraph(around: [$id]) { truncated } }", "Entity"),
        ("query($id: ID!) { path(from: $id, to: $id) { length } }", "Entity"),
        ("query($id: ID!) { facts(filter: {subjects: [$id]}) { totalCount } }", "Entity"),
        ("query($id: ID!) { facts(filter: {objects: [$id]}) { totalCount } }", "Entity"),
        ("query($id: ID!) { episodes(filter: {mentions: [$id]}) { totalCount } }", "Entity"),
        ("query($id: ID!) { chunks(filter: {documents: [$id]}) { totalCount } }", "Document"),
        (
            'query($id: ID!) { search(query: "a", filter: {documents: [$id]}) { nodes { __typename } } }',
            "Document",
        ),
    ],
)
async def test_an_id_of_another_kind_is_refused(odd: Gateway, query: str, wanted: str) -> None:
    for kind in (*KINDS, "Snapshot"):
        if kind != wanted:
            names = f"names a {kind}; {wanted} ids"
            await refused(odd, query, {"id": pack([kind, "x"])}, names=names)


async def test_201_ids_are_too_many_and_200_are_not(odd: Gateway) -> None:
    many = [pack(["Entity", f"nobody:{number}"]) for number in range(201)]
    for field, rest in (("nodes(ids: $ids)", "id"), ("subgraph(around: $ids)", "truncated")):
        query = f"query($ids: [ID!]!) {{ it: {field} {{ {rest} }} }}"
        await refused(odd, query, {"ids": many}, names="201")
        assert await odd.codes(query, {"ids": many[:200]}) == []


async def test_ids_of_mixed_moments_are_refused(odd: Gateway) -> None:
    ids = [pack(["Entity", "e:24"]), pack(["Entity", "e:24", 1, None])]
    await refused(
        odd, "query($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ids}, names="2 moments"
    )


async def test_an_entity_is_asked_for_by_key_or_by_name(odd: Gateway) -> None:
    for arguments in ("", '(key: "e:24", name: "Ada")', "(key: null)", "(key: null, name: null)"):
        await refused(odd, f"{{ entity{arguments} {{ key }} }}", names="exactly one")


async def test_a_name_of_several_entities_is_an_error_with_at_most_five_of_their_keys(
    memory: Callable[..., Any],
) -> None:
    lines = [
        {"kind": "entity", "key": f"{name}:{number}", "name": name}
        for name, count in (("two", 2), ("seven", 7))
        for number in range(count)
    ]
    gateway = await memory("\n".join(map(json.dumps, lines)))
    query = "query($name: String!) { entity(name: $name) { key } }"
    await refused(gateway, query, {"name": "two"}, names="'two:0', 'two:1'")
    await refused(
        gateway,
        query,
        {"name": "seven"},
        names="'seven:0', 'seven:1', 'seven:2', 'seven:3', 'seven:4', …",
    )
    for name in ("", "tw", "two\x00", HUGE):
        assert await gateway.data(query, {"name": name}) == {"entity": None}


# Cursors


async def end_cursor(gateway: Gateway, query: str, variables: dict[str, Any] | None = None) -> str:
    """The end cursor of the connection that a query names `it`, at whatever depth."""
    found: Any = await gateway.data(query, variables)
    while "pageInfo" not in found:
        (found,) = found.values()
    assert found["pageInfo"]["endCursor"]
    return found["pageInfo"]["endCursor"]


INFO = "{ pageInfo { endCursor } }"
ANY_LIST = [
    *(f"{root}(first: 1%s) {INFO}" for root in ROOTS),
    f'search(query: "ada", first: 1%s) {INFO}',
    *(
        f'entity(key: "e:24") {{ {field}(first: 1%s) {INFO} }}'
        for field in ("facts", "neighbors", "chunks", "documents", "episodes")
    ),
]


@pytest.mark.parametrize("field", ANY_LIST)
async def test_a_cursor_that_cannot_be_read_is_refused(odd: Gateway, field: str) -> None:
    query = f"query($cursor: String!) {{ {field % ', after: $cursor'} }}"
    for broken in BROKEN_IDS.values():
        await refused(odd, query, {"cursor": broken}, names="cursor")


async def test_a_cursor_of_another_list_is_refused(odd: Gateway) -> None:
    for giver in ANY_LIST:
        cursor = await end_cursor(odd, f"{{ {giver.replace('%s', '').replace('e:24', 'e:29')} }}")
        for taker in ANY_LIST:
            query = f"query($cursor: String!) {{ {taker % ', after: $cursor'} }}"
            variables = {"cursor": cursor}
            if giver == taker and "entity" not in giver:
                assert await odd.codes(query, variables) == []
            else:  # another field, or the same one of another parent
                await refused(odd, query, variables, names="cursor")


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("facts", ["", "filter: {predicates: []}", 'filter: {predicates: ["KNOWS"]}']),
        ("facts", ["", "includeInvalidated: true"]),
        ("facts", ["orderBy: {by: VALID_FROM}", "orderBy: {by: RECORDED_AT}"]),
        ("facts", ["orderBy: {by: VALID_FROM}", "orderBy: {by: VALID_FROM, direction: DESC}"]),
        ("entities", ["", 'filter: {nameContains: "a"}', 'filter: {types: ["Person"]}']),
        ("entities", ["orderBy: {by: NAME}", "orderBy: {by: CREATED_AT}"]),
        ("documents", ["", 'filter: {metadata: [{path: "a"}, {path: "a", exists: true}]}']),
        ("episodes", ["", "filter: {kinds: [TEXT]}"]),
        ('search(query: "ada")', ["", "kinds: [ENTITY]", "mode: KEYWORD"]),
        ('search(query: "ada")', ["", 'filter: {entityTypes: ["Person"]}']),
    ],
)
async def test_a_cursor_of_other_arguments_is_refused(
    odd: Gateway, field: str, arguments: list[str]
) -> None:
    name, _, query = field.partition("(")
    own = [query.rstrip(")")] if query else []

    def operation(more: str, *paging: str) -> str:
        given = ", ".join(filter(None, [*own, more, "first: 1", *paging]))
        return f"{name}({given}) {INFO}"

    cursors = {more: await odd.data(f"{{ it: {operation(more)} }}") for more in arguments}
    for giver, answered in cursors.items():
        cursor = answered["it"]["pageInfo"]["endCursor"]
        for taker in arguments:
            asked = f"query($cursor: String) {{ {operation(taker, 'after: $cursor')} }}"
            if giver == taker:
                assert await odd.codes(asked, {"cursor": cursor}) == []
            elif cursor is not None:
                await refused(odd, asked, {"cursor": cursor}, names="cursor")


async def test_a_cursor_outlives_aliases_moments_defaults_and_the_way_to_its_list(
    odd: Gateway,
) -> None:
    cursor = await end_cursor(odd, f"{{ some: facts(first: 1) {INFO} }}")
    for same in (
        "other: facts(after: $cursor) { totalCount nodes { key } }",
        "facts(after: $cursor, first: 3, includeInvalidated: false) { nodes { key } }",
        "facts(after: $cursor, filter: {}, orderBy: null) { nodes { key } }",
        "facts(before: $cursor, last: 3) { nodes { key } }",
        'facts(after: $cursor, knownAt: "2012-01-01T00:00:00Z") { nodes { key } }',
        'snapshot(validAt: "2012-01-01T00:00:00Z") { again: facts(after: $cursor) { nodes { key } } }',
    ):
        assert await odd.codes(f"query($cursor: String) {{ {same} }}", {"cursor": cursor}) == []


BY_POSITION = 'document(key: "d:plain") { chunks%s { pageInfo { endCursor } } }'
BY_NAME = "entities%s { pageInfo { endCursor } }"
BY_TIME = "facts%s { pageInfo { endCursor } }"


@pytest.mark.parametrize(
    ("field", "values"),
    [
        *((BY_POSITION, [value, "c"]) for value in ("3", 3.5, b"3", [3], True, 2**63, 2**64 - 1)),
        *((BY_NAME, [value, "e"]) for value in (3, True, b"n", ["n"], 2**63)),
        *((BY_TIME, [value, "f"]) for value in ("2012", 1.5, True, 2**63, 2**64 - 1, -(2**62))),
        *((field, values) for field in (BY_POSITION, BY_TIME) for values in ([], ["c"], [3, 5])),
        *((field, [None, "c", "c"]) for field in (BY_POSITION, BY_NAME, BY_TIME)),
    ],
)
async def test_a_cursor_with_a_forged_position_is_refused(
    odd: Gateway, field: str, values: list[Any]
) -> None:
    """The mark is right and the values are not: nothing of it may reach a store."""
    mark, *_ = unpack(await end_cursor(odd, f"{{ {field % ''} }}"))
    asked = f"query($cursor: String) {{ {field % '(after: $cursor)'} }}"
    await refused(odd, asked, {"cursor": pack([mark, *values])}, names="cursor")


@pytest.mark.parametrize(
    "forge",
    [
        lambda offset, times: [-1, *times],
        lambda offset, times: [1.5, *times],
        lambda offset, times: ["2", *times],
        lambda offset, times: [True, *times],
        lambda offset, times: [offset],
        lambda offset, times: [offset, None, None],
        lambda offset, times: [offset, True, False],
        lambda offset, times: [offset, *times, 1],
        lambda offset, times: [offset, "2012", "2012"],
        lambda offset, times: [offset, 2**63, 0],
    ],
)
async def test_a_search_cursor_with_a_forged_offset_is_refused(
    odd: Gateway, forge: Callable[[int, list[int]], list[Any]]
) -> None:
    asked = f'query($cursor: String) {{ search(query: "ada", first: 2, after: $cursor) {INFO} }}'
    mark, offset, *times = unpack(await end_cursor(odd, asked))
    await refused(odd, asked, {"cursor": pack([mark, *forge(offset, times)])}, names="cursor")


def garbage() -> st.SearchStrategy[str]:
    """Text, base64url of bytes, and base64url of what ids and cursors are made of."""
    atoms = (
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats()
        | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
        | st.binary(max_size=20)
        | st.sampled_from([*KINDS, "Snapshot", "e:24", ""])
    )
    nested = st.recursive(atoms, lambda inner: st.lists(inner, max_size=5), max_leaves=8)
    characters = st.characters(exclude_categories=["Cs"])  # a lone surrogate is not JSON
    return (
        st.text(characters, max_size=60)
        | st.text("ABCDabcd0189-_=", max_size=60)
        | st.binary(max_size=60).map(encoded)
        | st.lists(nested, max_size=6).map(pack)
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=garbage())
async def test_random_text_as_id_or_cursor_is_refused_or_null(odd: Gateway, text: str) -> None:
    answer = await odd.answer(
        "query($id: ID!, $cursor: String!) { node(id: $id) { id } nodes(ids: [$id]) { id } "
        'facts(after: $cursor) { nodes { id } } search(query: "a", after: $cursor) { nodes { __typename } } '
        'document(key: "d:plain") { chunks(after: $cursor) { nodes { id } } } }',
        {"id": text, "cursor": text},
    )
    codes = {error["extensions"]["code"] for error in answer.get("errors", [])}
    assert codes == {"BAD_USER_INPUT"}
    data = answer["data"]
    assert (data["facts"], data["search"], data["document"]) == (None, None, {"chunks": None})
    if data["node"] is not None:  # it happened to be an id
        assert await odd.data(NODE, {"id": data["node"]["id"]})


# Sizes and ranges


@pytest.mark.parametrize("size", [-1, 201, 10**9, -(2**31)])
@pytest.mark.parametrize(
    "field",
    [
        *(f"{root}(first: $n) {{ nodes {{ id }} }}" for root in ROOTS),
        *(f"{root}(last: $n) {{ totalCount }}" for root in ROOTS),
        'search(query: "a", first: $n) { nodes { __typename } }',
        'entity(key: "e:24") { facts(first: $n) { totalCount } }',
        'entity(key: "e:24") { neighbors(first: $n) { totalCount } }',
        'entity(key: "e:29") { neighbors(first: 1) { edges { facts(first: $n) { key } } } }',
        'document(key: "d:plain") { chunks(first: $n) { nodes { id } } }',
        'document(key: "d:plain") { similar(first: $n) { nodes { id } } }',
    ],
)
async def test_a_page_size_out_of_bounds_is_refused(odd: Gateway, field: str, size: int) -> None:
    query = f"query($n: Int) {{ {field} }}"
    await refused(odd, query, {"n": size}, names=f"{size} is out of bounds; 0 to 200")
    for good in (0, 200, None):
        assert await odd.codes(query, {"n": good}) == []


@pytest.mark.parametrize("size", [2**31, -(2**31) - 1, 10**30, 1.5, "20", True, [1], {}])
async def test_what_is_no_int_is_refused(odd: Gateway, size: Any) -> None:
    query = "query($n: Int) { entities(first: $n) { totalCount } }"
    await refused(odd, query, {"n": size}, names="$n")


USES = "other: entities(filter: {nameContains: $cursor}) { totalCount }"
"""Has a query use its variable whatever its arguments are."""


@pytest.mark.parametrize("root", ROOTS)
async def test_first_and_last_and_before_must_fit_together(odd: Gateway, root: str) -> None:
    cursor = await end_cursor(odd, f"{{ {root}(first: 2) {INFO} }}")
    for arguments, names in (
        ("first: 1, last: 1", "first and last"),
        ("first: 0, last: 0", "first and last"),
        ("before: $cursor", "without last"),
        ("first: 1, before: $cursor", "without last"),
        ("after: $cursor, before: $cursor", "without last"),
    ):
        query = f"query($cursor: String) {{ {root}({arguments}) {{ totalCount }} {USES} }}"
        await refused(odd, query, {"cursor": cursor}, names=names)
    for arguments in (
        "first: 1, last: null, before: null",
        "last: 1, after: $cursor",
        "last: 1, before: $cursor, after: $cursor",  # nothing lies between
    ):
        query = f"query($cursor: String) {{ {root}({arguments}) {{ totalCount }} {USES} }}"
        assert await odd.codes(query, {"cursor": cursor}) == []


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("documents(filter: {createdAt: $range}) { totalCount }", "createdAt"),
        ("entities(filter: {createdAt: $range}) { totalCount }", "createdAt"),
        ("facts(filter: {validFrom: $range}) { totalCount }", "validFrom"),
        ("episodes(filter: {occurredAt: $range}) { totalCount }", "occurredAt"),
        ('search(query: "a", filter: {createdAt: $range}) { nodes { __typename } }', "createdAt"),
    ],
)
async def test_a_range_that_ends_before_it_starts_is_refused(
    odd: Gateway, field: str, name: str
) -> None:
    query = f"query($range: DateTimeRange) {{ {field} }}"
    for start, end in (
        ("2012-01-02T00:00:00Z", "2012-01-01T00:00:00Z"),
        ("2012-01-01T00:00:00Z", "2012-01-01T00:00:00Z"),
        ("2012-01-01T00:00:00Z", "2012-01-01T01:00:00+01:00"),
    ):
        await refused(odd, query, {"range": {"from": start, "to": end}}, names=f"{name}: from")
    for good in ({}, None, {"from": None, "to": None}, {"to": "0001-01-01T00:00:00Z"}):
        assert await odd.codes(query, {"range": good}) == []


@pytest.mark.parametrize(
    ("field", "name", "bad", "good"),
    [
        ("path(from: $id, to: $id, maxLength: $n) { length }", "maxLength", (0, -1, 11), (1, 10)),
        ("subgraph(around: [$id], depth: $n) { truncated }", "depth", (-1, 6, 10**9), (0, 5)),
        ("subgraph(around: [$id], limit: $n) { truncated }", "limit", (0, -1, 1001), (1, 1000)),
    ],
)
async def test_a_traversal_out_of_bounds_is_refused(
    odd: Gateway, field: str, name: str, bad: tuple[int, ...], good: tuple[int, ...]
) -> None:
    identity = await odd.id("Entity", "e:24")
    query = f"query($id: ID!, $n: Int) {{ {field} }}"
    for size in bad:
        names = f"{name}: {size} is out of bounds"
        await refused(odd, query, {"id": identity, "n": size}, names=names)
    for size in (*good, None):
        assert await odd.codes(query, {"id": identity, "n": size}) == []


# Times


BAD_TIMES = [
    "2012-06-01T00:00:00",
    "2012-06-01",
    "2012-06-01 00:00:00Z",
    "2012-06-01T00:00:00.0000001Z",
    "2012-06-01T00:00:00." + "0" * 100_000 + "1Z",
    "2012-06-01T00:00Z",
    "2012-06-01T24:00:00Z",
    "2012-06-01T00:00:60Z",
    "2012-06-01T00:00:00+24:00",
    "2012-06-01T00:00:00+0200",
    "2012-06-01T00:00:00 +02:00",
    "2012-02-30T00:00:00Z",
    "2012-13-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "٢٠١٢-06-01T00:00:00Z",
    "now",
    "1338508800",
    "",
    HUGE,
]


@pytest.mark.parametrize("time", BAD_TIMES, ids=lambda time: repr(time[:40]))
async def test_a_time_that_is_none_fails_as_literal_and_as_variable(
    odd: Gateway, time: str
) -> None:
    literal = f"{{ snapshot(validAt: {json.dumps(time)}) {{ id }} }}"
    await refused(odd, literal, code="GRAPHQL_VALIDATION_FAILED", names=time[:20])
    await refused(
        odd, "query($t: DateTime) { snapshot(validAt: $t) { id } }", {"t": time}, names="$t"
    )
    within = "query($r: DateTimeRange) { facts(filter: {validFrom: $r}) { totalCount } }"
    await refused(odd, within, {"r": {"from": time}}, names="$r")


@pytest.mark.parametrize("time", [5, 1.5, True, [], {}])
async def test_a_time_that_is_not_text_fails_as_literal_and_as_variable(
    odd: Gateway, time: Any
) -> None:
    literal = f"{{ snapshot(validAt: {json.dumps(time)}) {{ id }} }}"
    await refused(odd, literal, code="GRAPHQL_VALIDATION_FAILED")
    await refused(
        odd, "query($t: DateTime) { snapshot(validAt: $t) { id } }", {"t": time}, names="$t"
    )


async def test_the_first_and_the_last_time_that_there_is_are_good(odd: Gateway) -> None:
    for given_time, answered in (
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("2012-06-01t02:00:00.1000000+02:00", "2012-06-01T00:00:00.100000Z"),
    ):
        data = await odd.data(
            "query($t: DateTime) { snapshot(validAt: $t, knownAt: $t) { validAt knownAt "
            'facts { totalCount } node: entity(key: "e:24") { id } } }',
            {"t": given_time},
        )
        assert (data["snapshot"]["validAt"], data["snapshot"]["knownAt"]) == (answered, answered)


# Search


SEARCH = (
    "query($q: String!, $mode: SearchMode) { search(query: $q, mode: $mode, first: 5) "
    "{ edges { score matches { score } } degraded { code message } } }"
)


@pytest.mark.parametrize("query", ["", " ", "\t\n\r", "  ", "　"])
async def test_a_search_for_nothing_is_refused(odd: Gateway, query: str) -> None:
    await refused(odd, SEARCH, {"q": query}, names="query is empty")


async def test_a_search_text_that_is_too_long_is_refused(odd: Gateway) -> None:
    await refused(odd, SEARCH, {"q": HUGE}, names="100,000 characters; at most 10,000")
    await refused(odd, SEARCH, {"q": "a" * 10_001}, names="10,001")
    assert await odd.codes(SEARCH, {"q": " ".join(f"word{n}" for n in range(1_000))[:10_000]}) == []


@pytest.mark.parametrize(
    "query",
    [
        '"', '""', '"ada', 'ada"', "'", "''", "*", "ada*", "-", "-ada", "--", "+ada", ":", "name:ada",
        "title : ada", "^", "^ada", "(", ")", "()", "(ada", "ada)", "{title}: ada", "AND", "OR", "NOT",
        "ada AND", "OR ada", "NOT ada", "ada NOT", "AND OR NOT", "NEAR", "NEAR(ada bob)",
        "NEAR(ada bob, -1)", "NEAR/2", "%", "_", "\\", ";", "'; DROP TABLE entity; --", "ada\x00bob",
        "\x00", "\x01\x02\x1f", "\x7f", "\u200b", "\u202e", "\ufeff", "\ufffd", "\uffff", "\U0010ffff",
        "\u0301", "e\u0301", "🔑", "...", "<b>", "[x]", "1e999", "NaN", "null", "ß", "İ",
    ],
)  # fmt: skip
async def test_search_text_is_plain_words_whatever_it_holds(odd: Gateway, query: str) -> None:
    found = (await odd.data(SEARCH, {"q": query, "mode": "HYBRID"}))["search"]
    assert found["degraded"] == []
    assert all(edge["score"] > 0 for edge in found["edges"])
    assert all(match["score"] is not None for edge in found["edges"] for match in edge["matches"])


async def test_operators_of_the_index_find_what_their_words_find(odd: Gateway) -> None:
    query = "query($q: String!) { search(query: $q, mode: KEYWORD) { nodes { __typename ... on Node { id } } } }"
    plain = await odd.data(query, {"q": "ada"})
    assert plain["search"]["nodes"]
    for decorated in ('"ada', "ada*", "-ada", "^ada", "(ada", "ada:", "ADA", "{ada}", "ada\x00"):
        assert await odd.data(query, {"q": decorated}) == plain


# Characters that are none


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("entities(filter: {names: [$v]})", "Ada"),
        ("entities(filter: {names: [$v]})", ""),
        ("entities(filter: {nameContains: $v})", ""),
        ("entities(filter: {nameContains: $v})", "ada"),
        ("entities(filter: {types: [$v]})", "Person"),
        ("documents(filter: {keys: [$v]})", "d:plain"),
        ("documents(filter: {sources: [$v]})", "wiki"),
        ("documents(filter: {mediaTypes: [$v]})", "text/plain"),
        ("documents(filter: {titleContains: $v})", "Twice"),
        ("documents(filter: {metadata: [{path: $v, exists: true}]})", "a"),
        ('documents(filter: {metadata: [{path: "a", equals: $v}]})', "1"),
        ("chunks(filter: {sources: [$v]})", "wiki"),
        ("episodes(filter: {sources: [$v]})", "mail"),
        ("facts(filter: {predicates: [$v]}, includeInvalidated: true)", "KNOWS"),
    ],
)
async def test_u0000_is_a_character_that_matches_nothing(
    odd: Gateway, field: str, value: str
) -> None:
    """No string that is loaded holds one, so nothing can equal or contain a text that does."""
    sort = "JSON" if "equals" in field else "String!"
    query = f"query($v: {sort}) {{ it: {field} {{ totalCount }} }}"
    for text in (f"{value}\x00", f"\x00{value}", f"{value}\x00x"):
        assert await odd.data(query, {"v": text}) == {"it": {"totalCount": 0}}


@pytest.mark.parametrize(
    "field",
    [
        'entity(key: "e:29") { it: facts(predicates: [$v], includeInvalidated: true) { totalCount } }',
        'entity(key: "e:29") { it: neighbors(predicates: [$v]) { totalCount } }',
    ],
)
@pytest.mark.parametrize("value", ["LIKES", "knows", "WORKS_AT"])
async def test_a_predicate_with_u0000_is_no_predicate(odd: Gateway, field: str, value: str) -> None:
    data = await odd.data(f"query($v: String!) {{ {field} }}", {"v": f"{value}\x00"})
    assert data == {"entity": {"it": {"totalCount": 0}}}


async def test_an_id_whose_key_holds_u0000_filters_everything_out(odd: Gateway) -> None:
    entity = {"id": pack(["Entity", "e:29\x00"])}
    document = {"id": pack(["Document", "d:%5B\x00"])}
    for query, variables in (
        ("facts(filter: {subjects: [$id]}, includeInvalidated: true)", entity),
        ("facts(filter: {objects: [$id]}, includeInvalidated: true)", entity),
        ("episodes(filter: {mentions: [$id]})", entity),
        ("chunks(filter: {documents: [$id]})", document),
    ):
        data = await odd.data(f"query($id: ID!) {{ it: {query} {{ totalCount }} }}", variables)
        assert data == {"it": {"totalCount": 0}}, query
    found = await odd.data(
        "query($id: ID!) { subgraph(around: [$id]) { entities { key } } }", entity
    )
    assert found == {"subgraph": {"entities": []}}


async def test_a_search_filter_with_u0000_leaves_nothing(odd: Gateway) -> None:
    for kind, where in (
        ("ENTITY", {"entityTypes": ["Person\x00"]}),
        ("DOCUMENT", {"sources": ["wiki\x00"]}),
        ("CHUNK", {"documents": [pack(["Document", "d:%5B\x00"])]}),
    ):
        data = await odd.data(
            "query($kind: MemoryKind!, $where: SearchFilter) "
            '{ search(query: "ada text", kinds: [$kind], filter: $where) { nodes { __typename } } }',
            {"kind": kind, "where": where},
        )
        assert data == {"search": {"nodes": []}}, kind


@pytest.mark.parametrize("escape", [r"\ud800", r"\udfff", r"\udc00\ud800", r"a\ud83dz"])
async def test_a_lone_surrogate_is_refused_wherever_it_stands(odd: Gateway, escape: str) -> None:
    headers = {"content-type": "application/json"}
    for body in (
        f'{{"query": "query($q: String!) {{ entity(key: $q) {{ key }} }}", "variables": {{"q": "{escape}"}}}}',
        f'{{"query": "{{ entity(key: \\"x{escape}\\") {{ key }} }}"}}',
    ):
        response = await odd.client.post("/graphql", content=body, headers=headers)
        assert response.status_code == 400
        assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    literal = f'{{ entity(key: "{escape}") {{ key }} }}'  # escaped in GraphQL, not in JSON
    await refused(odd, literal, code="GRAPHQL_PARSE_FAILED", names="Unicode")


# JSON values and documents


@pytest.mark.parametrize("depth", [100, 500, 800, 900, 950, 5_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
async def test_deeply_nested_json_is_answered_or_refused(
    odd: Gateway, depth: int, opening: str, closing: str
) -> None:
    value = f"{opening * depth}1{closing * depth}"
    query = 'query($j: JSON) { documents(filter: {metadata: [{path: \\"a\\", equals: $j}]}) { totalCount } }'
    body = f'{{"query": "{query}", "variables": {{"j": {value}}}}}'
    response = await odd.client.post(
        "/graphql", content=body, headers={"content-type": "application/json"}
    )
    answer = response.json()
    if "errors" in answer:
        (error,) = answer["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert "nested too deeply" in error["message"]
    else:
        assert answer == {"data": {"documents": {"totalCount": 0}}}
    literal = value.replace('"a"', "a")
    codes = await odd.codes(
        f'{{ documents(filter: {{metadata: [{{path: "a", equals: {literal}}}]}}) {{ totalCount }} }}'
    )
    assert set(codes) <= CLIENTS_FAULT


async def test_a_number_that_json_cannot_hold_equals_nothing(odd: Gateway) -> None:
    """1e999 is infinite to a parser; it is not null."""
    query = '{ documents(filter: {metadata: [{path: "a", equals: 1e999}]}) { totalCount } }'
    answer = await odd.answer(query)
    if "errors" in answer:
        assert answer["errors"][0]["extensions"]["code"] in CLIENTS_FAULT
    else:
        assert answer["data"] == {"documents": {"totalCount": 0}}


@pytest.mark.parametrize("number", ["123456789012345678901234567890", "-1e308", "5e-324", "-0.0"])
async def test_a_number_of_any_size_can_be_compared(odd: Gateway, number: str) -> None:
    for query, variables in (
        (
            f'{{ documents(filter: {{metadata: [{{path: "b", equals: {number}}}]}}) {{ totalCount }} }}',
            {},
        ),
        (
            'query($j: JSON!) { documents(filter: {metadata: [{path: "b", in: [$j]}]}) { totalCount } }',
            {"j": json.loads(number)},
        ),
    ):
        assert await odd.data(query, variables) == {"documents": {"totalCount": 0}}


@pytest.mark.parametrize("score", ["1e999", "-1e999", "2", "-2", "null"])
async def test_a_least_score_may_be_any_number(odd: Gateway, score: str) -> None:
    query = f'{{ document(key: "d:plain") {{ similar(minScore: {score}) {{ nodes {{ key }} }} }} }}'
    assert await odd.codes(query) == []


@pytest.mark.parametrize(
    ("variables", "names"),
    [
        ({}, "$key"),
        ({"key": None}, "$key"),
        ({"key": 5}, "$key"),
        ({"key": ["e:24"]}, "$key"),
        ({"key": {"a": 1}}, "$key"),
    ],
)
async def test_a_variable_that_is_missing_or_does_not_fit_is_named(
    odd: Gateway, variables: dict[str, Any], names: str
) -> None:
    query = "query($key: String!) { entity(key: $key) { key } }"
    await refused(odd, query, variables, names=names)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("{ nothing }", "nothing"),
        ("{ entity(key: 5) { key } }", "5"),
        ('{ entity(kee: "x") { key } }', "kee"),
        ('{ entity(key: "x") }', "entity"),
        ('{ entity(key: "x") { key { deeper } } }', "key"),
        ("{ facts(filter: {nobody: 1}) { totalCount } }", "nobody"),
        ("{ facts(orderBy: {by: NAME}) { totalCount } }", "NAME"),
        ('{ search(query: "a", kinds: [STORE]) { nodes { __typename } } }', "STORE"),
        ("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", "itself"),
        ("{ ...A } fragment A on Query { ...A }", "itself"),
        ("{ ...Nowhere }", "Nowhere"),
        ("mutation { load }", "mutation"),
        ("subscription { load }", "Subscription"),
        ("{ entities(first: 10000000000) { totalCount } }", "10000000000"),
        ('{ document(key: "d") @nothing { key } }', "nothing"),
    ],
)
async def test_a_document_that_does_not_fit_the_schema_is_named(
    odd: Gateway, query: str, names: str
) -> None:
    await refused(odd, query, code="GRAPHQL_VALIDATION_FAILED", names=names)


@pytest.mark.parametrize(
    "query",
    ["", " ", "#", "{", "}", "nonsense", "tokens", "{ a } tokens", '{ a(b: "', "\x00"],
)
async def test_what_is_no_document_is_a_parse_error(odd: Gateway, query: str) -> None:
    await refused(odd, query, code="GRAPHQL_PARSE_FAILED", names="Syntax Error")


async def test_too_many_errors_do_not_make_an_endless_answer(odd: Gateway) -> None:
    response = await odd.client.post(
        "/graphql", json={"query": "{ " + " ".join(f"x{n}" for n in range(5_000)) + " }"}
    )
    assert len(response.json()["errors"]) < 200
