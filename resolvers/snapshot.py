"""The roots: Query, and Snapshot, the same fields at a moment."""

from datetime import datetime
from typing import Any, cast

import strawberry
from strawberry import UNSET

from resolvers.arguments import KnownAt, ValidAt
from resolvers.chunk import ChunkRoot
from resolvers.context import Info
from resolvers.document import DocumentRoot
from resolvers.entity import EntityRoot
from resolvers.episode import EpisodeRoot
from resolvers.fact import FactRoot
from resolvers.node import Node, NodeRoot, SnapshotOf, by_class
from resolvers.search import SearchRoot
from resolvers.store import StoreRoot
from resolvers.traversal import TraversalRoot


@strawberry.type(
    description="The memory as of a moment: two of them in one operation compare two times."
)
class Snapshot(
    DocumentRoot,
    ChunkRoot,
    EntityRoot,
    FactRoot,
    EpisodeRoot,
    SearchRoot,
    TraversalRoot,
    Node,
):
    valid_at: datetime = strawberry.field(description="When things must hold in the world.")
    known_at: datetime = strawberry.field(description="What the memory knew at this time.")

    @classmethod
    @by_class
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        return isinstance(obj, SnapshotOf)


@strawberry.type(description="Everything that can be asked of a memory.")
class Query(
    NodeRoot,
    DocumentRoot,
    ChunkRoot,
    EntityRoot,
    FactRoot,
    EpisodeRoot,
    SearchRoot,
    TraversalRoot,
    StoreRoot,
):
    @strawberry.field(
        description="The memory as of a moment; a time that is not given is now, and sets nothing."
    )
    async def snapshot(
        self, info: Info, valid_at: ValidAt = UNSET, known_at: KnownAt = UNSET
    ) -> Snapshot:
        clocks = info.context.enter(info, valid_at, known_at)
        return cast("Snapshot", SnapshotOf(info.context, clocks))
