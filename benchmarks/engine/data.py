"""What the engine is measured on: documents, their chunks, the entities of those, in memory.

50 documents × 10 chunks × 3 entities are about 366 kB of JSON.
"""

from datetime import UTC, datetime, timedelta

import msgspec

DOCUMENTS, CHUNKS, ENTITIES = 50, 10, 3

QUERY = """query Documents($documents: Int!, $chunks: Int!, $entities: Int!) {
  documents(first: $documents) {
    id title uri createdAt
    chunks(first: $chunks) {
      id text position score
      entities(first: $entities) { id name type summary }
    }
  }
}"""
SMALL = "query One($documents: Int!) { documents(first: $documents) { id title } }"

WORKLOADS: dict[str, tuple[str, dict[str, int]]] = {
    "50 documents": (QUERY, {"documents": 50, "chunks": 10, "entities": 3}),
    "5 documents": (QUERY, {"documents": 5, "chunks": 10, "entities": 3}),
    "one object": (SMALL, {"documents": 1}),
}


class EntityRecord(msgspec.Struct, frozen=True):
    """An entity as a store would give it."""

    id: str
    name: str
    type: str
    summary: str | None


class ChunkRecord(msgspec.Struct, frozen=True):
    """A chunk as a store would give it."""

    id: str
    text: str
    position: int
    score: float


class DocumentRecord(msgspec.Struct, frozen=True):
    """A document as a store would give it."""

    id: str
    title: str
    uri: str
    created_at: datetime


class Memory(msgspec.Struct, frozen=True):
    """All of it, and what lies beneath what."""

    documents: list[DocumentRecord]
    chunks: dict[str, list[ChunkRecord]]
    entities: dict[str, list[EntityRecord]]

    def as_json(self) -> bytes:
        """For programs in other languages."""
        return msgspec.json.encode(self)


def create_memory() -> Memory:
    """The same each time."""
    began = datetime(2024, 1, 1, tzinfo=UTC)
    documents: list[DocumentRecord] = []
    chunks: dict[str, list[ChunkRecord]] = {}
    entities: dict[str, list[EntityRecord]] = {}
    for d in range(DOCUMENTS):
        key = f"doc-{d}"
        created = began + timedelta(hours=d)
        documents.append(DocumentRecord(key, f"Document {d}", f"https://example.org/{d}", created))
        chunks[key] = [_chunk(d, c) for c in range(CHUNKS)]
        for chunk in chunks[key]:
            entities[chunk.id] = [_entity(chunk.id, e) for e in range(ENTITIES)]
    return Memory(documents, chunks, entities)


def _chunk(d: int, c: int) -> ChunkRecord:
    text = f"Chunk {c} of document {d}: " + "the quick brown fox jumps over the lazy dog. " * 4
    return ChunkRecord(f"chunk-{d}-{c}", text, c, round(1 / (c + 1), 4))


def _entity(chunk: str, e: int) -> EntityRecord:
    kind = ("Person", "Organization", "Place")[e % 3]
    summary = f"Entity {e}, seen in {chunk}; a summary of what is known about it."
    return EntityRecord(f"entity-{chunk}-{e}", f"Entity {e} of {chunk}", kind, summary)
