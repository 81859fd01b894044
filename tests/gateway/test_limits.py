"""Documents that are too large are refused before anything that grows faster than they do."""

import importlib
from typing import Any

import pytest
from graphql import DocumentNode, get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st

from gateway.execution import document_cache
from gateway.limits import DocumentLimits, exceeded
from tests.support import Gateway

LIMITS = DocumentLimits(depth=10, aliases=5, fields=20, overlaps=30)


def limit_of(text: str, limits: DocumentLimits = LIMITS) -> str | None:
    """The setting that a document goes beyond."""
    error = exceeded(parse(text), text, limits)
    return None if error is None else error.message.split("(limits.")[1].split(")")[0]


def nested(depth: int) -> str:
    """A document of so many levels of fields."""
    return "{ " + "a { " * (depth - 1) + "a" + " }" * depth


@pytest.mark.parametrize(
    ("setting", "within", "beyond"),
    [
        ("depth", nested(10), nested(11)),
        ("aliases", "{ a:x b:x c:x d:x e:x }", "{ a:x b:x c:x d:x e:x f:x }"),
        ("fields", "{" + "".join(f" f{i}" for i in range(20)) + " }", "{" + "".join(f" f{i}" for i in range(21)) + " }"),
        ("overlaps", "{" + " a" * 8 + " }", "{" + " a" * 9 + " }"),
    ],
)  # fmt: skip
def test_each_limit_lets_through_what_reaches_it_and_no_more(
    setting: str, within: str, beyond: str
) -> None:
    assert limit_of(within) is None
    assert limit_of(beyond) == setting


@pytest.mark.parametrize(
    ("document", "setting"),
    [
        ("{ ...A } fragment A on T { a b c ...B } fragment B on T { d e f }", None),
        ("{ x { ...A } y { ...A } z { ...A } } fragment A on T { a b c d e f g }", "fields"),
        ("{ ...A } fragment A on T { a { ...A } }", "depth"),
        ("{ ...A } fragment A on T { ...B } fragment B on T { ...A }", None),
        ("{ ...Nowhere }", None),
        ("{ a } fragment Unused on T { " + "a " * 40 + "}", "overlaps"),
        ("query A { a } query B { " + "a " * 40 + "}", "overlaps"),
        ("query A { ...A } fragment A on T { " + "b " * 40 + "}", "overlaps"),
        ("{ a { b b } a { b b } a { b b } a { b b } }", "overlaps"),
        ("{ " + " ".join(f"...F{i}" for i in range(9)) + " } " + " ".join(f"fragment F{i} on T {{ a{i} }}" for i in range(9)), "overlaps"),
        ("{ a(first: " + "9" * 401 + ") }", "digits is fixed"),
        ("{ a(first: 0." + "9" * 401 + ") }", "digits is fixed"),
        ('{ a(name: "' + "9" * 401 + '") }', None),
    ],
)  # fmt: skip
def test_fragments_count_where_they_are_spread_and_fields_where_they_merge(
    document: str, setting: str | None
) -> None:
    assert limit_of(document) == setting


def test_fragments_that_double_at_every_level_are_cut_short() -> None:
    doubling = " ".join(
        f"fragment F{i} on T {{ x {{ ...F{i + 1} }} y {{ ...F{i + 1} }} }}" for i in range(60)
    )
    text = f"{{ ...F0 }} {doubling} fragment F60 on T {{ a }}"
    assert limit_of(text, DocumentLimits(depth=100)) == "fields"


@given(
    st.recursive(st.just("a"), lambda inner: st.lists(inner, min_size=1, max_size=4), max_leaves=30)
)
def test_fields_are_counted_one_by_one(tree: Any) -> None:
    def write(part: Any) -> tuple[str, int]:
        if part == "a":
            return "a", 1
        inner = [write(each) for each in part]
        return f"b {{ {' '.join(text for text, _ in inner)} }}", 1 + sum(n for _, n in inner)

    text, count = write(tree)
    most = {"depth": 1_000, "aliases": 0, "overlaps": 100_000}
    assert limit_of(f"{{ {text} }}", DocumentLimits(fields=count, **most)) is None
    if count > 1:
        assert limit_of(f"{{ {text} }}", DocumentLimits(fields=count - 1, **most)) == "fields"


async def test_the_introspection_of_explorers_and_generators_is_within_the_limits(
    odd: Gateway,
) -> None:
    assert exceeded(parse(text := get_introspection_query()), text, DocumentLimits()) is None
    assert "__schema" in await odd.data(text)


HOSTILE = {
    "aliases": "{" + " ".join(f"a{i}: stores {{ name }}" for i in range(20_000)) + "}",
    "one field": "{" + "a " * 100_000 + "}",
    "nesting": "{ documents { nodes " + "{ chunks { nodes " * 10_000 + "{ key }" + "} }" * 10_001 + "}",
    "merging": "{" + "stores { name } " * 1_000 + "}",
    "digits": "{ documents(first: " + "9" * 10_000 + ") { totalCount } }",
    "fragments": "{ documents { nodes { " + " ".join(f"...F{i}" for i in range(800)) + " } } } "
    + " ".join(f"fragment F{i} on Document {{ key }}" for i in range(800)),
}  # fmt: skip


@pytest.mark.parametrize("sort", HOSTILE)
async def test_what_is_too_large_is_refused_before_it_is_validated(
    odd: Gateway, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    def never(*_: object) -> None:
        pytest.fail("it was validated")

    monkeypatch.setattr(document_cache, "validate", never)
    answer = await odd.answer(HOSTILE[sort])
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert "split" in error["message"]
    assert len(error["message"]) < 300
    monkeypatch.undo()
    assert await odd.data("{ stores { name } }") == {"stores": [{"name": "embedded"}]}


async def test_what_cannot_be_validated_for_its_depth_is_too_large(
    odd: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    def recurse(*_: object) -> None:
        raise RecursionError("maximum recursion depth exceeded")

    monkeypatch.setattr(document_cache, "validate", recurse)
    assert await odd.codes("{ stores { kind } }") == ["LIMIT_EXCEEDED"]


async def test_a_number_of_ten_thousand_digits_in_variables_is_the_clients_fault(
    odd: Gateway,
) -> None:
    body = b'{"query": "query($n: Int!) { documents(first: $n) { totalCount } }", "variables": {"n": %s}}'
    response = await odd.client.post(
        "/graphql", content=body % (b"9" * 10_000), headers={"content-type": "application/json"}
    )
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "sys.set_int_max_str_digits" not in response.text


def test_a_document_is_parsed_checked_and_validated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = importlib.import_module("graphql").build_schema("type Query { a: Int }")
    checked: list[DocumentNode] = []

    def check(document: DocumentNode, _: str) -> None:
        checked.append(document)

    cache = document_cache.DocumentCache(schema, check=check)
    first = cache.prepare("{ a }")
    assert [cache.prepare("{ a }") for _ in range(3)] == [first] * 3
    assert checked == [first.document]


def test_a_stream_of_new_documents_pushes_out_nothing_that_was_asked_twice() -> None:
    schema = importlib.import_module("graphql").build_schema("type Query { a: Int }")
    cache = document_cache.DocumentCache(schema)
    cache.prepare("{ a }")
    kept = cache.prepare("{ a }")
    for number in range(3 * document_cache.DOCUMENTS):
        cache.prepare(f"{{ a{number}: a }}")
    assert cache.prepare("{ a }") is kept
    assert len(cache) <= document_cache.DOCUMENTS + 1


def test_the_texts_that_are_kept_are_bounded_together_and_one_by_one() -> None:
    schema = importlib.import_module("graphql").build_schema("type Query { a: Int }")
    cache = document_cache.DocumentCache(schema)
    huge = "{ a } #" + "x" * document_cache.CHARACTERS
    assert cache.prepare(huge).errors == []
    assert len(cache) == 0
    long = document_cache.CHARACTERS // 10
    for number in range(50):
        cache.prepare(f"{{ a }} #{number}" + "x" * long)
    assert len(cache) <= 10
