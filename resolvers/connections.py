"""Connections: pages of lists, Relay style, with `nodes` for short queries."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

import msgspec
import strawberry

from backends.records import Fields, Page, PageRequest
from resolvers.batched import batched
from resolvers.context import Info
from resolvers.errors import InputError
from resolvers.listing import Listing, Paging
from resolvers.readers import Reader
from resolvers.selection import selected

T = TypeVar("T")

Counter = Callable[[Sequence[Any]], Awaitable[Sequence[int]]]
"""Counts lists by their parents."""


class Slice(msgspec.Struct, frozen=True, eq=False):
    """A page as its connection holds it."""

    page: Page[Any]
    listing: Listing
    parent: str | None = None
    counter: Counter | None = None
    scores: Sequence[float] | None = None

    def cursor(self, record: Any) -> str:
        """The cursor of one of its records."""
        return self.listing.cursor(self.parent, record)

    def page_info(self) -> "PageInfo":
        """The page's PageInfo; cursors are made when they are selected."""
        items = self.page.items
        return PageInfo(
            has_next=bool(self.page.has_next),
            has_previous=bool(self.page.has_previous),
            start=lambda: self.cursor(items[0]) if items else None,
            end=lambda: self.cursor(items[-1]) if items else None,
        )


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next: strawberry.Private[bool]
    has_previous: strawberry.Private[bool]
    start: strawberry.Private[Callable[[], str | None]]
    end: strawberry.Private[Callable[[], str | None]]

    @strawberry.field(description="Whether anything follows the page; computed only when selected.")
    def has_next_page(self) -> bool:
        return self.has_next

    @strawberry.field(
        description="Whether anything precedes the page; computed only when selected."
    )
    def has_previous_page(self) -> bool:
        return self.has_previous

    @strawberry.field(description="The cursor of the first item; null on an empty page.")
    def start_cursor(self) -> str | None:
        return self.start()

    @strawberry.field(description="The cursor of the last item; null on an empty page.")
    def end_cursor(self) -> str | None:
        return self.end()


@strawberry.type(description="An item of a list, with its place there.")
class Edge(Generic[T]):
    slice: strawberry.Private[Slice]
    node: T = strawberry.field(description="The item.")
    score: float | None = strawberry.field(
        description="Cosine similarity, −1 to 1, in `similar`; null in other lists."
    )

    @strawberry.field(description="Opaque: the item's place, for `after` and `before`.")
    def cursor(self) -> str:
        return self.slice.cursor(self.node)


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    slice: strawberry.Private[Slice]

    @strawberry.field(description="The items with their cursors.")
    def edges(self) -> list[Edge[T]]:
        items = self.slice.page.items
        scores = self.slice.scores or [None] * len(items)
        return [
            Edge(slice=self.slice, node=record, score=score)
            for record, score in zip(items, scores, strict=True)
        ]

    @strawberry.field(description="The items alone.")
    def nodes(self) -> list[T]:
        return cast("list[T]", self.slice.page.items)

    @strawberry.field(description="Where the page stands in the list.")
    def page_info(self) -> PageInfo:
        return self.slice.page_info()

    @strawberry.field(
        description="How many items the list has without paging; computed only when selected."
    )
    @batched
    @staticmethod
    async def total_count(parents: list[Any], info: Info) -> list[int | None]:
        return await total_counts([parent.slice for parent in parents])


async def total_counts(slices: Sequence[Slice]) -> list[int | None]:
    """The length of each list; one count for all that stem from the same field."""
    totals: dict[int, int | None] = {}
    grouped: dict[Counter, list[Slice]] = {}
    for piece in slices:
        if piece.counter is not None:
            grouped.setdefault(piece.counter, []).append(piece)
    for counter, group in grouped.items():
        counts = await counter([piece.parent for piece in group])
        totals |= {id(piece): count for piece, count in zip(group, counts, strict=True)}
    return [totals.get(id(piece)) for piece in slices]


def wants_items(info: Info) -> bool:
    """Whether a connection field's selection needs its page at all."""
    return bool(selected(info) & {"nodes", "edges", "pageInfo"})


def wants_ends(info: Info) -> bool:
    """Whether a connection field's selection asks what lies beyond the page."""
    return bool(selected(info, ("pageInfo",)) & {"hasNextPage", "hasPreviousPage"})


async def connect(
    info: Info,
    listing: Listing,
    paging: Paging,
    reader: Reader,
    load: Callable[[PageRequest, Fields], Awaitable[Page[Any]]],
    count: Callable[[], Awaitable[int]],
) -> Connection[Any]:
    """A connection of a list that has no parent."""
    request = listing.request(paging, None, info.context.limits, ends=wants_ends(info))
    page: Page[Any] = Page(())
    if wants_items(info):
        page = await load(request, reader.page_fields(info, listing.sorting))

    async def counter(parents: Sequence[None]) -> list[int]:
        return [await count()] * len(parents)

    return Connection(slice=Slice(page, listing, None, counter))


async def connect_each(
    info: Info,
    listing: Listing,
    keys: Sequence[str],
    paging: Paging,
    reader: Reader,
    load: Callable[[Sequence[str], PageRequest, Fields], Awaitable[Sequence[Page[Any]]]],
    counter: Counter,
) -> list[Any]:
    """A connection for each parent: one call for the pages of all, one for their counts if selected."""
    ends, limits = wants_ends(info), info.context.limits
    requests: dict[str, PageRequest | InputError] = {}
    for key in dict.fromkeys(keys):
        try:
            requests[key] = listing.request(paging, key, limits, ends=ends)
        except InputError as error:  # a cursor names one parent; the others' fields fail
            requests[key] = error
    asked: dict[PageRequest, list[str]] = {}
    for key, request in requests.items():
        if isinstance(request, PageRequest):
            asked.setdefault(request, []).append(key)
    pages: dict[str, Page[Any]] = {}
    for request, group in asked.items():
        loaded: Sequence[Page[Any]] = [Page(())] * len(group)
        if wants_items(info):
            loaded = await load(group, request, reader.page_fields(info, listing.sorting))
        pages |= dict(zip(group, loaded, strict=True))

    def result(key: str) -> Any:
        request = requests[key]
        if isinstance(request, InputError):
            return request
        connection: Connection[Any] = Connection(slice=Slice(pages[key], listing, key, counter))
        return connection

    return [result(key) for key in keys]


def present(pages: Sequence[Page[str]], found: Mapping[str, Any]) -> list[Page[Any]]:
    """Pages of keys as pages of records; a key whose record is gone is left out."""
    return [
        msgspec.structs.replace(
            page, items=[found[key] for key in page.items if found.get(key) is not None]
        )
        for page in pages
    ]
