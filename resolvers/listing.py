"""Lists: their order, their pages and the cursors between.

A `Listing` says what a list is: its name, its order and the arguments that make it that list.  From
them comes the mark in its cursors, so that a cursor of another list is refused.
"""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
from strawberry import UNSET

from backends.records import Order, PageRequest, Position
from resolvers.arguments import given
from resolvers.context import Limits
from resolvers.errors import InputError
from resolvers.opaque import pack, pack_instant, unpack, unpack_instant

SORT_LENGTH = 200
"""Characters of a name or title that lists compare (semantics.md, Order)."""


class Sorting(msgspec.Struct, frozen=True):
    """What a list is ordered by: an attribute of its records, or the key alone."""

    attribute: str | None = None
    holds: type = str

    def position(self, record: Any) -> Position:
        """A record's place in the list."""
        if self.attribute is None:
            return (record.key,)
        value = getattr(record, self.attribute)
        return (value[:SORT_LENGTH] if isinstance(value, str) else value, record.key)

    def pack(self, position: Position) -> list[Any]:
        """A position as plain values."""
        return [pack_instant(each) if isinstance(each, datetime) else each for each in position]

    def unpack(self, values: Sequence[Any]) -> Position:
        """The position of plain values.  Raises ValueError for values of another order."""
        *value, key = values
        if not isinstance(key, str) or len(value) != (0 if self.attribute is None else 1):
            raise ValueError("another order")
        if not value:
            return (key,)
        sort = unpack_instant(value[0]) if self.holds is datetime else value[0]
        if sort is not None and type(sort) is not self.holds:
            raise ValueError("another order")
        if isinstance(sort, int) and not -(2**31) <= sort < 2**31:
            raise ValueError("no position")
        return (sort, key)


BY_KEY = Sorting()
BY_NAME = Sorting("name")
BY_POSITION = Sorting("position", int)
BY_VALID_FROM = Sorting("valid_from", datetime)
BY_OCCURRED_AT = Sorting("occurred_at", datetime)


def sorting_of(order: Order | None, default: Sorting) -> Sorting:
    """The sorting that an order asks for."""
    if order is None:
        return default
    return Sorting(order.by, datetime if order.by.endswith(("_at", "_from")) else str)


class Paging(msgspec.Struct, frozen=True):
    """The paging arguments of a field, as they came."""

    first: Any = UNSET
    after: Any = UNSET
    last: Any = UNSET
    before: Any = UNSET


class Listing(msgspec.Struct, frozen=True):
    """A list of a memory: its name (`Document.chunks`), its order, its arguments but paging and moment."""

    name: str
    sorting: Sorting
    arguments: tuple[Any, ...] = ()

    def mark(self, parent: str | None) -> bytes:
        """What tells this list from all others."""
        content = msgspec.json.encode([self.name, parent, *self.arguments])
        return blake2b(content, digest_size=8).digest()

    def cursor(self, parent: str | None, record: Any) -> str:
        """The cursor of a record."""
        return pack([self.mark(parent), *self.sorting.pack(self.sorting.position(record))])

    def position(self, parent: str | None, cursor: str) -> Position:
        """The position that a cursor holds.  Raises InputError for one from elsewhere."""
        try:
            mark, *values = unpack(cursor)
            if mark != self.mark(parent):
                raise ValueError("another list")
            return self.sorting.unpack(values)
        except ValueError as error:
            raise InputError(
                f"cursor {cursor[:80]!r} is not one of this list; use a cursor that "
                f"{self.name} gave for the same parent and arguments"
            ) from error

    def request(
        self, paging: Paging, parent: str | None, limits: Limits, *, ends: bool
    ) -> PageRequest:
        """The page that is asked for.  Raises InputError for arguments that make none."""
        first, last = given(paging.first, None), given(paging.last, None)
        after, before = given(paging.after, None), given(paging.before, None)
        if first is not None and last is not None:
            raise InputError("first and last are both given; a page is one or the other")
        if before is not None and last is None:
            raise InputError("before is given without last; say how many before it with last")
        check_size("first" if last is None else "last", last if first is None else first, limits)
        if first is None and last is None:
            first = limits.default_page
        return PageRequest(
            first=first,
            last=last,
            after=None if after is None else self.position(parent, after),
            before=None if before is None else self.position(parent, before),
            ends=ends,
        )


def check_size(name: str, size: int | None, limits: Limits) -> None:
    """Refuse a number of items out of bounds."""
    if size is not None and not 0 <= size <= limits.largest_page:
        raise InputError(f"{name}: {size} is out of bounds; 0 to {limits.largest_page} are allowed")
