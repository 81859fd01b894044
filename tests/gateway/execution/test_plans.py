"""What is kept between requests: plans, so many and no more, of documents and nothing of a request."""

import gc
import random
import tracemalloc
import weakref
from typing import Any

import graphql
import pytest
from graphql import (
    REMOVE,
    ExecutionResult,
    FieldNode,
    GraphQLSchema,
    Visitor,
    build_schema,
    parse,
    visit,
)

from gateway.execution import execute
from gateway.execution.plan_cache import LONGEST, OPERATIONS, VARIANTS, PlanCache
from gateway.execution.unsupported import fallbacks

TEXT = """
interface Node { n: Int }
type Item implements Node { n(times: Int = 1): Int item: Item node: Node }
type Query { a: Int b: Int item: Item node: Node }
type Mutation { a: Int }
type Subscription { a: Int }
"""


class Thing:
    """An object that can be watched until it is gone."""

    n = 1
    a = 2
    b = 3

    @property
    def item(self) -> "Thing":
        return Thing()

    node = item
    _Thing__typename = "Item"


@pytest.fixture
def schema() -> GraphQLSchema:
    return build_schema(TEXT)


def run(schema: GraphQLSchema, text: str, root: Any = None, **options: Any) -> ExecutionResult:
    result = execute(schema, parse(text), root or Thing(), **options)
    assert isinstance(result, ExecutionResult)
    return result


def operations(schema: GraphQLSchema) -> Any:
    return PlanCache.of(schema)._operations


def test_a_document_that_comes_again_finds_its_plan(schema: GraphQLSchema) -> None:
    for _ in range(3):
        assert run(schema, "{ a item { n } }").data == {"a": 2, "item": {"n": 1}}
    assert len(operations(schema)) == 1


def test_twenty_thousand_documents_are_not_kept(schema: GraphQLSchema) -> None:
    def ask(first: int, last: int) -> None:
        for number in range(first, last):
            execute(schema, parse(f"{{ a{number}: a }}"), root)
        gc.collect()

    root = Thing()
    ask(0, OPERATIONS + 50)
    before = len(gc.get_objects())
    ask(OPERATIONS + 50, 20_000)
    assert len(operations(schema)) == OPERATIONS
    assert len(gc.get_objects()) < before * 1.05


def test_memory_does_not_grow_with_the_documents(schema: GraphQLSchema) -> None:
    def ask(first: int, last: int) -> int:
        for number in range(first, last):
            text = f"query($b: Boolean = true) {{ a{number}: a @include(if: $b) item {{ n }} }}"
            assert run(schema, text).errors is None
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        full = ask(0, OPERATIONS)
        assert ask(OPERATIONS, 3 * OPERATIONS) < full * 1.25
    finally:
        tracemalloc.stop()


def test_a_long_document_is_not_kept(schema: GraphQLSchema) -> None:
    text = f"{{ a # {'x' * LONGEST}\n }}"
    assert run(schema, text).data == {"a": 2}
    assert len(operations(schema)) == 0


@pytest.mark.parametrize(
    ("most", "times", "kept"), [(300, VARIANTS + 3, [VARIANTS]), (1_000, 3, [])]
)
def test_many_conditions_are_answered_each_time_and_few_plans_kept(
    schema: GraphQLSchema, most: int, times: int, kept: list[int]
) -> None:
    """A document with a thousand of them is too long to be kept at all."""
    names = [f"b{number}" for number in range(most)]
    text = (
        f"query({' '.join(f'${name}: Boolean!' for name in names)}) "
        f"{{ {' '.join(f'{name}: a @include(if: ${name})' for name in names)} }}"
    )
    document = parse(text)
    chance = random.Random(5)
    for _ in range(times):
        variables = {name: chance.random() < 0.5 for name in names}
        result: Any = execute(schema, document, Thing(), variable_values=variables)
        assert list(result.data) == [name for name in names if variables[name]]
    assert [len(each._plans) for each in operations(schema).values()] == kept


def test_a_plan_holds_nothing_of_a_request(schema: GraphQLSchema) -> None:
    text = """
        query($t: Int, $b: Boolean = true) {
          a @include(if: $b)
          item { n(times: $t) node { n ... on Item { n2: n(times: 3) } } }
        }
    """
    gone: list[weakref.ref[Any]] = []

    def ask() -> None:
        class Number(int):
            """A value of a variable that can be watched."""

        root, context, number = Thing(), Thing(), Number(7)
        document = parse(text)
        result = execute(schema, document, root, context, {"t": number, "b": True})
        assert isinstance(result, ExecutionResult)
        assert result.errors is None
        gone.extend(map(weakref.ref, (root, context, Number)))

    for _ in range(2):
        ask()
    gc.collect()
    assert [each() for each in gone] == [None] * 6


def test_a_plan_holds_nothing_of_a_request_that_failed(schema: GraphQLSchema) -> None:
    gone: list[weakref.ref[Any]] = []

    class Broken(Thing):
        @property
        def item(self) -> Thing:
            raise ValueError(self)

    def ask() -> None:
        root, context = Broken(), Thing()
        result = execute(schema, parse("{ a item { n } }"), root, context)
        assert isinstance(result, ExecutionResult)
        assert result.errors is not None
        gone.extend(map(weakref.ref, (root, context)))

    ask()
    gc.collect()
    assert [each() for each in gone] == [None] * 2


def test_operations_of_one_document_have_plans_of_their_own(schema: GraphQLSchema) -> None:
    text = "query A { a } query B { b } mutation C { a }"
    for _ in range(2):
        for name, data in (("A", {"a": 2}), ("B", {"b": 3}), ("C", {"a": 2})):
            assert run(schema, text, operation_name=name).data == data
    assert len(operations(schema)) == 3


def test_schemas_have_plans_of_their_own(schema: GraphQLSchema) -> None:
    other = build_schema("type Query { a: String }")
    for _ in range(2):
        assert run(schema, "{ a }").data == {"a": 2}
        assert run(other, "{ a }").data == {"a": "2"}


@pytest.mark.parametrize("is_first", [False, True])
def test_a_document_that_was_changed_is_answered_as_it_is(
    schema: GraphQLSchema, is_first: bool
) -> None:
    class Without(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> Any:
            return REMOVE if node.name.value == "b" else None

    whole = parse("{ a b ...F } fragment F on Query { item { n } b2: b }")
    changed = visit(whole, Without())
    answers = {
        id(whole): {"a": 2, "b": 3, "item": {"n": 1}, "b2": 3},
        id(changed): {"a": 2, "item": {"n": 1}},
    }
    documents = [changed, whole] if is_first else [whole, changed]
    for document in documents * 2:
        result: Any = execute(schema, document, Thing())
        assert result.data == answers[id(document)]


def test_values_of_arguments_are_those_of_the_request(schema: GraphQLSchema) -> None:
    root = {"item": {"n": lambda _, times: times}}
    for _ in range(2):
        for number in (4, 5, None):
            result = run(
                schema,
                "query($t: Int) { item { n(times: $t) } }",
                root,
                variable_values={"t": number},
            )
            assert result.data == {"item": {"n": number}}
        assert run(schema, "query($t: Int) { item { n(times: $t) } }", root).data == {
            "item": {"n": 1}
        }


FALLBACKS: dict[str, tuple[str, dict[str, Any]]] = {
    "introspection": ("{ __schema { queryType { name } } }", {}),
    "@defer": ("{ a ... @defer(if: false) { b } }", {}),
    "middleware": ("{ a }", {"middleware": [lambda next_, *args, **more: next_(*args, **more)]}),
    "hooks": ("{ a }", {"hooks": graphql.execution.ExecutionHooks()}),
    "nested too deeply": (
        " ".join([
            "{ ...F0 }",
            *(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(2_000)),
            "fragment F2000 on Query { a }",
        ]),
        {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("reason", FALLBACKS)
def test_what_is_left_to_graphql_core_is_counted_by_its_reason(
    schema: GraphQLSchema, reason: str
) -> None:
    text, options = FALLBACKS[reason]
    before = fallbacks.copy()
    found = run(schema, text, **options)
    assert fallbacks - before == {reason: 1}
    expected = graphql.execute_sync(
        schema, parse(text), Thing(), middleware=options.get("middleware")
    )
    assert (found.data, found.errors) == (expected.data, expected.errors)


def test_what_is_not_left_to_graphql_core_is_not_counted(schema: GraphQLSchema) -> None:
    before = fallbacks.copy()
    run(schema, "{ a item { __typename n } }")
    assert fallbacks == before
