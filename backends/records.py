"""The frozen values that cross a port: what a memory holds, and how it is asked.

Records are light structs.  A store is asked for the columns that a query selected; every other
attribute of a record is left `UNLOADED`, and only `key` is always there.
"""

import enum
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T")

UNLOADED: Any = msgspec.UNSET
"""The value of an attribute that was not among the fields asked for."""

Fields = frozenset[str]
"""Names of the attributes to load, `key` implied."""

Json = dict[str, Any]


class Kind(enum.Enum):
    """The five kinds of thing that a memory holds, in the order that breaks ties between them."""

    CHUNK = "CHUNK"
    DOCUMENT = "DOCUMENT"
    ENTITY = "ENTITY"
    EPISODE = "EPISODE"
    FACT = "FACT"


class EpisodeKind(enum.Enum):
    """What the content of an episode is."""

    MESSAGE = "MESSAGE"
    TEXT = "TEXT"
    JSON = "JSON"
    FACT_TRIPLE = "FACT_TRIPLE"


class Direction(enum.Enum):
    """Which end of a fact an entity is: its subject (OUT), its object (IN), either (BOTH)."""

    OUT = "OUT"
    IN = "IN"
    BOTH = "BOTH"


class Method(enum.Enum):
    """The two ways to search a kind."""

    VECTOR = "VECTOR"
    KEYWORD = "KEYWORD"


class Health(enum.Enum):
    """What a store answers when it is asked whether it is well."""

    UP = "UP"
    DEGRADED = "DEGRADED"
    DOWN = "DOWN"


class Outcome(enum.Enum):
    """What became of a record that was written."""

    LOADED = "loaded"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


class Scope(msgspec.Struct, frozen=True):
    """For whom a question is asked.  Every port takes it first."""

    tenant: str


class Moment(msgspec.Struct, frozen=True):
    """As of when a question is asked: `valid_at` in the world, `known_at` in the memory."""

    valid_at: datetime
    known_at: datetime


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A text that the memory was given."""

    key: str
    title: str | None = UNLOADED
    uri: str | None = UNLOADED
    source: str | None = UNLOADED
    media_type: str | None = UNLOADED
    text: str | None = UNLOADED
    metadata: Json = UNLOADED
    created_at: datetime | None = UNLOADED
    updated_at: datetime | None = UNLOADED


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of a document."""

    key: str
    document_key: str | None = UNLOADED
    position: int | None = UNLOADED
    text: str = UNLOADED
    token_count: int | None = UNLOADED
    metadata: Json = UNLOADED


class Entity(msgspec.Struct, frozen=True, kw_only=True):
    """A thing that facts are about and texts mention."""

    key: str
    name: str = UNLOADED
    type: str | None = UNLOADED
    labels: Sequence[str] = UNLOADED
    summary: str | None = UNLOADED
    attributes: Json = UNLOADED
    created_at: datetime | None = UNLOADED

    @classmethod
    def missing(cls, key: str) -> "Entity":
        """The stand-in for an entity that a fact names and nobody loaded (semantics.md, Identity)."""
        return cls(
            key=key,
            name=key,
            type=None,
            labels=(),
            summary=None,
            attributes={"missing": True},
            created_at=None,
        )


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A dated statement that one entity makes about another, with all four times as stored."""

    key: str
    subject_key: str = UNLOADED
    predicate: str = UNLOADED
    object_key: str = UNLOADED
    statement: str | None = UNLOADED
    attributes: Json = UNLOADED
    valid_from: datetime | None = UNLOADED
    valid_to: datetime | None = UNLOADED
    recorded_at: datetime | None = UNLOADED
    retracted_at: datetime | None = UNLOADED
    episode_keys: Sequence[str] = UNLOADED
    """Written with a fact; no reading port loads it (`Episodes.of` does)."""


class Episode(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened or was said."""

    key: str
    name: str | None = UNLOADED
    kind: EpisodeKind = UNLOADED
    content: str | None = UNLOADED
    source: str | None = UNLOADED
    occurred_at: datetime | None = UNLOADED
    recorded_at: datetime | None = UNLOADED
    document_key: str | None = UNLOADED
    chunk_key: str | None = UNLOADED
    metadata: Json = UNLOADED


class Mention(msgspec.Struct, frozen=True):
    """A chunk or an episode (`kind`, `key`) that names an entity."""

    kind: Kind
    key: str
    entity_key: str


Record = Document | Chunk | Entity | Fact | Episode

KIND_OF: dict[type[Record], Kind] = {
    Chunk: Kind.CHUNK,
    Document: Kind.DOCUMENT,
    Entity: Kind.ENTITY,
    Episode: Kind.EPISODE,
    Fact: Kind.FACT,
}


# How it is asked: pages, orders, filters.

Value = str | int | float | datetime | None
Position = tuple[Value, ...]
"""A place in a list: the values of its order, one each, the key last."""


class PageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A window on a list: the first `first` (or last `last`) of what stands after `after` and before
    `before`.  The two truths about its ends are found out only when `ends` asks for them."""

    first: int | None = None
    after: Position | None = None
    last: int | None = None
    before: Position | None = None
    ends: bool = False

    @property
    def limit(self) -> int:
        """How many items the page may hold."""
        return (self.last if self.first is None else self.first) or 0

    @property
    def backward(self) -> bool:
        """Whether the page is counted from the end of the list."""
        return self.first is None


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Items in list order, and whether the list goes on (`None` where it was not asked)."""

    items: Sequence[T]
    has_next: bool | None = None
    has_previous: bool | None = None


class Order(msgspec.Struct, frozen=True):
    """An order other than the list's own: an attribute of the record, ties by key."""

    by: str
    descending: bool = False


class TimeRange(msgspec.Struct, frozen=True, kw_only=True):
    """From a time (inclusive) to another (exclusive)."""

    start: datetime | None = None
    end: datetime | None = None


class MetadataMatch(msgspec.Struct, frozen=True, kw_only=True):
    """What must stand at a dotted path: `tokens`, any of which will do (see `backends.metadata`)."""

    tokens: tuple[str, ...]
    negated: bool = False


class DocumentFilter(msgspec.Struct, frozen=True, kw_only=True):
    keys: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None
    media_types: tuple[str, ...] | None = None
    title_contains: str | None = None
    created_at: TimeRange | None = None
    metadata: tuple[MetadataMatch, ...] = ()


class ChunkFilter(msgspec.Struct, frozen=True, kw_only=True):
    """`sources` are those of the chunks' documents."""

    documents: tuple[str, ...] | None = None
    sources: tuple[str, ...] | None = None
    metadata: tuple[MetadataMatch, ...] = ()


class EntityFilter(msgspec.Struct, frozen=True, kw_only=True):
    names: tuple[str, ...] | None = None
    name_contains: str | None = None
    types: tuple[str, ...] | None = None
    created_at: TimeRange | None = None


class FactFilter(msgspec.Struct, frozen=True, kw_only=True):
    predicates: tuple[str, ...] | None = None
    subjects: tuple[str, ...] | None = None
    objects: tuple[str, ...] | None = None
    valid_from: TimeRange | None = None
    include_invalidated: bool = False
    """Every fact heard of by the moment's `known_at`, whether it holds or not."""


class EpisodeFilter(msgspec.Struct, frozen=True, kw_only=True):
    kinds: tuple[EpisodeKind, ...] | None = None
    sources: tuple[str, ...] | None = None
    occurred_at: TimeRange | None = None
    mentions: tuple[str, ...] | None = None


class Edges(msgspec.Struct, frozen=True, kw_only=True):
    """Which facts join an entity to others."""

    direction: Direction = Direction.BOTH
    predicates: tuple[str, ...] | None = None
    include_invalidated: bool = False


class SearchFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a hit must be.  A kind that lacks a property named here is not searched at all."""

    sources: tuple[str, ...] | None = None
    documents: tuple[str, ...] | None = None
    entity_types: tuple[str, ...] | None = None
    created_at: TimeRange | None = None
    metadata: tuple[MetadataMatch, ...] = ()

    def covers(self, kind: Kind) -> bool:
        """Whether things of `kind` have every property that this filter names."""
        textual = kind in (Kind.CHUNK, Kind.DOCUMENT, Kind.EPISODE)
        dated = kind in (Kind.DOCUMENT, Kind.ENTITY)
        return (
            (textual or (self.sources is None and self.documents is None and not self.metadata))
            and (dated or self.created_at is None)
            and (kind is Kind.ENTITY or self.entity_types is None)
        )


class Hit(msgspec.Struct, frozen=True):
    """A record that a leg of a search found.  Higher scores are better."""

    key: str
    score: float


class VectorSpace(msgspec.Struct, frozen=True):
    """The embedding model that made some vectors, and their length: only like compares with like."""

    model: str
    dimension: int


class SearchEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What a search role indexes of a record: its text, and all that filters and moments need."""

    kind: Kind
    key: str
    title: str = ""
    body: str = ""
    source: str | None = None
    document_key: str | None = None
    type: str | None = None
    created_at: datetime | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    recorded_at: datetime | None = None
    retracted_at: datetime | None = None
    tokens: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text to embed; empty when there is nothing usable."""
        return "\n".join(part for part in (self.title, self.body) if part.strip())


# What is said about stores.


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration asks a store to hold: its roles of the texts and the graph, by the names
    of `roles.Store`'s attributes; the kinds that it indexes; the vectors' space."""

    roles: frozenset[str] = frozenset()
    keywords: frozenset[Kind] = frozenset()
    vectors: frozenset[Kind] = frozenset()
    space: VectorSpace


class PoolStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A pool of a fixed number of connections.  Times in seconds; `None` where there is no such bound.

    `in_use` is `None` where the driver does not tell; `checked` says whether a connection is tried before
    it is used.
    """

    size: int
    in_use: int | None
    wait: float | None
    recycle: float | None
    checked: bool


class CacheLookup(msgspec.Struct, frozen=True):
    """What a cache has of the keys asked for, in their order, and the state of the tags at that time: a
    token each, another one after each invalidation."""

    values: Sequence[bytes | None]
    tags: Mapping[str, bytes]
