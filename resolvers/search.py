"""Search over all kinds, and why each result is there."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, cast

import msgspec
import strawberry
from strawberry import UNSET

from backends import records
from backends.errors import StoreError
from backends.fusion import Match, Result
from backends.records import Kind, Method, Moment, Record
from loaders.search import Answer, Degraded, Question
from resolvers.arguments import After, KnownAt, ValidAt, given, listed
from resolvers.chunk import Chunk
from resolvers.connections import PageInfo
from resolvers.context import Info
from resolvers.document import Document
from resolvers.entity import Entity
from resolvers.episode import Episode
from resolvers.errors import InputError
from resolvers.fact import Fact
from resolvers.ids import keys_of
from resolvers.inputs import DateTimeRange, MetadataMatch, metadata_matches, time_range
from resolvers.listing import Listing, Sorting, check_size
from resolvers.opaque import pack, pack_instant, unpack, unpack_instant
from resolvers.readers import READERS
from resolvers.scalars import described
from resolvers.selection import selected

described(
    Kind,
    name="MemoryKind",
    description="The kinds of thing that a memory holds.",
    values={
        "CHUNK": "Pieces of documents, by their text.",
        "DOCUMENT": "Documents, by title and text.",
        "ENTITY": "Entities, by name and summary.",
        "EPISODE": "Episodes, by name and content.",
        "FACT": "Facts, by statement; without one, by subject, predicate and object.",
    },
)
described(
    Method,
    name="SearchMethod",
    description="How a result was found.",
    values={
        "VECTOR": "By cosine similarity of embeddings.",
        "KEYWORD": "By words, stemmed; more and rarer words score higher.",
    },
)

Memory = Annotated[
    Chunk | Document | Entity | Episode | Fact,
    strawberry.union("Memory", description="Anything that a memory holds and search finds."),
]


@strawberry.enum(description="Which methods a search asks.")
class SearchMode(Enum):
    HYBRID = strawberry.enum_value("HYBRID", description="Both, fused by reciprocal rank.")
    VECTOR = strawberry.enum_value("VECTOR", description="Embeddings only.")
    KEYWORD = strawberry.enum_value("KEYWORD", description="Words only.")


_METHODS = {
    SearchMode.HYBRID: (Method.VECTOR, Method.KEYWORD),
    SearchMode.VECTOR: (Method.VECTOR,),
    SearchMode.KEYWORD: (Method.KEYWORD,),
}


@strawberry.input(
    description="Which results; its fields are joined by AND, and a kind without the property is left out."
)
class SearchFilter:
    sources: list[str] | None = strawberry.field(
        default=UNSET,
        description="Chunks, documents and episodes from one of these sources (a chunk's is its document's).",
    )
    documents: list[strawberry.ID] | None = strawberry.field(
        default=UNSET,
        description="Chunks, documents and episodes of one of these documents, by id.",
    )
    entity_types: list[str] | None = strawberry.field(
        default=UNSET, description="Entities of one of these types."
    )
    created_at: DateTimeRange | None = strawberry.field(
        default=UNSET, description="Documents and entities created in this range."
    )
    metadata: list[MetadataMatch] | None = strawberry.field(
        default=UNSET,
        description="Chunks, documents and episodes whose metadata meets all of these.",
    )


@strawberry.type(
    description="Why a result is here: one line for each store and method that found it."
)
class SearchMatch:
    store: str = strawberry.field(description="The store that found it.")
    method: Method = strawberry.field(description="How.")
    rank: int = strawberry.field(description="Its rank there, from 1.")
    score: float | None = strawberry.field(
        description="Its score there: cosine similarity, or the engine's own for words. Higher is better."
    )


@strawberry.type(
    description="A part of a search that failed or was late; without a method: the records that it found could not be fetched."
)
class DegradedLeg:
    store: str = strawberry.field(description="The store that failed.")
    kind: Kind = strawberry.field(description="The kind that is missing.")
    method: Method | None = strawberry.field(description="The method that is missing.")
    code: str = strawberry.field(description="What went wrong, as an error code.")
    message: str = strawberry.field(description="What went wrong, in words.")


class Found(msgspec.Struct, frozen=True, eq=False):
    """One page of a search: results with their records, and what stands around it."""

    listing: Listing
    moment: Moment
    offset: int
    size: int
    total: int
    items: Sequence[tuple[Result, Record | None]]
    degraded: Sequence[Degraded]

    def cursor(self, place: int) -> str:
        """The cursor of the result at a place of the page: what stands before what follows."""
        times = [pack_instant(self.moment.valid_at), pack_instant(self.moment.known_at)]
        return pack([self.listing.mark(None), self.offset + place + 1, *times])


@strawberry.type(description="A result, with its score and why it is here.")
class SearchEdge:
    found: strawberry.Private[Found]
    place: strawberry.Private[int]

    @strawberry.field(description="Opaque: the result's place, for `after`.")
    def cursor(self) -> str:
        return self.found.cursor(self.place)

    @strawberry.field(description="The result.")
    def node(self) -> Memory:
        return cast("Any", self.found.items[self.place][1])

    @strawberry.field(
        description="The fused score, Σ weight / (60 + rank): comparable within one search."
    )
    def score(self) -> float:
        return self.found.items[self.place][0].score

    @strawberry.field(description="Each leg that found it, with its own rank and score.")
    def matches(self) -> list[SearchMatch]:
        return [_match(match) for match in self.found.items[self.place][0].matches]


@strawberry.type(description="A page of results, best first.")
class SearchConnection:
    found: strawberry.Private[Found]

    @strawberry.field(description="The results with their scores and matches.")
    def edges(self) -> list[SearchEdge]:
        return [SearchEdge(found=self.found, place=i) for i in range(len(self.found.items))]

    @strawberry.field(description="The results alone.")
    def nodes(self) -> list[Memory]:
        return cast("list[Any]", [record for _, record in self.found.items])

    @strawberry.field(description="Where the page stands among the results.")
    def page_info(self) -> PageInfo:
        found = self.found
        count = len(found.items)
        return PageInfo(
            has_next=found.offset + found.size < found.total,
            has_previous=found.offset > 0,
            start=lambda: found.cursor(0) if count else None,
            end=lambda: found.cursor(count - 1) if count else None,
        )

    @strawberry.field(description="What is missing: legs that failed, and kinds not fetched.")
    def degraded(self) -> list[DegradedLeg]:
        return [_degraded(leg) for leg in self.found.degraded]


@strawberry.type
class SearchRoot:
    @strawberry.field(
        description=(
            "What the memory holds about some words: every kind by every method at the same time, "
            "filtered and at the moment, fused by reciprocal rank."
        )
    )
    async def search(
        self,
        info: Info,
        query: Annotated[
            str,
            strawberry.argument(description="Plain words, no operators; any of them may match."),
        ],
        kinds: Annotated[
            list[Kind] | None,
            strawberry.argument(
                description="Only these kinds; all five unless said, none for `[]`."
            ),
        ] = UNSET,
        mode: Annotated[
            SearchMode | None, strawberry.argument(description="Which methods to ask.")
        ] = SearchMode.HYBRID,
        filter: Annotated[
            SearchFilter | None, strawberry.argument(description="Which results; all unless said.")
        ] = UNSET,
        valid_at: ValidAt = UNSET,
        known_at: KnownAt = UNSET,
        first: Annotated[
            int | None,
            strawberry.argument(description="The first so many: 10 unless said, at most 200."),
        ] = 10,
        after: After = UNSET,
    ) -> SearchConnection | None:
        context = info.context
        size = given(first, 10)
        check_size("first", size, context.limits)
        moment = context.moments.moment(context.enter(info, valid_at, known_at))
        asked = _question(query, kinds, mode, filter, moment, context.limits.longest_query)
        listing = Listing(
            "search", Sorting(), (asked.query, asked.kinds, asked.methods, asked.where)
        )
        offset = 0
        if (cursor := given(after, None)) is not None:
            offset, moment = _resume(listing, cursor)
            asked = msgspec.structs.replace(asked, moment=moment)
        answer = await context.loaders.search.answers.load_one(asked)
        items, lost = await _records(info, answer, offset, size, moment.known_at)
        degraded = [*answer.degraded, *lost]
        found = Found(listing, moment, offset, size, len(answer.results), items, degraded)
        return SearchConnection(found=found)


def _question(
    query: str,
    kinds: Any,
    mode: Any,
    filter: SearchFilter | None,
    moment: Moment,
    longest: int,
) -> Question:
    if not query.strip():
        raise InputError("query is empty; give at least one word")
    if len(query) > longest:
        raise InputError(f"query has {len(query):,} characters; at most {longest:,} are allowed")
    asked = listed(kinds)
    return Question(
        query=query,
        kinds=tuple(kind for kind in Kind if asked is None or kind in asked),
        methods=_METHODS[given(mode, SearchMode.HYBRID)],
        where=_where(filter),
        moment=moment,
    )


def _resume(listing: Listing, cursor: str) -> tuple[int, Moment]:
    """Where a later page starts, and the moment of the first one."""
    try:
        mark, offset, *times = unpack(cursor)
        valid_at, known_at = (unpack_instant(each) for each in times)
        if mark != listing.mark(None) or type(offset) is not int or offset < 0:
            raise ValueError("another search")
        if valid_at is None or known_at is None:
            raise ValueError("another search")
    except ValueError as error:
        raise InputError(
            f"cursor {cursor[:80]!r} is not one of this search; use one that the same query, kinds, "
            "mode and filter gave"
        ) from error
    return offset, Moment(valid_at, known_at)


async def _records(
    info: Info, answer: Answer, offset: int, size: int, known_at: datetime
) -> tuple[list[tuple[Result, Record | None]], list[Degraded]]:
    """The results of a page with their records, one call a kind; those of a kind that fails are left out."""
    page = answer.results[offset : offset + size]
    if not selected(info) & {"nodes"} and "node" not in selected(info, ("edges",)):
        return [(result, None) for result in page], []
    wanted: dict[Kind, list[str]] = {}
    for result in page:
        wanted.setdefault(result.kind, []).append(result.key)
    paths = (("nodes",), ("edges", "node"))
    loaded = await asyncio.gather(
        *(
            info.context.loaders.records(kind, keys, known_at, READERS[kind].fields(info, *paths))
            for kind, keys in wanted.items()
        ),
        return_exceptions=True,
    )
    found: dict[tuple[Kind, str], Record] = {}
    lost: list[Degraded] = []
    for (kind, keys), values in zip(wanted.items(), loaded, strict=True):
        if isinstance(values, StoreError):
            lost.append(Degraded(values.store, kind, None, values.code, str(values)))
        elif isinstance(values, BaseException):
            raise values
        else:
            pairs = zip(keys, values, strict=True)
            found |= {(kind, key): record for key, record in pairs if record is not None}
    kept = [(result, found.get((result.kind, result.key))) for result in page]
    return [(result, record) for result, record in kept if record is not None], lost


def _where(value: SearchFilter | None) -> records.SearchFilter:
    if not value:
        return records.SearchFilter()
    documents = listed(value.documents)
    return records.SearchFilter(
        sources=listed(value.sources),
        documents=None if documents is None else keys_of(documents, Kind.DOCUMENT),
        entity_types=listed(value.entity_types),
        created_at=time_range("createdAt", value.created_at),
        metadata=metadata_matches(value.metadata),
    )


def _match(match: Match) -> SearchMatch:
    return SearchMatch(store=match.store, method=match.method, rank=match.rank, score=match.score)


def _degraded(leg: Degraded) -> DegradedLeg:
    return DegradedLeg(
        store=leg.store, kind=leg.kind, method=leg.method, code=leg.code, message=leg.message
    )
