"""What fields give: values, nulls, exceptions and wrong shapes, by the place that is asked for.

The numbers of a case decide at each place what is there: nothing depends on the order of the questions, so
that an answer is the same however it is worked out.
"""

from dataclasses import dataclass
from typing import Any
from zlib import crc32

from graphql import (
    GraphQLError,
    GraphQLOutputType,
    GraphQLSchema,
    Undefined,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from tests.gateway.execution.schemas import ABSTRACT

MOST = 199
"""The largest number; 0 is what is plain."""


@dataclass(frozen=True)
class Numbers:
    """What there is, at each place."""

    numbers: tuple[int, ...]

    def at(self, place: str) -> int:
        """The number of a place."""
        return self.numbers[crc32(place.encode()) % len(self.numbers)]


class Thing:
    """An object: where it is, and the type that it says it has."""

    def __init__(self, numbers: Numbers, place: str, kind: Any) -> None:
        self.place = place
        self.kind = kind
        if numbers.at(f"{place} says so") % 2:
            self.__typename = kind  # where graphql-core's own type resolver looks first

    def __repr__(self) -> str:
        return f"Thing({self.place})"


@dataclass
class Items:
    """A list: its items, and what its iterator raises after them."""

    values: list[Any]
    error: Exception | None
    form: int


@dataclass
class Raised:
    """Stands for an exception that is raised, not given."""

    error: Exception


def value_at(schema: GraphQLSchema, numbers: Numbers, place: str, type_: GraphQLOutputType) -> Any:
    """What a place gives: a value, an exception, `Items` or `Raised`."""
    inner: Any = type_.of_type if is_non_null_type(type_) else type_
    number = numbers.at(place)
    if number >= 165:
        fault = _fault(number, place)
        if fault is not _WRONG:
            return fault
    is_wrong = number >= 187
    if is_list_type(inner):
        if is_wrong:
            return (5, "text", {"a": 1}, object)[number % 4]
        return _items(schema, numbers, place, inner.of_type)
    if is_leaf_type(inner):
        return (_WRONG_LEAVES if is_wrong else _LEAVES)[inner.name][number % 4]
    return _thing(schema, numbers, place, inner, is_wrong=is_wrong)


_WRONG = object()


def _fault(number: int, place: str) -> Any:
    if number < 172:
        return None
    if number < 174:
        return Undefined
    if number < 178:
        return ValueError(f"given at {place}")
    if number < 183:
        return Raised(ValueError(f"raised at {place}"))
    if number < 185:
        return Raised(GraphQLError(f"raised at {place}", extensions={"code": number}))
    if number < 187:
        return GraphQLError(f"given at {place}")
    return _WRONG


def _items(schema: GraphQLSchema, numbers: Numbers, place: str, type_: GraphQLOutputType) -> Items:
    values = [
        value_at(schema, numbers, f"{place}[{index}]", type_)
        for index in range(numbers.at(f"{place} length") % 5)
    ]
    values = [each.error if isinstance(each, Raised) else each for each in values]
    fails = numbers.at(f"{place} breaks") >= 185
    error = ValueError(f"the iterator of {place}") if fails else None
    return Items(values, error, numbers.at(f"{place} form") % 4)


def _thing(
    schema: GraphQLSchema, numbers: Numbers, place: str, type_: Any, *, is_wrong: bool
) -> Any:
    number = numbers.at(f"{place} kind")
    if is_wrong and number % 3 == 0:
        return (5, "text", [1])[number % 3]
    if is_wrong:
        return Thing(numbers, place, ("Nothing", "Query", "Int", None, 7, "B")[number % 6])
    if is_abstract_type(type_):
        kinds = ABSTRACT[type_.name]
        return Thing(numbers, place, kinds[number % len(kinds)])
    return Thing(numbers, place, type_.name)


_LEAVES: dict[str, tuple[Any, ...]] = {
    "Int": (1, 0, -(2**31), True),
    "Float": (0.5, 3, -1e300, 7.0),
    "String": ("text", "", "\U0001f600\n", 12),
    "Boolean": (True, False, True, 1),
    "ID": ("key", 7, "", "00"),
    "Odd": ("odd", [1, {"a": None}], {"b": 1, "a": 2}, 0),
    "Color": ("RED", "GREEN", "BLUE", "RED"),
}
_WRONG_LEAVES: dict[str, tuple[Any, ...]] = {
    "Int": (2**31, "one", 0.5, [1]),
    "Float": (float("nan"), float("inf"), "", [1.0]),
    "String": ([1], {"a": 1}, object, [None]),
    "Boolean": ("true", [], float("nan"), {}),
    "ID": (0.5, [1], {}, object),
    "Odd": ("none", "undefined", "raise", "raise"),
    "Color": ("PURPLE", 1, ["RED"], {}),
}
