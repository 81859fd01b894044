"""Keyset pages: windows on a total order, missing values last in both directions.

A list is ordered by one column (which may be missing) and the key, or by the key alone.  A window is
made of limited index ranges: present values, then missing ones, for each source of rows

    (present, LIMIT n) UNION ALL (missing, LIMIT n)     …for each source…     ORDER BY … LIMIT n

so that no range is sorted whole.  Going backward everything turns round, and the page is reversed.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    false,
    literal,
    literal_column,
    null,
    or_,
    select,
    tuple_,
    union_all,
)

from backends.records import PageRequest, Position

Conditions = Sequence[ColumnElement[bool]]


class Ordering(msgspec.Struct, frozen=True):
    """A total order of rows: `sort` (unless the key alone orders), then `key`."""

    key: ColumnElement[Any]
    sort: ColumnElement[Any] | None = None
    nullable: bool = False
    descending: bool = False

    def reaches(self, position: Position, *, forward: bool) -> ColumnElement[bool]:
        """Whether a row stands at the position or beyond it."""
        return or_(
            *(
                and_(
                    *self._range(missing),
                    *self._bound(missing, position, forward=forward, inclusive=True),
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
        self, missing: bool, position: Position, *, forward: bool, inclusive: bool = False
    ) -> list[ColumnElement[bool]]:
        """What a row of one range must meet to stand beyond the position."""
        upward = forward != self.descending
        key = literal(position[-1], self.key.type)
        if self.sort is not None and missing != (position[0] is None):
            # Missing values come last: one range lies wholly on one side of the other.
            return [] if missing == forward else [false()]
        if self.sort is None or missing:
            return [_beyond(self.key, key, upward, inclusive)]
        value = tuple_(literal(position[0], self.sort.type), key)
        return [_beyond(tuple_(self.sort, self.key), value, upward, inclusive)]

    def _sorted(self, *, backward: bool) -> list[ColumnElement[Any]]:
        # Of missing values too the whole order: PostgreSQL walks an index only in its own.
        columns = [self.key] if self.sort is None else [self.sort, self.key]
        down = self.descending != backward
        return [item.desc() if down else item.asc() for item in columns]

    def window(
        self,
        row: ColumnElement[Any],
        sources: Sequence[Conditions],
        page: PageRequest,
        *,
        distinct: bool = False,
    ) -> Select[Any]:
        """The rows of a page, in the page's own direction: `row`, then the columns that order it.

        Each source is a conjunction over the same table; no row may pass two of them.  `distinct` gives
        rows that repeat once.
        """
        limit = page.limit + (1 if page.ends else 0)
        parts = [
            self._part(row, conditions, page, missing=missing).limit(limit)
            for conditions in sources
            for missing in self._ranges()
        ]
        if distinct:
            parts = [part.distinct() for part in parts]
        if len(parts) == 1:
            return parts[0]
        merged = union_all(*(select(part.subquery()) for part in parts)).subquery()
        return select(merged).order_by(*self._merge_order(merged.c, page.backward)).limit(limit)

    def _part(
        self, row: ColumnElement[Any], conditions: Conditions, page: PageRequest, *, missing: bool
    ) -> Select[Any]:
        bounds: list[ColumnElement[bool]] = []
        if page.after is not None:
            bounds += self._bound(missing, page.after, forward=True)
        if page.before is not None:
            bounds += self._bound(missing, page.before, forward=False)
        sort = null() if self.sort is None else self.sort
        part: Any = (
            select(
                row.label("row"),
                literal_column("1" if missing else "0", Integer).label("missing"),
                sort.label("sort"),
                self.key.label("sort_key"),
            )
            .where(*conditions, *self._range(missing), *bounds)
            .order_by(*self._sorted(backward=page.backward))
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


def _beyond(row: Any, value: Any, upward: bool, inclusive: bool) -> ColumnElement[bool]:
    if upward:
        return row >= value if inclusive else row > value
    return row <= value if inclusive else row < value
