"""Operations over the library."""

from typing import Any, cast

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)
from hypothesis import strategies as st

from tests.gateway.execution.library import LATER
from tests.gateway.execution.queries import Query
from tests.gateway.execution.schemas import one_of

VARIABLES = "$number: Int! = 2, $where: Filter, $word: String, $odd: Boolean! = true"

_LITERALS: dict[str, tuple[str, ...]] = {
    "times": ("0", "1", "2", "3", "$number"),
    "first": ("0", "1", "3", "6", "$number"),
    "start": ("1", "5", "$number"),
    "number": ("0", "1", "2", "3", "6", "$number"),
    "total": ("0", "3"),
    "called": ("4", "$number"),
    "title": ('"t"', '""'),
    "word": ("null", '"w"', "$word"),
    "wordBack": ("null", '"abc"', '"raise"', "12"),
    "numbers": ("null", "[]", "[1, 2]", "3", "[$number]"),
    "since": ("null", '"2020-01-01T00:00:00Z"', '"no time"', '"2020-01-01"'),
    "color": ("RED", "AZURE", "BLUE"),
    "where": (
        "{}", "null", "$where", '{word: null, colors: [AZURE, RED]}', "{least: 2, also: {word: $word}}",
        "{also: {also: {colors: []}}}",
    ),
}  # fmt: skip

_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "number": st.sampled_from((0, 1, 3)),
    "where": st.sampled_from(
        (None, {}, {"word": None}, {"word": "v", "colors": ["AZURE"], "also": {"least": 5}})
    ),
    "word": st.sampled_from((None, "v")),
    "odd": st.sampled_from((True, False)),
}


_may_be = st.booleans()
_kinds = st.integers(0, 9)
_numbers = {most: st.integers(1, most) for most in (3, 5)}


@st.composite
def library_queries(draw: st.DrawFn, schema: GraphQLSchema, *, waits: bool) -> Query:
    """Any operation; with `waits` its fields may have to be awaited."""
    made = _Selections(draw, schema, waits=waits)
    operation = draw(one_of(("query", "query", "query", "mutation")))
    directive = draw(one_of(("", "", "", "@experimental_disableErrorPropagation")))
    body = made.selection(schema.type_map[operation.title()], 0)
    fragment = made.selection(schema.type_map["Book"], 2)
    variables = {name: draw(values) for name, values in _VALUES.items() if draw(_may_be)}
    document = f"{operation} Any({VARIABLES}) {directive} {body}\nfragment F on Book {fragment}"
    return Query(document, variables)


class _Selections:
    """Draws selections that end."""

    def __init__(self, draw: st.DrawFn, schema: GraphQLSchema, *, waits: bool) -> None:
        self._draw = draw
        self._schema = schema
        self._waits = waits

    def selection(self, type_: GraphQLNamedType, level: int) -> str:
        number = self._draw(_numbers[5 if level < 2 else 3])
        return f"{{ {' '.join(self._one(type_, level) for _ in range(number))} }}"

    def _one(self, type_: GraphQLNamedType, level: int) -> str:
        kind = self._draw(_kinds)
        if kind == 9:
            return "__typename"
        if kind == 8 and type_.name == "Book" and level < 2:
            return "...F @include(if: $odd)"
        if is_abstract_type(type_) and (kind > 3 or not isinstance(type_, GraphQLInterfaceType)):
            on = self._draw(one_of(tuple(self._schema.get_possible_types(type_))))
            return f"... on {on.name} {self.selection(on, level)}"
        fields = cast(GraphQLObjectType, type_).fields
        names = tuple(
            name
            for name, field in fields.items()
            if (self._waits or not name.endswith(LATER))
            and (level < 4 or is_leaf_type(get_named_type(field.type)))
        )
        if not names:
            return "__typename"
        name = self._draw(one_of(names))
        return self._field(name, fields[name], level)

    def _field(self, name: str, field: GraphQLField, level: int) -> str:
        alias = self._draw(one_of(("", "", f"{name}_1:", f"{name}_2:")))
        given = [
            f"{argument}: {self._draw(one_of(_LITERALS[argument]))}"
            for argument in field.args
            if self._draw(_may_be)
        ]
        arguments = f"({', '.join(given)})" if given else ""
        condition = self._draw(one_of(("", "", "", "", "@skip(if: $odd)")))
        type_ = get_named_type(field.type)
        inner = "" if is_leaf_type(type_) else self.selection(type_, level + 1)
        return f"{alias} {name}{arguments} {condition} {inner}"
