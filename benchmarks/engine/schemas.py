"""The schema of the workload, twice: as Strawberry's documentation has it, and with batch resolvers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import strawberry
from aiodataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache

from benchmarks.engine.data import ChunkRecord, DocumentRecord, Memory
from loaders.base import Loader
from resolvers.batched import batched


def stock(
    memory: Memory, *, is_cached: bool = True, **options: Any
) -> tuple[strawberry.Schema, Any]:
    """Strawberry types, and a `load` of aiodataloader in each resolver; parsing and validation are cached if
    they are to be.

    Gives the schema and what makes the context of a request.
    """

    @strawberry.type
    class Entity:
        id: strawberry.ID
        name: str
        type: str
        summary: str | None

    @strawberry.type
    class Chunk:
        id: strawberry.ID
        text: str
        position: int
        score: float

        @strawberry.field
        async def entities(self, info: strawberry.Info, first: int = 3) -> list[Entity]:
            return await info.context["entities"].load((self.id, first))

    @strawberry.type
    class Document:
        id: strawberry.ID
        title: str
        uri: str
        created_at: datetime

        @strawberry.field
        async def chunks(self, info: strawberry.Info, first: int = 10) -> list[Chunk]:
            return await info.context["chunks"].load((self.id, first))

    documents = [Document(**_fields(each)) for each in memory.documents]
    chunks = {key: [Chunk(**_fields(each)) for each in some] for key, some in memory.chunks.items()}
    entities = {
        key: [Entity(**_fields(each)) for each in some] for key, some in memory.entities.items()
    }

    @strawberry.type
    class Query:
        @strawberry.field
        async def documents(self, first: int = 50) -> list[Document]:
            return documents[:first]

    async def load_chunks(keys: Sequence[tuple[str, int]]) -> list[list[Chunk]]:
        return [chunks[key][:first] for key, first in keys]

    async def load_entities(keys: Sequence[tuple[str, int]]) -> list[list[Entity]]:
        return [entities[key][:first] for key, first in keys]

    extensions: list[Any] = [ParserCache(), ValidationCache()] if is_cached else []
    schema = strawberry.Schema(Query, extensions=extensions, **options)
    return schema, lambda: {
        "chunks": DataLoader(load_chunks),
        "entities": DataLoader(load_entities),
    }


def batch(memory: Memory, **options: Any) -> tuple[strawberry.Schema, Any]:
    """Light records, batch resolvers and loaders of whole key lists: how the gateway is built."""

    @strawberry.type
    class Entity:
        id: strawberry.ID
        name: str
        type: str
        summary: str | None

    @strawberry.type
    class Chunk:
        id: strawberry.ID
        text: str
        position: int
        score: float

        @strawberry.field
        @batched
        @staticmethod
        async def entities(
            parents: list[ChunkRecord], info: strawberry.Info, first: int = 3
        ) -> list[list[Entity]]:
            keys = [parent.id for parent in parents]
            return await info.context["entities"].load_all(keys, first)

    @strawberry.type
    class Document:
        id: strawberry.ID
        title: str
        uri: str
        created_at: datetime

        @strawberry.field
        @batched
        @staticmethod
        async def chunks(
            parents: list[DocumentRecord], info: strawberry.Info, first: int = 10
        ) -> list[list[Chunk]]:
            keys = [parent.id for parent in parents]
            return await info.context["chunks"].load_all(keys, first)

    @strawberry.type
    class Query:
        @strawberry.field
        async def documents(self, first: int = 50) -> list[Document]:
            return memory.documents[:first]  # pyright: ignore[reportReturnType]

    async def load_chunks(keys: Sequence[str], first: int, _: Any) -> list[Any]:
        return [memory.chunks[key][:first] for key in keys]

    async def load_entities(keys: Sequence[str], first: int, _: Any) -> list[Any]:
        return [memory.entities[key][:first] for key in keys]

    schema = strawberry.Schema(Query, **options)
    return schema, lambda: {"chunks": Loader(load_chunks), "entities": Loader(load_entities)}


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}
