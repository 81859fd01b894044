"""What the values of a raw column are, told by their types alone: one look at the types of a column, made in C,
stands for a look at each value."""

from collections.abc import Iterable
from inspect import CO_ITERABLE_COROUTINE
from types import CoroutineType, GeneratorType
from typing import Any, cast

from graphql.pyutils import Undefined

# Sorts of raw values that need more than to be completed: bits, and plain integers, since an enumeration
# would cost more than all else that is done with them.
PLAIN = 0
NULL = 1
ERROR = 2
AWAITABLE = 4
STREAM = 8
"""An asynchronous iterable."""
GENERATOR = 16
"""A generator, which `types.coroutine` may have made a coroutine of."""


class Abandoned:
    """Stands in a column for a value that nobody waits for any more: a null without an error."""

    def __repr__(self) -> str:
        return "ABANDONED"


ABANDONED = Abandoned()

NULLS = (type(None), type(Undefined), Abandoned)
"""Types of what completes to null."""

_MOST_TYPES = 10_000
"""Types remembered: an application that makes types as it runs must not fill the memory."""
_sorts: dict[type[Any], int] = dict.fromkeys(NULLS, NULL)


def sort_of(types: Iterable[type[Any]]) -> int:
    """The sorts that occur among values of these types."""
    sorts = PLAIN
    for each in types:
        sort = _sorts.get(each)
        sorts |= _learn(each) if sort is None else sort
    return sorts


def sorts_in(column: list[Any]) -> int:
    """The sorts that occur in a column."""
    types = list(map(type, column))
    if types and types.count(types[0]) == len(types):  # quicker to count than to make a set of
        types = types[:1]
    return sort_of(set(types))


def is_awaitable(value: Any) -> bool:
    """Whether a value is to be awaited, by its type."""
    return bool(sort_of_value(value) & AWAITABLE)


def sort_of_value(value: Any) -> int:
    """The sort of one value."""
    return sort_of((cast("type[Any]", type(value)),))


def _learn(new: type[Any]) -> int:
    if len(_sorts) >= _MOST_TYPES:
        _sorts.clear()
        _sorts.update(dict.fromkeys(NULLS, NULL))
    sort = _sorts[new] = _sort(new)
    return sort


def _sort(new: type[Any]) -> int:
    if issubclass(new, Exception):
        return ERROR
    if issubclass(new, GeneratorType):
        return GENERATOR
    if issubclass(new, CoroutineType) or hasattr(new, "__await__"):
        return AWAITABLE
    if hasattr(new, "__aiter__"):
        return STREAM
    return PLAIN


def adopted(value: Any) -> Any:
    """A value, as a coroutine if it is a generator that stands for one."""
    if type(value) is GeneratorType and value.gi_code.co_flags & CO_ITERABLE_COROUTINE:
        return _await(value)
    return cast("Any", value)


async def _await(value: Any) -> Any:
    return await value
