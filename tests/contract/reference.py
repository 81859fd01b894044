"""The naive reference: what an order, a page and a graph are, in plain Python over every record."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from backends.moment import heard_of, holds
from backends.records import Direction, Edges, Fact, Moment, Page, PageRequest, Position

SORT_LENGTH = 200
"""Characters of a name or title that lists compare (semantics.md, Order)."""

Fetch = Callable[[PageRequest], Awaitable[Page[Any]]]

SIZES = (0, 1, 3, 100)
PLACES = 8
"""How many places of a list pages are asked at."""

SHAPES: dict[str, Callable[[int, Position, Position], PageRequest]] = {
    "first": lambda size, early, late: PageRequest(first=size, ends=True),
    "first after": lambda size, early, late: PageRequest(first=size, after=early, ends=True),
    "last": lambda size, early, late: PageRequest(last=size, ends=True),
    "last before": lambda size, early, late: PageRequest(last=size, before=late, ends=True),
    "last after": lambda size, early, late: PageRequest(last=size, after=early, ends=True),
    "last between": lambda size, early, late: PageRequest(
        last=size, after=early, before=late, ends=True
    ),
}
"""Every sort of page that can be asked for."""


def position(record: Any, by: str | None) -> Position:
    """A record's place in the list ordered by an attribute, or by key."""
    if by is None:
        return (record.key,)
    value = getattr(record, by)
    return (value[:SORT_LENGTH] if isinstance(value, str) else value, record.key)


def in_order(positions: Iterable[Position], *, descending: bool = False) -> list[Position]:
    """Positions in list order: missing values last whichever way, ties by key in the same direction."""
    line = list(positions)
    present = [each for each in line if each[0] is not None]
    missing = [each for each in line if each[0] is None]
    return sorted(present, reverse=descending) + sorted(
        missing, key=lambda each: each[-1], reverse=descending
    )


def keys_in_order(records: Iterable[Any], by: str | None, *, descending: bool = False) -> list[str]:
    """The keys of a whole list."""
    placed = in_order((position(each, by) for each in records), descending=descending)
    return [each[-1] for each in placed]


def expected(line: Sequence[Position], request: PageRequest, *, descending: bool) -> Page[str]:
    """The page of a list, as keys."""
    start, stop = 0, len(line)
    if request.after is not None:
        start = _before(line, request.after, descending) + (request.after in line)
    if request.before is not None:
        stop = _before(line, request.before, descending)
    if request.first is not None:
        low, high = start, min(start + request.first, stop)
    else:
        low, high = max(start, stop - (request.last or 0)), stop
    keys = [each[-1] for each in line[low:high]]
    return Page(keys, has_next=high < len(line), has_previous=low > 0)


def _before(line: Sequence[Position], place: Position, descending: bool) -> int:
    """How many positions of the list stand before a place, which need not be one of them."""
    return in_order({*line, place}, descending=descending).index(place)


async def check_pages(
    shape: str,
    fetch: Fetch,
    records: Iterable[Any],
    by: str | None = None,
    *,
    descending: bool = False,
) -> None:
    """Compare pages of one shape, at many places and of many sizes, with the reference."""
    line = in_order((position(each, by) for each in records), descending=descending)
    assert len(line) >= 5, "too short a list to tell pages apart"
    for number in range(0, len(line) - 1, -(-len(line) // PLACES)):
        early = line[number]
        late = line[(number + len(line)) // 2 + 1] if number + 2 < len(line) else line[-1]
        for size in SIZES:
            request = SHAPES[shape](size, early, late)
            page = await fetch(request)
            wanted = expected(line, request, descending=descending)
            assert keys_of(page) == wanted.items, request
            assert (page.has_previous, page.has_next) == (
                wanted.has_previous,
                wanted.has_next,
            ), request
        if shape in ("first", "last"):
            return


async def walk(fetch: Fetch, by: str | None, size: int, *, backward: bool) -> list[str]:
    """Every key of a list, page after page, in the order of the list."""
    keys: list[str] = []
    cursor: Position | None = None
    while True:
        request = (
            PageRequest(last=size, before=cursor, ends=True)
            if backward
            else PageRequest(first=size, after=cursor, ends=True)
        )
        page = await fetch(request)
        found = keys_of(page)
        keys = found + keys if backward else keys + found
        assert len(keys) <= 1_000, "the walk does not end"
        if not (page.has_previous if backward else page.has_next):
            return keys
        assert page.items, "the list goes on behind an empty page"
        edge = page.items[0] if backward else page.items[-1]
        cursor = (edge,) if isinstance(edge, str) else position(edge, by)


def keys_of(page: Page[Any]) -> list[str]:
    """The keys of a page's items."""
    return [each if isinstance(each, str) else each.key for each in page.items]


# The graph


def shown(facts: Iterable[Fact], edges: Edges, at: Moment) -> list[Fact]:
    """The facts that a question about edges may follow, in fact order."""
    chosen = [
        fact
        for fact in facts
        if (edges.predicates is None or fact.predicate in edges.predicates)
        and (
            heard_of(fact.recorded_at, at.known_at)
            if edges.include_invalidated
            else holds(fact, at)
        )
    ]
    placed = {position(fact, "valid_from"): fact for fact in chosen}
    return [placed[each] for each in in_order(placed)]


def facts_about(facts: Iterable[Fact], key: str, direction: Direction) -> list[Fact]:
    """The facts about an entity, those about itself once."""
    return [
        fact
        for fact in facts
        if (direction is not Direction.IN and fact.subject_key == key)
        or (direction is not Direction.OUT and fact.object_key == key)
    ]


def others_of(facts: Iterable[Fact], key: str, direction: Direction) -> list[str]:
    """The other entities that facts join to one."""
    ends = {
        end
        for fact in facts_about(facts, key, direction)
        for end in (fact.subject_key, fact.object_key)
    }
    return sorted(ends - {key})


def facts_between(facts: Iterable[Fact], near: str, far: str, direction: Direction) -> list[Fact]:
    """The facts that join two entities, the direction seen from the first."""
    return [
        fact
        for fact in facts
        if (direction is not Direction.IN and (fact.subject_key, fact.object_key) == (near, far))
        or (direction is not Direction.OUT and (fact.subject_key, fact.object_key) == (far, near))
    ]
