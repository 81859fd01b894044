"""The sections of the settings: what can be set in each, and what it is otherwise."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backends.caching.records import DEFAULT_LARGEST, DEFAULT_TTL

Origin = Annotated[str, Field(pattern=r"^(\*|https?://[^/\s*]+)$")]
"""Of a page, without a path, as browsers send it; `*` for all."""

KindName = Literal["chunk", "document", "entity", "episode", "fact"]
ByKind = str | dict[KindName, str]


class StoreSettings(BaseModel):
    """`[stores.<name>]`: the kind, seconds per call, and whatever the kind itself takes."""

    model_config = ConfigDict(extra="allow")

    kind: str
    timeout: float = Field(default=5.0, gt=0)


class RoleSettings(BaseModel):
    """`[roles]`: the store that plays each role; with one store only, it plays everything."""

    model_config = ConfigDict(extra="forbid")

    texts: str
    graph: str
    keywords: ByKind
    vectors: ByKind
    cache: str | None = None


class EmbedderSettings(BaseModel):
    """`[embedder]`: wordllama in this process, or any server with OpenAI's embeddings API."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["wordllama", "openai"] = "wordllama"
    model: str = "l2_supercat"
    dimension: int = Field(default=256, gt=0)
    url: str = "https://api.openai.com/v1"
    api_key: str | None = None
    timeout: float = Field(default=30.0, gt=0)


class LimitSettings(BaseModel):
    """`[limits]`: how much one request may ask for."""

    model_config = ConfigDict(extra="forbid")

    default_page: int = Field(default=20, ge=0)
    largest_page: int = Field(default=200, ge=1)
    longest_search: int = Field(default=10_000, ge=1)
    body_bytes: int = Field(default=1024 * 1024, ge=1)
    variables_bytes: int = Field(default=256 * 1024, ge=2)
    batch: int = Field(default=0, ge=0)
    tokens: int = Field(default=10_000, ge=1)
    depth: int = Field(default=40, ge=1)
    aliases: int = Field(default=500, ge=0)
    fields: int = Field(default=5_000, ge=1)
    overlaps: int = Field(default=10_000, ge=0)
    objects: int = Field(default=100_000, ge=1)
    seconds: float = Field(default=60.0, gt=0)


WEIGHTS = {"wordllama": (0.3, 1.0), "openai": (1.0, 0.5)}
"""What a rank of the vector and of the keyword leg is worth, by embedder, unless set: measured, see
docs/decisions/0003-search-weights.md."""


class SearchSettings(BaseModel):
    """`[search]`: how deep each leg goes, and what a rank in it is worth (unset: by embedder)."""

    model_config = ConfigDict(extra="forbid")

    depth: int = Field(default=200, ge=1)
    vector_weight: float | None = Field(default=None, ge=0)
    keyword_weight: float | None = Field(default=None, ge=0)


class LifeSettings(BaseModel):
    """`[cache.ttl]`: seconds that a record of each kind is kept; 0 keeps none."""

    model_config = ConfigDict(extra="forbid")

    document: float = Field(default=DEFAULT_TTL, ge=0)
    chunk: float = Field(default=DEFAULT_TTL, ge=0)
    entity: float = Field(default=DEFAULT_TTL, ge=0)
    fact: float = Field(default=DEFAULT_TTL, ge=0)
    episode: float = Field(default=DEFAULT_TTL, ge=0)


class CacheSettings(BaseModel):
    """`[cache]`: what the record cache keeps, where `[roles] cache` names a store for it."""

    model_config = ConfigDict(extra="forbid")

    ttl: LifeSettings = Field(default_factory=LifeSettings)
    largest_record: int = Field(default=DEFAULT_LARGEST, ge=1)


class HttpSettings(BaseModel):
    """`[http]`: the origins whose pages may ask, how answers are compressed, how many seconds the answer to a
    query by GET may be used again, and whether who asks is told of the calls to the stores."""

    model_config = ConfigDict(extra="forbid")

    cors_origins: list[Origin] = Field(default_factory=list)
    compression: Literal["gzip", "none"] = "gzip"
    max_age: int = Field(default=0, ge=0)
    trace: bool = False


class DocumentSettings(BaseModel):
    """`[documents]`: whether clients may name a document by its hash, and the manifest of those that are
    trusted."""

    model_config = ConfigDict(extra="forbid")

    automatic: bool = True
    manifest: Path | None = None
    only_trusted: bool = False

    @model_validator(mode="after")
    def _trusts_something(self) -> "DocumentSettings":
        if self.only_trusted and self.manifest is None:
            raise ValueError("only_trusted needs a manifest: without one nothing could run")
        return self


class StreamSettings(BaseModel):
    """`[streams]`: how many sockets and streaming answers may be open, how many operations on a socket, and
    how many seconds one is waited for."""

    model_config = ConfigDict(extra="forbid")

    connections: int = Field(default=1_000, ge=0)
    operations: int = Field(default=100, ge=1)
    init_seconds: float = Field(default=10.0, gt=0)
    idle_seconds: float = Field(default=300.0, gt=0)
    heartbeat_seconds: float = Field(default=12.0, gt=0)
    status_seconds: float = Field(default=5.0, gt=0)


class ExplorerSettings(BaseModel):
    """`[explorer]`: the folder of the example queries, a file `*.graphql` each, that are the page's tabs."""

    model_config = ConfigDict(extra="forbid")

    examples: Path | None = None
