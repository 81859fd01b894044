"""Total orders of what an index holds, and the ranges of the index between two places of a list.

A list is ordered by one property and the key, or by the key alone.  Where a time may be missing, a
number stands for it that is larger than any (`MISSING`): a list going up is then one range of the index,
and one going down is two, those with a time and then those without.  A place cuts a range in two,
because an index is sought by one comparison: those that tie with its first value, and those beyond.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from backends.neo4j.values import MISSING, order_of
from backends.records import Position


class Bound(msgspec.Struct, frozen=True):
    """A place in a list: Cypher for its values, and how it compares with another."""

    sort: str
    key: str
    place: tuple[Any, ...] = ()
    missing: bool = False

    @classmethod
    def at(cls, name: str, position: Position) -> "Bound":
        """A place that is given by parameters, `$<name>Sort` and `$<name>Key`."""
        return cls(
            f"${name}Sort",
            f"${name}Key",
            tuple(order_of(value) for value in position),
            position[0] is None,
        )


class Ordering(msgspec.Struct, frozen=True):
    """A total order of what an index holds: `sort` (unless the key alone orders), then `key`.

    `lead` are the properties before them, each held equal to something.  `missing` says that a stand-in
    may stand in `sort`.  All of them Cypher, such as `f.keyOrder`.
    """

    lead: tuple[str, ...]
    key: str
    sort: str | None = None
    missing: bool = False
    descending: bool = False

    @property
    def properties(self) -> str:
        """The properties of the index, as a planner's hint takes them."""
        columns = [*self.lead, *([] if self.sort is None else [self.sort]), self.key]
        return ", ".join(column.partition(".")[2] for column in columns)

    def turned(self, *, descending: bool) -> "Ordering":
        """The same order, or the reverse of it but for missing values, which come last."""
        return msgspec.structs.replace(self, descending=descending)

    def ranges(
        self, after: Bound | None, before: Bound | None, *, inclusive: bool = False
    ) -> list[str]:
        """Conditions, one for each range of the index between two places of the list."""
        low, high = (before, after) if self.descending else (after, before)
        if not (self.descending and self.missing):
            return self._between(low, high, inclusive)
        # Going down: with a time, then, from the largest key again, without one.
        return [
            *(
                []
                if after and after.missing
                else self._between(None if low and low.missing else low, high, inclusive, MISSING)
            ),
            *(
                []
                if before and not before.missing
                else self._tied(
                    str(MISSING),
                    low if low and low.missing else None,
                    high if high and high.missing else None,
                    inclusive,
                )
            ),
        ]

    def _between(
        self, low: Bound | None, high: Bound | None, inclusive: bool, ceiling: int | None = None
    ) -> list[str]:
        if low and high and low.place and low.place >= high.place:
            return []
        if self.sort is None:
            return [_joined(self._keys(low, high, inclusive))]
        if low and high and low.place[0] == high.place[0]:
            return self._tied(low.sort, low, high, inclusive)
        beyond = [
            *([f"{self.sort} > {low.sort}"] if low else []),
            *([f"{self.sort} < {high.sort}"] if high else []),
            *([f"{self.sort} < {ceiling}"] if ceiling is not None and not high else []),
        ]
        return [
            *(self._tied(low.sort, low, None, inclusive) if low else []),
            _joined([*(beyond or [f"{self.sort} IS NOT NULL"]), f"{self.key} IS NOT NULL"]),
            *(self._tied(high.sort, None, high, inclusive) if high else []),
        ]

    def _tied(self, sort: str, low: Bound | None, high: Bound | None, inclusive: bool) -> list[str]:
        return [_joined([f"{self.sort} = {sort}", *self._keys(low, high, inclusive)])]

    def _keys(self, low: Bound | None, high: Bound | None, inclusive: bool) -> list[str]:
        equal = "=" if inclusive else ""
        bounds = [
            *([f"{self.key} >{equal} {low.key}"] if low else []),
            *([f"{self.key} <{equal} {high.key}"] if high else []),
        ]
        return bounds or [f"{self.key} IS NOT NULL"]

    def walked(self, *, backward: bool) -> str:
        """The ORDER BY of a range: the order of the index itself."""
        sort = [] if self.sort is None else [self.sort]
        way = " DESC" if self.descending != backward else ""
        return ", ".join(f"{column}{way}" for column in (*self.lead, *sort, self.key))

    def merged(self, *, backward: bool) -> str:
        """The ORDER BY of several ranges' rows, whose columns are `sort` and `key`."""
        way = " DESC" if self.descending != backward else ""
        split = self.descending and self.missing
        return ", ".join(
            [
                *([f"sort = {MISSING}{' DESC' if backward else ''}"] if split else []),
                *([f"sort{way}"] if self.sort is not None else []),
                f"key{way}",
            ]
        )


def _joined(conditions: Sequence[str]) -> str:
    return " AND ".join(conditions)
