"""Neighbours: the entities that facts join to another, and those facts."""

from collections.abc import Sequence
from typing import Annotated, Any, cast

import strawberry

from backends import records
from backends.records import Edges, Fields, Kind, Moment, Page, PageRequest
from loaders.base import Paged
from loaders.entity import Neighbors
from loaders.fact import Between
from resolvers.arguments import given
from resolvers.batched import batched
from resolvers.connections import Connection, PageInfo, Slice, connect_each, total_counts
from resolvers.context import Info, Keys
from resolvers.fact import Fact
from resolvers.listing import BY_KEY, Listing, Paging, check_size
from resolvers.nouns import EntityRef
from resolvers.readers import READERS
from resolvers.relations import Keyed


class NeighborSlice(Slice, frozen=True, eq=False, kw_only=True):
    """A page of neighbours, with what joins them."""

    edges: Edges
    moment: Moment


@strawberry.type(description="An entity that facts join to another, and those facts.")
class NeighborEdge:
    slice: strawberry.Private[NeighborSlice]
    record: strawberry.Private[records.Entity]

    @strawberry.field(description="Opaque: the neighbour's place, for `after`.")
    def cursor(self) -> str:
        return self.slice.cursor(self.record)

    @strawberry.field(description="The neighbour.")
    def node(self) -> EntityRef:
        return cast("EntityRef", self.record)

    @strawberry.field(
        description="The first of the facts that join it, by validFrom (missing last), key."
    )
    @batched
    @staticmethod
    async def facts(
        parents: list[Any],
        info: Info,
        first: Annotated[
            int | None, strawberry.argument(description="So many, 0 to 200; 20 unless said.")
        ] = 20,
    ) -> list[list[Fact]]:
        size = given(first, 20)
        check_size("first", size, info.context.limits)
        piece = parents[0].slice
        pairs = [(parent.slice.parent or "", parent.record.key) for parent in parents]
        return cast(
            "list[list[Fact]]",
            await info.context.loaders.fact.between.load_all(
                pairs, Between(piece.edges, piece.moment, size), READERS[Kind.FACT].fields(info)
            ),
        )


@strawberry.type(description="A page of an entity's neighbours, by key.")
class NeighborConnection:
    slice: strawberry.Private[NeighborSlice]

    @strawberry.field(description="The neighbours with their cursors and facts.")
    def edges(self) -> list[NeighborEdge]:
        return [NeighborEdge(slice=self.slice, record=each) for each in self.slice.page.items]

    @strawberry.field(description="The neighbours alone.")
    def nodes(self) -> list[EntityRef]:
        return cast("list[EntityRef]", self.slice.page.items)

    @strawberry.field(description="Where the page stands in the list.")
    def page_info(self) -> PageInfo:
        return self.slice.page_info()

    @strawberry.field(description="How many neighbours there are; computed only when selected.")
    @batched
    @staticmethod
    async def total_count(parents: list[Any], info: Info) -> list[int | None]:
        return await total_counts([parent.slice for parent in parents])


async def neighbors_of(
    info: Info, parents: Sequence[Keyed], edges: Edges, paging: Paging
) -> list[Any]:
    """The entities that facts join to each, at the moment of the place."""
    moment = info.context.moment(info)
    asked = Neighbors(edges, moment)
    loaders = info.context.loaders.entity

    async def load(keys: Keys, page: PageRequest, fields: Fields) -> list[Page[Any]]:
        return await loaders.neighbors.load_all(keys, Paged(asked, page), fields)

    async def count(keys: Keys) -> list[int]:
        return await loaders.count_neighbors.load_all(keys, asked)

    listing = Listing("Entity.neighbors", BY_KEY, (edges,))
    keys = [parent.key for parent in parents]
    connections = await connect_each(info, listing, keys, paging, READERS[Kind.ENTITY], load, count)
    return [
        _neighbors(each.slice, edges, moment) if isinstance(each, Connection) else each
        for each in connections
    ]


def _neighbors(piece: Slice, edges: Edges, moment: Moment) -> NeighborConnection:
    return NeighborConnection(
        slice=NeighborSlice(
            piece.page, piece.listing, piece.parent, piece.counter, edges=edges, moment=moment
        )
    )
