"""What the values of a raw column are, told by their types alone: one look at the set of types of a column,
which is made in C, stands for a look at each value."""

from collections.abc import Iterable
from enum import IntFlag
from types import CoroutineType, GeneratorType
from typing import Any

from graphql.pyutils import Undefined


class Sort(IntFlag):
    """Sorts of raw values that need more than to be completed."""

    PLAIN = 0
    NULL = 1
    ERROR = 2
    AWAITABLE = 4
    STREAM = 8
    """An asynchronous iterable."""


class Abandoned:
    """Stands in a column for a value that nobody waits for any more: a null without an error."""

    def __repr__(self) -> str:
        return "ABANDONED"


ABANDONED = Abandoned()

NULLS = (type(None), type(Undefined), Abandoned)
"""Types of what completes to null."""

_MOST_TYPES = 10_000
"""Types remembered: an application that makes types as it runs must not fill the memory."""
_sorts: dict[type, Sort] = dict.fromkeys(NULLS, Sort.NULL)


def sort_of(types: Iterable[type]) -> Sort:
    """The sorts that occur among values of these types."""
    sorts = Sort.PLAIN
    for each in types:
        sort = _sorts.get(each)
        sorts |= _learn(each) if sort is None else sort
    return sorts


def is_awaitable(value: Any) -> bool:
    """Whether a value is to be awaited, by its type."""
    return bool(sort_of((type(value),)) & Sort.AWAITABLE)


def _learn(new: type) -> Sort:
    if len(_sorts) >= _MOST_TYPES:
        _sorts.clear()
        _sorts.update(dict.fromkeys(NULLS, Sort.NULL))
    sort = _sorts[new] = _sort(new)
    return sort


def _sort(new: type) -> Sort:
    if issubclass(new, Exception):
        return Sort.ERROR
    if issubclass(new, CoroutineType) or hasattr(new, "__await__"):
        return Sort.AWAITABLE
    if hasattr(new, "__aiter__"):
        return Sort.STREAM
    return Sort.PLAIN


def is_old_coroutine(value: Any) -> bool:
    """Whether a generator is one of the coroutines that `types.coroutine` makes."""
    return isinstance(value, GeneratorType) and bool(value.gi_code.co_flags & 0x100)
