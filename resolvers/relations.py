"""Relations that several nouns have: the entities mentioned, the episodes of, the items similar to."""

from collections.abc import Sequence
from typing import Any, Protocol

from backends.records import Fields, Kind, Page, PageRequest, Record, SearchFilter
from loaders.base import Paged
from loaders.entity import Mentioned
from loaders.episode import EpisodesOf
from loaders.search import Similar
from resolvers.arguments import given, listed
from resolvers.connections import Connection, Slice, connect_each, wants_items
from resolvers.context import Info
from resolvers.listing import BY_KEY, BY_NAME, BY_OCCURRED_AT, Listing, Paging, check_size
from resolvers.readers import READERS


class Keyed(Protocol):
    """Any record."""

    @property
    def key(self) -> str:
        """The owning store's own identifier."""
        ...


async def entities_mentioned(
    info: Info, kind: Kind, parents: Sequence[Keyed], types: Any, paging: Paging
) -> list[Any]:
    """The entities that things of a kind mention."""
    loaders = info.context.loaders.entity
    asked = Mentioned(kind, listed(types))

    async def load(keys: Sequence[str], page: PageRequest, fields: Fields) -> list[Page[Any]]:
        return await loaders.mentioned.load_all(keys, Paged(asked, page), fields)

    async def count(keys: Sequence[str]) -> list[int]:
        return await loaders.count_mentioned.load_all(keys, asked)

    listing = Listing(f"{kind.value}.entities", BY_NAME, (asked.types,))
    keys = [parent.key for parent in parents]
    return await connect_each(info, listing, keys, paging, READERS[Kind.ENTITY], load, count)


async def episodes_of(
    info: Info, kind: Kind, parents: Sequence[Keyed], paging: Paging
) -> list[Any]:
    """The episodes that belong to things of a kind."""
    loaders = info.context.loaders.episode
    asked = EpisodesOf(kind, info.context.moment(info).known_at)

    async def load(keys: Sequence[str], page: PageRequest, fields: Fields) -> list[Page[Any]]:
        return await loaders.of.load_all(keys, Paged(asked, page), fields)

    async def count(keys: Sequence[str]) -> list[int]:
        return await loaders.count_of.load_all(keys, asked)

    listing = Listing(f"{kind.value}.episodes", BY_OCCURRED_AT)
    keys = [parent.key for parent in parents]
    return await connect_each(info, listing, keys, paging, READERS[Kind.EPISODE], load, count)


async def similar_to(
    info: Info,
    kind: Kind,
    parents: Sequence[Keyed],
    first: Any,
    min_score: Any,
    where: SearchFilter,
) -> list[Any]:
    """The items of the same kind nearest to each: one page, without a count."""
    context = info.context
    size = given(first, 10)
    check_size("first", size, context.limits)
    keys = [parent.key for parent in parents]
    asked = Similar(kind, where, size, given(min_score, None))
    hits = await context.loaders.search.similar.load_all(keys, asked) if wants_items(info) else []
    listing = Listing(f"{kind.value}.similar", BY_KEY, (asked,))
    found: dict[str, Record] = {}
    if wants_items(info):
        fields = READERS[kind].page_fields(info, listing.sorting)
        wanted = list(dict.fromkeys(hit.key for each in hits for hit in each))
        known_at = context.moment(info).known_at
        loaded = await context.loaders.records(kind, wanted, known_at, fields)
        found = {record.key: record for record in loaded if record}
    connections: list[Connection[Any]] = []
    for place, key in enumerate(keys):
        present = [hit for hit in (hits[place] if hits else ()) if hit.key in found]
        page = Page([found[hit.key] for hit in present], has_next=False, has_previous=False)
        scores = [hit.score for hit in present]
        connections.append(Connection(slice=Slice(page, listing, key, scores=scores)))
    return connections
