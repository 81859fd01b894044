"""The connection to one Qdrant: its client, and what a refusal is about."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from qdrant_client import AsyncQdrantClient, models

from backends.errors import (
    SchemaTooOld,
    StoreError,
    StoreRejected,
    StoreUnavailable,
    VectorSpaceMismatch,
)
from backends.qdrant.client import make_client
from backends.qdrant.errors import translated
from backends.qdrant.options import QdrantOptions
from backends.records import Kind, VectorSpace


class QdrantConnection:
    """Lends the client to the store's roles, and translates what goes wrong."""

    def __init__(self, name: str, options: QdrantOptions) -> None:
        self.name = name
        self.local = options.local
        self._options = options
        self._client: AsyncQdrantClient | None = None

    async def open(self) -> None:
        """Make the client, which connects when it is first asked something."""
        if self._client is None:
            self._client = make_client(self.name, self._options)

    async def close(self) -> None:
        """Close every connection; what is under way over them becomes unavailable."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[None]:
        """Open in here, and as before afterwards."""
        before = self._client
        await self.open()
        try:
            yield
        finally:
            if before is None:
                await self.close()

    @property
    def client(self) -> AsyncQdrantClient:
        """The client.  Raises StoreUnavailable when the store is closed."""
        if self._client is None:
            raise StoreUnavailable(self.name, f"store {self.name} is closed")
        return self._client

    def collection(self, kind: Kind) -> str:
        """The collection of a kind."""
        return f"{self._options.prefix}_{kind.value.lower()}"

    @asynccontextmanager
    async def asking(
        self, kind: Kind, space: VectorSpace | None = None
    ) -> AsyncGenerator[AsyncQdrantClient]:
        """The client, for a request about a kind's collection (with vectors of this space).

        Raises SchemaTooOld when there is no such collection, and VectorSpaceMismatch when its vectors have
        another dimension; both are found out only when the server has refused.
        """
        try:
            with translated(self.name):
                yield self.client
        except StoreRejected as error:
            reason = await self._reason(kind, space)
            if reason is None:
                raise
            raise reason from error

    async def collections(self) -> dict[Kind, str]:
        """The kinds' collections that there are, by their own name or an alias."""
        with translated(self.name):
            listed, aliased = await asyncio.gather(
                self.client.get_collections(), self.client.get_aliases()
            )
        there = {each.name for each in listed.collections}
        there |= {each.alias_name for each in aliased.aliases}
        return {kind: name for kind in Kind if (name := self.collection(kind)) in there}

    async def info(self, kind: Kind) -> models.CollectionInfo:
        """What a kind's collection is.  Raises SchemaTooOld when there is none."""
        async with self.asking(kind) as client:
            return await client.get_collection(self.collection(kind))

    def misfit(
        self, kind: Kind, info: models.CollectionInfo, asked: VectorSpace
    ) -> StoreRejected | None:
        """Why a collection cannot hold vectors of the space asked for; `None` if it can."""
        there, where = dimension_of(info), f"store {self.name}: collection {self.collection(kind)}"
        if there is None:
            return StoreRejected(
                self.name,
                f"{where} has not one unnamed vector compared by cosine, so it is not of this layout; "
                "configure another prefix and run `memory-gateway migrate`",
            )
        if there != asked.dimension:
            return VectorSpaceMismatch(
                self.name,
                f"{where} holds vectors of {there} dimensions, {asked.model} makes {asked.dimension}; "
                "configure the embedder that filled it, or another prefix and run `memory-gateway "
                "migrate`",
            )
        return None

    async def _reason(self, kind: Kind, space: VectorSpace | None) -> StoreRejected | None:
        """Why the server refused, where it is about the collection; `None` where it said so itself."""
        name = self.collection(kind)
        try:
            with translated(self.name):
                if not await self.client.collection_exists(name):
                    return SchemaTooOld(
                        self.name,
                        f"store {self.name} has no collection {name}; run `memory-gateway migrate`",
                    )
                info = await self.client.get_collection(name)
        except StoreError:
            return None  # what went wrong first is what gets told
        return None if space is None else self.misfit(kind, info, space)


def dimension_of(info: models.CollectionInfo) -> int | None:
    """The length of a collection's vectors; `None` where that is not one unnamed vector, compared by cosine."""
    vectors = info.config.params.vectors
    if not isinstance(vectors, models.VectorParams) or vectors.distance != models.Distance.COSINE:
        return None
    return vectors.size
