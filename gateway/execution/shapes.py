"""Objects of an answer from the columns of their fields, and lists from the column of their items."""

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import Any

import msgspec


class Shape:
    """The keys of a selection, and the class of objects that have them.

    The class costs more to make than a handful of objects saves: it is made when a selection is built for
    the second time, so that documents which are sent once do without.
    """

    __slots__ = ("_class", "_seen", "keys")

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.keys = keys
        self._class: type[msgspec.Struct] | None = None
        self._seen = False

    def dicts(self, columns: Sequence[list[Any]]) -> list[Any]:
        """A dict for each row."""
        keys = self.keys
        return [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]

    def structs(self, columns: Sequence[list[Any]]) -> list[Any]:
        """Something that msgspec encodes as the dict, for each row."""
        if self._class is None:
            if not self._seen:
                self._seen = True
                return self.dicts(columns)
            self._class = _struct(self.keys)
        return list(map(self._class, *columns))


class Dicts:
    """Answers of dicts and lists, for whoever reads them."""

    def objects(self, selection: Any, columns: Sequence[list[Any]]) -> list[Any]:
        """A dict for each row."""
        return selection.shape.dicts(columns)

    def lists(self, items: list[Any], counts: Sequence[int]) -> list[Any]:
        """Lists."""
        return _cut(items, counts)


class Encodable:
    """Answers that only msgspec reads: structs for objects, and tuples for lists, cost less to make."""

    def objects(self, selection: Any, columns: Sequence[list[Any]]) -> list[Any]:
        """A struct for each row."""
        return selection.shape.structs(columns)

    def lists(self, items: list[Any], counts: Sequence[int]) -> list[Any]:
        """Tuples.  Full pages are all of one length: those take a third of the time."""
        length = counts[0] if counts else 0
        if length and len(counts) > 1 and counts.count(length) == len(counts):
            return list(zip(*[iter(items)] * length, strict=True))
        return _cut(tuple(items), counts)


def _cut(items: Sequence[Any], counts: Sequence[int]) -> list[Any]:
    ends = list(accumulate(counts))
    return [items[start:end] for start, end in zip(chain((0,), ends), ends, strict=False)]


def _struct(keys: tuple[str, ...]) -> type[msgspec.Struct]:
    names = [f"f{number}" for number in range(len(keys))]
    return msgspec.defstruct(
        "Object",
        [(name, Any) for name in names],
        rename=dict(zip(names, keys, strict=True)),
        gc=False,
    )
