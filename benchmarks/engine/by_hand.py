"""The workload by hand: what is asked for put into dicts, and orjson; no GraphQL at all."""

from collections.abc import Sequence

import orjson

from benchmarks.engine.data import (
    SMALL,
    ChunkRecord,
    DocumentRecord,
    EntityRecord,
    Memory,
)


class ByHand:
    """Answers the queries of the workload, and no other; reads what the loaders of the schemas read."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    async def answer(self, text: str, variables: dict[str, int]) -> bytes:
        """JSON in UTF-8."""
        documents = self._memory.documents[: variables["documents"]]
        if text == SMALL:
            found = [{"id": document.id, "title": document.title} for document in documents]
            return orjson.dumps({"data": {"documents": found}})
        chunks, entities = await self.read(documents, variables["chunks"], variables["entities"])
        return orjson.dumps({"data": {"documents": as_dicts(documents, chunks, entities)}})

    async def read(
        self, documents: Sequence[DocumentRecord], chunks: int, entities: int
    ) -> tuple[list[list[ChunkRecord]], list[list[EntityRecord]]]:
        """The chunks of each document, and the entities of each of those."""
        found = await self._chunks([document.id for document in documents], chunks)
        keys = [chunk.id for some in found for chunk in some]
        return found, await self._entities(keys, entities)

    async def _chunks(self, keys: Sequence[str], first: int) -> list[list[ChunkRecord]]:
        return [self._memory.chunks[key][:first] for key in keys]

    async def _entities(self, keys: Sequence[str], first: int) -> list[list[EntityRecord]]:
        return [self._memory.entities[key][:first] for key in keys]


def as_dicts(
    documents: Sequence[DocumentRecord],
    chunks: Sequence[list[ChunkRecord]],
    entities: Sequence[list[EntityRecord]],
) -> list[dict[str, object]]:
    """The documents of the answer."""
    of_next_chunk = iter(entities)
    return [
        {
            "id": document.id,
            "title": document.title,
            "uri": document.uri,
            "createdAt": document.created_at,
            "chunks": [
                {
                    "id": chunk.id,
                    "text": chunk.text,
                    "position": chunk.position,
                    "score": chunk.score,
                    "entities": [
                        {
                            "id": each.id,
                            "name": each.name,
                            "type": each.type,
                            "summary": each.summary,
                        }
                        for each in next(of_next_chunk)
                    ],
                }
                for chunk in some
            ],
        }
        for document, some in zip(documents, chunks, strict=True)
    ]
