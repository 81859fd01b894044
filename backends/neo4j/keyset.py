"""Keyset pages in Cypher: a few limited ranges of an index, merged.

    CALL (parent) { MATCH tie … LIMIT n  UNION ALL  MATCH beyond … LIMIT n }  ORDER BY … LIMIT n

A part names every property of its index in its ORDER BY, so that the index's own order is taken and
the walk ends at the limit.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from backends.neo4j.ordering import Bound, Ordering
from backends.records import PageRequest


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
            return f"{found} WHERE {' AND '.join(self.where)} {self.then} WITH * WHERE {span}"
        return f"{found} WHERE {' AND '.join([*self.where, span])} {self.then}"


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
