"""Things with a global id."""

from collections.abc import Callable
from typing import Annotated, Any, cast

import strawberry

from backends.records import KIND_OF, Kind, Record
from resolvers.clocks import Clocks
from resolvers.context import Context, Info
from resolvers.errors import InputError
from resolvers.ids import GlobalId, decode_id, encode_id
from resolvers.readers import READERS

MOST_IDS = 200
"""Ids that `nodes` takes."""


class SnapshotOf:
    """The memory as of a moment: what the Snapshot type stands for."""

    def __init__(self, context: Context, clocks: Clocks) -> None:
        moment = context.moments.moment(clocks)
        self.clocks = clocks
        self.valid_at = moment.valid_at
        self.known_at = moment.known_at


def by_class(predicate: Callable[..., bool]) -> Callable[..., bool]:
    """Say of an `is_type_of` that it looks at the class of a value only: one value of each class need be asked."""
    predicate.__by_class__ = True  # pyright: ignore[reportFunctionMemberAccess]
    return predicate


@strawberry.interface(description="A thing with a global id, by which `node` gives it back.")
class Node:
    @strawberry.field(
        description="Global and opaque; beneath a set moment it is dated: the thing as of that moment."
    )
    def id(self: Any, info: Info) -> strawberry.ID:
        if isinstance(self, SnapshotOf):
            return strawberry.ID(encode_id(None, "", self.clocks))
        record = cast("Record", self)
        return strawberry.ID(
            encode_id(KIND_OF[type(record)], record.key, info.context.clocks(info))
        )


@strawberry.type
class NodeRoot:
    @strawberry.field(
        description="What an id names, as of the moment that it carries; null if it names nothing."
    )
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="An id of this API.")],
    ) -> Node | None:
        return (await _nodes(info, [decode_id(id)]))[0]

    @strawberry.field(
        description="What ids name, in the order asked, null for gaps; at most 200, all of one moment."
    )
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="Ids of this API.")],
    ) -> list[Node | None] | None:
        if len(ids) > MOST_IDS:
            raise InputError(f"ids: {len(ids)} are given; at most {MOST_IDS} are allowed")
        return await _nodes(info, [decode_id(each) for each in ids])


async def _nodes(info: Info, ids: list[GlobalId]) -> list[Any]:
    moments = {each.clocks for each in ids}
    if len(moments) > 1:
        raise InputError(f"ids: they are of {len(moments)} moments; ask for each moment on its own")
    clocks = moments.pop() if moments else Clocks()
    context = info.context
    context.enter(info, clocks.valid_at, clocks.known_at)
    known_at = context.moments.moment(clocks).known_at
    found: dict[tuple[Kind | None, str], Any] = {(None, ""): SnapshotOf(context, clocks)}
    for kind in Kind:
        keys = list(dict.fromkeys(each.key for each in ids if each.kind is kind))
        records = await context.loaders.records(kind, keys, known_at, READERS[kind].fields(info))
        found |= {(kind, key): record for key, record in zip(keys, records, strict=True)}
    return [found.get((each.kind, each.key)) for each in ids]
