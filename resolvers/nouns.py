"""The five nouns and their connections as forward references, for types that name each other."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.connections import Connection

if TYPE_CHECKING:
    from resolvers.chunk import Chunk
    from resolvers.document import Document
    from resolvers.entity import Entity
    from resolvers.episode import Episode
    from resolvers.fact import Fact

ChunkRef = Annotated["Chunk", strawberry.lazy("resolvers.chunk")]
DocumentRef = Annotated["Document", strawberry.lazy("resolvers.document")]
EntityRef = Annotated["Entity", strawberry.lazy("resolvers.entity")]
EpisodeRef = Annotated["Episode", strawberry.lazy("resolvers.episode")]
FactRef = Annotated["Fact", strawberry.lazy("resolvers.fact")]

ChunkConnection = Connection[ChunkRef]
DocumentConnection = Connection[DocumentRef]
EntityConnection = Connection[EntityRef]
EpisodeConnection = Connection[EpisodeRef]
FactConnection = Connection[FactRef]
