"""Operations over a schema: aliases, merged fields, fragments, abstract types, conditions, variables."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.gateway.execution.schemas import ABSTRACT, LEAVES, OBJECTS, Field, Schema, one_of

VARIABLES = (
    "$i: Int, $n: Int! = 4, $l: [Int!] = [1], $p: Point, $c: Color, $o: Odd, "
    "$yes: Boolean! = true, $no: Boolean! = false, $odd: Boolean = true"
)
"""The variables of every operation."""

_LITERALS: dict[str, tuple[str, ...]] = {
    "i": ("1", "null", "$i", "$n", "$nowhere"),
    "n": ("2", "$n", "$i", "null", '"no number"'),
    "d": ("2", "$n", "$i"),
    "l": ("[1, 2]", "1", "$l", "[$n, 2]", "null", "[$i]"),
    "p": ("{}", "{x: 2}", "{ys: [1, $n], inner: {color: $c}}", "$p", "null", "{x: null}"),
    "c": ("RED", "$c", "null", "PURPLE"),
    "o": ("1", '{a: [1, "b"]}', "$o", "[$o]", "null", '"raise"'),
    "s": ('"text"', "null"),
}
"""What is given for an argument: constants, variables, and what does not fit."""

_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "i": st.sampled_from((0, 12, None)),
    "n": st.sampled_from((1, 2**31 - 1)),
    "l": st.sampled_from(([], [3, 4], None, 5)),
    "p": st.sampled_from(({"x": 1}, {"ys": [2], "inner": {"inner": {}}}, None)),
    "c": st.sampled_from(("BLUE", "RED", None)),
    "o": st.sampled_from((1, {"deep": [True, None]}, None)),
    "yes": st.sampled_from((True, False)),
    "no": st.sampled_from((True, False)),
    "odd": st.sampled_from((True, False, True, False, None)),
}

_CONDITIONS = (
    *[""] * 12,
    *("@skip(if: $no)", "@include(if: $yes)", "@skip(if: $yes)", "@include(if: $no)"),
    *("@skip(if: false)", "@include(if: false)", "@skip(if: $no) @include(if: $yes)"),
    "@include(if: $odd)",
)


_may_be = st.booleans()
_kinds = st.integers(0, 9)
_numbers = {most: st.integers(1, most) for most in (3, 4)}


@dataclass(frozen=True)
class Query:
    """A document of one operation, and its variables."""

    document: str
    variables: dict[str, Any]


@st.composite
def queries(draw: st.DrawFn, schema: Schema) -> Query:
    """Any operation over a schema."""
    fragments = {f"F{number}": draw(one_of(_COMPOSITE)) for number in range(2)}
    made = _Selections(draw, schema, fragments)
    operation = draw(one_of(("query", "query", "query", "mutation")))
    directive = draw(one_of(("", "", "", "@experimental_disableErrorPropagation")))
    body = made.selection(operation.title(), 0)
    made.depth = 2
    texts = [f"{operation} Any({VARIABLES}) {directive} {body}"]
    for name, type_ in fragments.items():
        made.fragments.pop(name)
        texts.append(f"fragment {name} on {type_} {made.selection(type_, 0)}")
    variables = {name: draw(values) for name, values in _VALUES.items() if draw(_may_be)}
    return Query("\n".join(texts), variables)


_COMPOSITE = (*OBJECTS, *ABSTRACT)


class _Selections:
    """Draws selections that end."""

    def __init__(self, draw: st.DrawFn, schema: Schema, fragments: dict[str, str]) -> None:
        self._draw = draw
        self._schema = schema
        self.fragments = dict(fragments)
        """Those that may be spread: a fragment spreads later ones only."""
        self.depth = 4

    def selection(self, type_: str, level: int) -> str:
        most = 4 if level < 2 else 3
        number = self._draw(_numbers[most])
        return f"{{ {' '.join(self._one(type_, level) for _ in range(number))} }}"

    def _one(self, type_: str, level: int) -> str:
        condition = self._draw(one_of(_CONDITIONS))
        fields = self._schema.fields.get(type_, ())
        kind = self._draw(_kinds)
        if kind >= 8 and self.fragments and type_ in _COMPOSITE:
            return f"...{self._draw(one_of(tuple(self.fragments)))} {condition}"
        if (kind >= 6 or not fields) and type_ in _COMPOSITE and level < self.depth:
            on = self._draw(one_of(_overlapping(type_)))
            inner = self.selection(on or type_, level + 1)
            return f"... {f'on {on}' if on else ''} {condition} {inner}"
        if kind == 5 or not fields:
            return f"{self._draw(one_of(('', 't_1:')))} __typename {condition}"
        return self._field(self._draw(one_of(fields)), level, condition)

    def _field(self, field: Field, level: int, condition: str) -> str:
        alias = self._draw(one_of(("", "", f"{field.name}_1:", f"{field.name}_2:")))
        given = [
            f"{name}: {self._draw(one_of(_LITERALS[name]))}"
            for name in field.arguments
            if self._draw(_may_be)
        ]
        arguments = f"({', '.join(given)})" if given else ""
        inner = ""
        if field.base not in LEAVES:
            inner = (
                self.selection(field.base, level + 1) if level < self.depth else "{ __typename }"
            )
        return f"{alias} {field.name}{arguments} {condition} {inner}"


@cache
def _overlapping(type_: str) -> tuple[str, ...]:
    """What a fragment within a type may be on: anything that shares an object with it; none."""
    objects = set(ABSTRACT.get(type_, (type_,)))
    return ("", *(each for each in _COMPOSITE if objects & set(ABSTRACT.get(each, (each,)))))
