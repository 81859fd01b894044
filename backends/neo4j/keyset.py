"""Keyset pages in Cypher: a few limited ranges of an index, merged.

A list is ordered by one property and the key, or by the key alone.  Where a time may be missing, a
number stands for it that is larger than any (`MISSING`), so that a list going up is one range of the index and
a list going down two: those with a time, then those without.  A cursor cuts a range in two, because
an index is sought by one comparison: those that tie with its first value, and those beyond.

    CALL (parent) { MATCH tie … LIMIT n  UNION ALL  MATCH beyond … LIMIT n }  ORDER BY … LIMIT n

A part names every property of its index in its ORDER BY, so that the index's own order is taken and
the walk ends at the limit.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from backends.neo4j.values import MISSING, order_of
from backends.records import Page, PageRequest, Position

T = TypeVar("T")


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


class Source(msgspec.Struct, frozen=True):
    """Rows of one sort: a pattern, the index that it is sought by, and what its rows must meet.

    `index` is written as a planner's hint takes it.  `item` is Cypher for what a row gives, `carried` the
    variables that this and the ordering need.
    """

    match: str
    index: str
    where: tuple[str, ...]
    ordering: Ordering
    item: str
    carried: str
    then: str = ""
    """More to match for each row, in a subquery that keeps their order."""
    few: bool = False
    """Whether the rows are not in the ordering's order, and what `then` matches is to be sorted."""

    def selected(self, span: str) -> str:
        """The rows of one range."""
        found = f"MATCH {self.match} USING INDEX {self.index}"
        if self.few:
            return f"{found} WHERE {_joined(self.where)} {self.then} WITH * WHERE {span}"
        return f"{found} WHERE {_joined([*self.where, span])} {self.then}"


def window(sources: Sequence[Source], page: PageRequest, *, distinct: bool = False) -> str:
    """Cypher that gives `item`, `sort` and `key` of a page's rows, and of one more where the page is to know
    its ends.  It may name `parent`; parameters are those of `parameters_of`.

    No row may be in two sources unless `distinct` gives items that repeat once.
    """
    after, before = bounds_of(page)
    parts = [
        _part(source, span, page, distinct=distinct)
        for source in sources
        for span in source.ordering.ranges(after, before)
    ]
    if not parts:
        return "UNWIND [] AS item WITH item, null AS sort, null AS key"
    order = sources[0].ordering.merged(backward=page.backward)
    once = "DISTINCT " if distinct else ""
    return (
        f"CALL (*) {{ {' UNION ALL '.join(parts)} }} "
        f"WITH {once}item, sort, key ORDER BY {order} LIMIT $limit"
    )


def _part(source: Source, span: str, page: PageRequest, *, distinct: bool) -> str:
    ordering = source.ordering
    walked = ordering.walked(backward=page.backward)
    columns = f"{source.item} AS item, {ordering.sort or 'null'} AS sort, {ordering.key} AS key"
    if distinct:
        chosen = f"WITH {source.carried} ORDER BY {walked} WITH DISTINCT {columns} LIMIT $limit"
        return f"{source.selected(span)} {chosen} RETURN item, sort, key"
    chosen = f"WITH {source.carried} ORDER BY {walked} LIMIT $limit"
    return f"{source.selected(span)} {chosen} RETURN {columns}"


def outside(sources: Sequence[Source], page: PageRequest) -> str | None:
    """Cypher that gives `outside`: whether rows stand at or before a page's `after`, and at or after its
    `before`; `None` where nothing asks."""
    after, before = bounds_of(page)
    if not page.ends or (after is None and before is None):
        return None
    found: list[str] = []
    for name, low, high in (("atAfter", None, after), ("atBefore", before, None)):
        spans = [
            f"{source.selected(span)} RETURN 1 AS one LIMIT 1"
            for source in sources
            for span in source.ordering.ranges(low, high, inclusive=True)
            if low or high
        ]
        if spans:
            inner = f"CALL (*) {{ {' UNION ALL '.join(spans)} }} RETURN count(one) > 0 AS {name}"
        else:
            inner = f"RETURN false AS {name}"
        found.append(f"CALL (*) {{ {inner} }}")
    return f"{' '.join(found)} RETURN [atAfter, atBefore] AS outside"


def counted(sources: Sequence[Source], *, distinct: bool = False) -> str:
    """Cypher that gives `found`, the number of rows; it may name `parent`."""
    parts = [
        f"{source.selected(span)} RETURN {source.item} AS item"
        for source in sources
        for span in source.ordering.ranges(None, None)
    ]
    what = "DISTINCT item" if distinct else "item"
    return f"CALL (*) {{ {' UNION ALL '.join(parts)} }} RETURN count({what}) AS found"


def nearest(source: Source, bound: Bound, *, backward: bool) -> str:
    """Cypher that gives `item`, the first row beyond a place, or before it; nothing where there is none."""
    ordering = source.ordering
    after, before = (None, bound) if backward else (bound, None)
    walked = ordering.walked(backward=backward)
    parts = [
        f"{source.selected(span)} WITH {source.carried} ORDER BY {walked} LIMIT 1 "
        f"RETURN {source.item} AS item, {ordering.sort} AS sort, {ordering.key} AS key"
        for span in ordering.ranges(after, before)
    ]
    merged = ordering.merged(backward=backward)
    return (
        f"CALL (*) {{ {' UNION ALL '.join(parts)} }} "
        f"WITH item, sort, key ORDER BY {merged} LIMIT 1 RETURN item"
    )


def collected(sources: Sequence[Source]) -> str:
    """Cypher that gives `items`, all of them once each; it may name `parent`."""
    parts = [
        f"{source.selected(span)} RETURN {source.item} AS item"
        for source in sources
        for span in source.ordering.ranges(None, None)
    ]
    return f"CALL (*) {{ {' UNION ALL '.join(parts)} }} RETURN collect(DISTINCT item) AS items"


def bounds_of(page: PageRequest) -> tuple[Bound | None, Bound | None]:
    """The places of a page's `after` and `before`."""
    return (
        None if page.after is None else Bound.at("after", page.after),
        None if page.before is None else Bound.at("before", page.before),
    )


def parameters_of(page: PageRequest) -> dict[str, Any]:
    """What a page's Cypher needs."""
    parameters: dict[str, Any] = {"limit": page.limit + (1 if page.ends else 0)}
    for name, bound in zip(("after", "before"), bounds_of(page), strict=True):
        if bound is not None:
            parameters |= {f"{name}Sort": bound.place[0], f"{name}Key": bound.place[-1]}
    return parameters


Outside = tuple[bool, bool]
"""Whether rows stand at or before a page's `after`, and at or after its `before`."""


def page_of(items: Sequence[T], page: PageRequest, found: Outside = (False, False)) -> Page[T]:
    """The page that a window's rows make."""
    more = len(items) > page.limit
    kept = list(items[: page.limit])
    if page.backward:
        kept.reverse()
    if not page.ends:
        return Page(kept)
    before, after = found
    return Page(
        kept,
        has_next=after or (more and not page.backward),
        has_previous=before or (more and page.backward),
    )


def _joined(conditions: Sequence[str]) -> str:
    return " AND ".join(conditions)
