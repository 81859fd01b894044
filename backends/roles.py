"""The roles: what the schema needs from some store, a small Protocol each.

Promises that every adapter keeps, proved by `tests/contract`:

- The scope comes first, and nothing of another tenant is ever seen.
- Batch first: a list of keys in, a list of the same length out, in the order of the keys.  A gap is
  `None`, an unknown parent an empty page or 0; duplicates are answered each time.
- One round trip for a batch, however long; pages are limited inside it, per parent.
- `fields` are the attributes to load; the others stay `UNLOADED`.
- A page request with a position goes to one parent only (a cursor names one parent).
- Orders are total and by code point; missing values come last, in both directions (semantics.md, Order).
- Errors are those of `backends.errors`, naming the store.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from backends.records import (
    CacheLookup,
    Chunk,
    ChunkFilter,
    Document,
    DocumentFilter,
    Edges,
    Entity,
    EntityFilter,
    Episode,
    EpisodeFilter,
    Fact,
    FactFilter,
    Fields,
    Health,
    Hit,
    Kind,
    Mention,
    Moment,
    Needs,
    Order,
    Outcome,
    Page,
    PageRequest,
    PoolStatus,
    Scope,
    SearchEntry,
    SearchFilter,
    VectorSpace,
)

Step = Literal["previous", "next"]
Vector = NDArray[np.float32]
"""One embedding, float32, shape (dimension,)."""

Matrix = NDArray[np.float32]
"""Embeddings by row, float32, shape (count, dimension)."""


class Documents(Protocol):
    """Texts that the memory was given.  Listed by key."""

    async def get_many(
        self, scope: Scope, keys: Sequence[str], fields: Fields
    ) -> list[Document | None]:
        """The documents of these keys."""
        ...

    async def find(
        self,
        scope: Scope,
        where: DocumentFilter,
        order: Order | None,
        page: PageRequest,
        fields: Fields,
    ) -> Page[Document]:
        """A page of those that pass the filter."""
        ...

    async def count(self, scope: Scope, where: DocumentFilter) -> int:
        """How many pass the filter."""
        ...

    async def scan(self, scope: Scope, after: str | None, limit: int) -> list[Document]:
        """The first `limit` records after a key, by key, whole: for copying a memory."""
        ...

    async def upsert_many(self, scope: Scope, records: Sequence[Document]) -> list[Outcome]:
        """Write whole records; the last of a key wins."""
        ...


class Chunks(Protocol):
    """Pieces of documents.  Listed by key; those of a document by position, key."""

    async def get_many(
        self, scope: Scope, keys: Sequence[str], fields: Fields
    ) -> list[Chunk | None]:
        """The chunks of these keys."""
        ...

    async def find(
        self, scope: Scope, where: ChunkFilter, page: PageRequest, fields: Fields
    ) -> Page[Chunk]:
        """A page of those that pass the filter."""
        ...

    async def count(self, scope: Scope, where: ChunkFilter) -> int:
        """How many pass the filter."""
        ...

    async def of_documents(
        self, scope: Scope, keys: Sequence[str], page: PageRequest, fields: Fields
    ) -> list[Page[Chunk]]:
        """A page of each document's chunks."""
        ...

    async def count_of_documents(self, scope: Scope, keys: Sequence[str]) -> list[int]:
        """How many chunks each document has."""
        ...

    async def adjacent(
        self, scope: Scope, keys: Sequence[str], step: Step, fields: Fields
    ) -> list[Chunk | None]:
        """The chunk before or after each of these in its document."""
        ...

    async def scan(self, scope: Scope, after: str | None, limit: int) -> list[Chunk]:
        """The first `limit` records after a key, by key, whole: for copying a memory."""
        ...

    async def upsert_many(self, scope: Scope, records: Sequence[Chunk]) -> list[Outcome]:
        """Write whole records; the last of a key wins."""
        ...

    async def keep_only(self, scope: Scope, kept: Mapping[str, Sequence[str]]) -> list[str]:
        """Delete the chunks of these documents but for the keys named beside each; gives the keys deleted."""
        ...


class Entities(Protocol):
    """Things that facts are about and texts mention.  Listed by name, key."""

    async def get_many(
        self, scope: Scope, keys: Sequence[str], known_at: datetime, fields: Fields
    ) -> list[Entity | None]:
        """The entities of these keys; for one that nobody loaded and a fact heard of by `known_at`
        names, `Entity.missing`."""
        ...

    async def named(self, scope: Scope, names: Sequence[str], limit: int) -> list[list[str]]:
        """The first `limit` keys, sorted, of the entities with each name exactly."""
        ...

    async def find(
        self,
        scope: Scope,
        where: EntityFilter,
        order: Order | None,
        page: PageRequest,
        fields: Fields,
    ) -> Page[Entity]:
        """A page of those that pass the filter."""
        ...

    async def count(self, scope: Scope, where: EntityFilter) -> int:
        """How many pass the filter."""
        ...

    async def scan(self, scope: Scope, after: str | None, limit: int) -> list[Entity]:
        """The first `limit` records after a key, by key, whole: for copying a memory."""
        ...

    async def upsert_many(self, scope: Scope, records: Sequence[Entity]) -> list[Outcome]:
        """Write whole records; the last of a key wins."""
        ...


class Facts(Protocol):
    """Dated statements, the edges of the graph.  Listed by valid_from, key.

    Facts are filtered by the moment and returned with all four times as stored.
    """

    async def get_many(
        self, scope: Scope, keys: Sequence[str], fields: Fields
    ) -> list[Fact | None]:
        """The facts of these keys, at whatever moment."""
        ...

    async def find(
        self,
        scope: Scope,
        where: FactFilter,
        order: Order | None,
        moment: Moment,
        page: PageRequest,
        fields: Fields,
    ) -> Page[Fact]:
        """A page of those that pass the filter at the moment."""
        ...

    async def count(self, scope: Scope, where: FactFilter, moment: Moment) -> int:
        """How many pass the filter at the moment."""
        ...

    async def of(
        self,
        scope: Scope,
        kind: Kind,
        keys: Sequence[str],
        edges: Edges,
        moment: Moment,
        page: PageRequest,
        fields: Fields,
    ) -> list[Page[Fact]]:
        """A page of the facts about each entity (a fact about itself once), or drawn from each episode
        (`edges.direction` and `predicates` do not apply)."""
        ...

    async def count_of(
        self, scope: Scope, kind: Kind, keys: Sequence[str], edges: Edges, moment: Moment
    ) -> list[int]:
        """How many facts are about each entity, or drawn from each episode."""
        ...

    async def neighbors(
        self,
        scope: Scope,
        keys: Sequence[str],
        edges: Edges,
        moment: Moment,
        page: PageRequest,
        fields: Fields,
    ) -> list[Page[Entity]]:
        """A page of the other entities that facts join to each, by key."""
        ...

    async def count_neighbors(
        self, scope: Scope, keys: Sequence[str], edges: Edges, moment: Moment
    ) -> list[int]:
        """How many other entities facts join to each."""
        ...

    async def between(
        self,
        scope: Scope,
        pairs: Sequence[tuple[str, str]],
        edges: Edges,
        moment: Moment,
        first: int,
        fields: Fields,
    ) -> list[list[Fact]]:
        """The first facts that join each pair, direction seen from the pair's first."""
        ...

    async def expand(
        self, scope: Scope, keys: Sequence[str], edges: Edges, moment: Moment
    ) -> list[list[str]]:
        """All the keys that facts join to each of these, sorted."""
        ...

    async def reach(
        self,
        scope: Scope,
        keys: Sequence[str],
        visited: Sequence[str],
        edges: Edges,
        moment: Moment,
        limit: int,
    ) -> list[str]:
        """The first `limit` keys, sorted, that facts join to any of `keys` and that are not `visited`."""
        ...

    async def among(
        self,
        scope: Scope,
        keys: Sequence[str],
        edges: Edges,
        moment: Moment,
        limit: int,
        fields: Fields,
    ) -> list[Fact]:
        """The first `limit` facts with both ends among these keys."""
        ...

    async def unstated_of(self, scope: Scope, entity_keys: Sequence[str]) -> list[str]:
        """The keys of facts without a statement that name any of these entities: their text to search
        is made of the entities' names."""
        ...

    async def scan(self, scope: Scope, after: str | None, limit: int) -> list[Fact]:
        """The first `limit` records after a key, by key, whole, with the episodes they were drawn from: for copying a memory."""
        ...

    async def upsert_many(self, scope: Scope, records: Sequence[Fact]) -> list[Outcome]:
        """Write whole records with the episodes they were drawn from; the last of a key wins."""
        ...


class Mentions(Protocol):
    """Which chunk or episode names which entity.  A mention whose ends are not both loaded is not seen."""

    async def entities_of(
        self,
        scope: Scope,
        kind: Kind,
        keys: Sequence[str],
        types: tuple[str, ...] | None,
        page: PageRequest,
        fields: Fields,
    ) -> list[Page[Entity]]:
        """A page of the entities mentioned by each chunk, episode or document, once each, by name, key."""
        ...

    async def count_entities_of(
        self, scope: Scope, kind: Kind, keys: Sequence[str], types: tuple[str, ...] | None
    ) -> list[int]:
        """How many entities each mentions."""
        ...

    async def sources_of(
        self, scope: Scope, kind: Kind, keys: Sequence[str], page: PageRequest
    ) -> list[Page[str]]:
        """A page of the keys of the chunks or documents (`kind`) that mention each entity, by key."""
        ...

    async def count_sources_of(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> list[int]:
        """How many chunks or documents mention each entity."""
        ...

    async def note_texts(
        self, scope: Scope, documents: Sequence[Document], chunks: Sequence[Chunk]
    ) -> None:
        """Remember that these documents and chunks are loaded: their keys, and the chunks' documents."""
        ...

    async def forget_chunks(self, scope: Scope, keys: Sequence[str]) -> None:
        """Remember that these chunks are no longer loaded."""
        ...

    async def scan(self, scope: Scope, after: Mention | None, limit: int) -> list[Mention]:
        """The first `limit` mentions after one, by kind, key, entity, whether their ends are loaded or
        not: for copying a memory."""
        ...

    async def upsert_many(self, scope: Scope, records: Sequence[Mention]) -> list[Outcome]:
        """Write mentions, in any order with the records at their ends."""
        ...


class Episodes(Protocol):
    """What happened or was said.  Listed by occurred_at, key; none is seen before it was recorded."""

    async def get_many(
        self, scope: Scope, keys: Sequence[str], fields: Fields
    ) -> list[Episode | None]:
        """The episodes of these keys, whenever recorded."""
        ...

    async def find(
        self,
        scope: Scope,
        where: EpisodeFilter,
        order: Order | None,
        known_at: datetime,
        page: PageRequest,
        fields: Fields,
    ) -> Page[Episode]:
        """A page of those that pass the filter."""
        ...

    async def count(self, scope: Scope, where: EpisodeFilter, known_at: datetime) -> int:
        """How many pass the filter."""
        ...

    async def of(
        self,
        scope: Scope,
        kind: Kind,
        keys: Sequence[str],
        known_at: datetime,
        page: PageRequest,
        fields: Fields,
    ) -> list[Page[Episode]]:
        """A page of the episodes of each document or chunk, that mention each entity, or that each fact
        was drawn from."""
        ...

    async def count_of(
        self, scope: Scope, kind: Kind, keys: Sequence[str], known_at: datetime
    ) -> list[int]:
        """How many episodes those are."""
        ...

    async def adjacent(
        self, scope: Scope, keys: Sequence[str], step: Step, known_at: datetime, fields: Fields
    ) -> list[Episode | None]:
        """The episode before or after each: of its document, else of its source (semantics.md, Order)."""
        ...

    async def scan(self, scope: Scope, after: str | None, limit: int) -> list[Episode]:
        """The first `limit` records after a key, by key, whole: for copying a memory."""
        ...

    async def upsert_many(self, scope: Scope, records: Sequence[Episode]) -> list[Outcome]:
        """Write whole records; the last of a key wins."""
        ...


class Keywords(Protocol):
    """Full text, one index a kind.  Any word may match, stemmed; more and rarer words score higher."""

    async def search(
        self,
        scope: Scope,
        kind: Kind,
        query: str,
        where: SearchFilter,
        moment: Moment,
        depth: int,
    ) -> list[Hit]:
        """The best `depth` hits for plain words, filter and moment applied inside."""
        ...

    async def index_many(self, scope: Scope, entries: Sequence[SearchEntry]) -> None:
        """Index entries, replacing those of the same kind and key."""
        ...

    async def remove_many(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> None:
        """Take entries out."""
        ...


class Vectors(Protocol):
    """Embeddings, one index a kind, compared by cosine (−1 to 1).

    The store keeps which `VectorSpace` filled a kind and refuses another (`VectorSpaceMismatch`).
    """

    async def search(
        self,
        scope: Scope,
        kind: Kind,
        vector: Vector,
        space: VectorSpace,
        where: SearchFilter,
        moment: Moment,
        depth: int,
    ) -> list[Hit]:
        """The `depth` nearest, filter and moment applied inside."""
        ...

    async def similar(
        self,
        scope: Scope,
        kind: Kind,
        keys: Sequence[str],
        where: SearchFilter,
        first: int,
        min_score: float | None,
    ) -> list[list[Hit]]:
        """The nearest to each item, never itself; none for one without a vector."""
        ...

    async def get_many(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> list[Vector | None]:
        """The embedding of each item."""
        ...

    async def digests(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> list[str | None]:
        """The digest of the text that each vector was made from."""
        ...

    async def index_many(
        self,
        scope: Scope,
        entries: Sequence[SearchEntry],
        vectors: Sequence[Vector | None],
        digests: Sequence[str],
        space: VectorSpace,
    ) -> None:
        """Index entries with their vectors, replacing those of the same kind and key.  `None` keeps the
        vector that is there if its digest is the one given, and removes it otherwise."""
        ...

    async def remove_many(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> None:
        """Take entries out."""
        ...

    async def spaces(self, scope: Scope) -> dict[Kind, VectorSpace]:
        """What filled each kind."""
        ...


class Embedder(Protocol):
    """Turns text into vectors.  May be slow: never blocks the event loop."""

    @property
    def space(self) -> VectorSpace:
        """The model and the length of its vectors."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[Vector | None]:
        """A vector of length 1 for each text; `None` where the model makes nothing of it."""
        ...

    async def open(self) -> None:
        """Load or connect."""
        ...

    async def close(self) -> None:
        """Let go."""
        ...


REMOVED_FOR = 30.0
"""Seconds for which a cache takes no value for a key that was removed."""


class Cache(Protocol):
    """Bytes by key that may be gone at any time: what is lost costs a call, never an answer.

    A reader may hold something old while a writer replaces it, so nothing old is ever let in: a key that
    was removed takes no value for `REMOVED_FOR` seconds, and a value is void once a tag that it was set
    under has been invalidated since the lookup that it follows.  A value is found only under the tags that
    it was set under, all of them and no others.
    """

    async def get_many(self, keys: Sequence[str], tags: Sequence[str]) -> CacheLookup:
        """The value of each key, `None` for gaps, and the state of the tags.  One round trip, and another
        for a tag that nobody has asked for yet."""
        ...

    async def set_many(self, values: Mapping[str, bytes], lookup: CacheLookup, ttl: float) -> None:
        """Keep values for `ttl` seconds under the tags as `lookup` found them; nothing if one of these has
        been invalidated since.  One round trip."""
        ...

    async def remove_many(self, keys: Sequence[str]) -> None:
        """Forget these, and take no value for them for `REMOVED_FOR` seconds.  One round trip."""
        ...

    async def invalidate(self, tags: Sequence[str]) -> None:
        """Void everything that was or is being set under any of these tags.  One round trip."""
        ...


class Store(Protocol):
    """A connection to an engine.  Building one does no I/O; `open` and `close` bound its life.

    The roles that it plays are attributes of the names below; a role that it does not play is missing
    (`None`).
    """

    name: str
    engine: str
    documents: Documents | None
    chunks: Chunks | None
    entities: Entities | None
    facts: Facts | None
    mentions: Mentions | None
    episodes: Episodes | None
    keywords: Keywords | None
    vectors: Vectors | None
    cache: Cache | None

    async def open(self) -> None:
        """Connect.  A server that is down is not an error here: it shows in `ping`."""
        ...

    async def close(self) -> None:
        """Let every connection go."""
        ...

    async def ping(self) -> Health:
        """Ask the engine for a sign of life; raises a `StoreError` when there is none."""
        ...

    def batch(self) -> AbstractAsyncContextManager[None]:
        """Everything written inside is written together where the engine can do that."""
        ...

    async def counts(self, scope: Scope) -> dict[str, int]:
        """How many rows of each sort there are, for `doctor`."""
        ...

    def pool(self) -> PoolStatus | None:
        """The connections, `None` where there is no pool.  No I/O."""
        ...

    async def migrate(self, needs: Needs, *, dry_run: bool = False) -> list[str]:
        """Create, or bring up to date, what the store must have to play the roles that it is assigned;
        again and again without harm.  Gives a line for each change that was made or, in a dry run, would
        be.  The store may be open or not."""
        ...
