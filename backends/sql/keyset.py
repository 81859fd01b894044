"""Keyset pages: windows on a total order, missing values last in both directions.

A list is ordered by one column (which may be missing) and the key, or by the key alone.  A window is
made of limited index ranges: present values, then missing ones, for each source of rows

    (present, LIMIT n) UNION ALL (missing, LIMIT n)     …for each source…     ORDER BY … LIMIT n

so that no range is sorted whole.  Going backward everything turns round, and the page is reversed.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    false,
    literal_column,
    null,
    or_,
    select,
    tuple_,
    union_all,
)

from backends.records import PageRequest, Position
from backends.sql.statements import bound

Conditions = Sequence[ColumnElement[bool]]

Sources = Sequence[Conditions]
"""Conjunctions over one table, no two of which a row passes."""


class Place(msgspec.Struct, frozen=True):
    """A position as a statement sees it, which is built for any value but `None`."""

    sort: Any
    key: Any

    @staticmethod
    def of(position: Position | None) -> "Place | None":
        """The place of a position: its last value is the key, one before it the sort."""
        return None if position is None else Place(position[0], position[-1])


class Span(msgspec.Struct, frozen=True):
    """A page as a statement sees it: the first rows, or from the `backward` end, within its bounds."""

    rows: int
    backward: bool
    after: Place | None
    before: Place | None

    @staticmethod
    def of(page: PageRequest) -> "Span":
        """The rows of a page, and one more where it is to know its ends."""
        rows = page.limit + (1 if page.ends else 0)
        return Span(rows, page.backward, Place.of(page.after), Place.of(page.before))

    @property
    def limit(self) -> ColumnElement[int]:
        """How many rows at most."""
        return bound(self.rows, Integer())


class Ordering(msgspec.Struct, frozen=True):
    """A total order of rows: `sort` (unless the key alone orders), then `key`."""

    key: ColumnElement[Any]
    sort: ColumnElement[Any] | None = None
    nullable: bool = False
    descending: bool = False

    def reaches(self, place: Place, *, forward: bool) -> ColumnElement[bool]:
        """Whether a row stands at the place or beyond it."""
        return or_(
            *(
                and_(
                    *self._range(missing),
                    *self._bound(missing, place, forward=forward, inclusive=True),
                )
                for missing in self._ranges()
            )
        )

    def _ranges(self) -> tuple[bool, ...]:
        return (False, True) if self.nullable else (False,)

    def _range(self, missing: bool) -> list[ColumnElement[bool]]:
        if not self.nullable or self.sort is None:
            return []
        return [self.sort.is_(None) if missing else self.sort.is_not(None)]

    def _bound(
        self, missing: bool, place: Place, *, forward: bool, inclusive: bool = False
    ) -> list[ColumnElement[bool]]:
        """What a row of one range must meet to stand beyond the place."""
        upward = forward != self.descending
        if self.sort is not None and missing != (place.sort is None):
            # Missing values come last: one range lies wholly on one side of the other.
            return [] if missing == forward else [false()]
        key = bound(place.key, self.key.type)
        if self.sort is None or missing:
            return [_beyond(self.key, key, upward, inclusive)]
        value = tuple_(bound(place.sort, self.sort.type), key)
        return [_beyond(tuple_(self.sort, self.key), value, upward, inclusive)]

    def _sorted(self, *, backward: bool) -> list[ColumnElement[Any]]:
        # Of missing values too the whole order: PostgreSQL walks an index only in its own.
        columns = [self.key] if self.sort is None else [self.sort, self.key]
        down = self.descending != backward
        return [item.desc() if down else item.asc() for item in columns]

    def window(
        self,
        row: ColumnElement[Any],
        sources: Sources,
        span: Span,
        *,
        distinct: bool = False,
    ) -> Select[Any]:
        """The rows of a page, in the page's own direction: `row`, then the columns that order it.

        `distinct` gives rows that repeat once.
        """
        parts = [
            self._part(row, conditions, span, missing=missing).limit(span.limit)
            for conditions in sources
            for missing in self._ranges()
        ]
        if distinct:
            parts = [part.distinct() for part in parts]
        if len(parts) == 1:
            return parts[0]
        merged = union_all(*(select(part.subquery()) for part in parts)).subquery()
        return (
            select(merged).order_by(*self._merge_order(merged.c, span.backward)).limit(span.limit)
        )

    def _part(
        self, row: ColumnElement[Any], conditions: Conditions, span: Span, *, missing: bool
    ) -> Select[Any]:
        bounds: list[ColumnElement[bool]] = []
        if span.after is not None:
            bounds += self._bound(missing, span.after, forward=True)
        if span.before is not None:
            bounds += self._bound(missing, span.before, forward=False)
        sort = null() if self.sort is None else self.sort
        part: Any = (
            select(
                row.label("row"),
                literal_column("1" if missing else "0", Integer).label("missing"),
                sort.label("sort"),
                self.key.label("sort_key"),
            )
            .where(*conditions, *self._range(missing), *bounds)
            .order_by(*self._sorted(backward=span.backward))
        )
        return part

    def _merge_order(self, columns: Any, backward: bool) -> list[ColumnElement[Any]]:
        down = self.descending != backward
        inner = [columns.sort, columns.sort_key]
        return [
            columns.missing.desc() if backward else columns.missing.asc(),
            *(item.desc() if down else item.asc() for item in inner),
        ]

    def order_of(self, window: Any, *, backward: bool) -> list[ColumnElement[Any]]:
        """The ORDER BY of a statement that joins to a window's subquery."""
        return self._merge_order(window.c, backward)


def window_of(
    row: ColumnElement[Any],
    sources: partial[Sources],
    ordering: Ordering,
    span: Span,
    *,
    distinct: bool = False,
) -> Select[Any]:
    """The window of an ordering over sources that are yet to be built."""
    return ordering.window(row, sources(), span, distinct=distinct)


def _beyond(row: Any, value: Any, upward: bool, inclusive: bool) -> ColumnElement[bool]:
    if upward:
        return row >= value if inclusive else row > value
    return row <= value if inclusive else row < value
