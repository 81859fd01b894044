"""The interchange format: one record a line, JSON, names as in the schema.

    {"kind": "document", "key": …}          {"kind": "fact", "key": …, "subject": …, …}
    {"kind": "mention", "chunk": …, "entity": …}

A line is a whole record or it is rejected; load invents nothing (semantics.md, Identity).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, cast

import msgspec

from backends.records import (
    Chunk,
    Document,
    Entity,
    Episode,
    EpisodeKind,
    Fact,
    Kind,
    Mention,
    Record,
)
from backends.times import parse_instant

LONGEST_KEY = 1_000
"""Bytes of a key, in UTF-8."""
LONGEST_PREDICATE = 200
"""Bytes of a predicate, in UTF-8: stores index it beside keys."""

DEEPEST = 100
"""Objects and lists within one another, in metadata and attributes."""

Loaded = Record | Mention
Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
Json = dict[str, Any] | None


class _Line(msgspec.Struct, tag_field="kind", rename="camel", kw_only=True):
    """What every line has."""


class _Document(_Line, tag="document", kw_only=True):
    key: str
    title: str | None = None
    uri: str | None = None
    source: str | None = None
    media_type: str | None = None
    text: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    metadata: Json = None

    def record(self) -> Document:
        return Document(
            key=_key(self.key, "key"),
            title=self.title,
            uri=self.uri,
            source=self.source,
            media_type=self.media_type,
            text=self.text,
            created_at=_time(self.created_at, "createdAt"),
            updated_at=_time(self.updated_at, "updatedAt"),
            metadata=self.metadata or {},
        )


class _Chunk(_Line, tag="chunk", kw_only=True):
    key: str
    text: str
    document: str | None = None
    position: Int32 | None = None
    token_count: Int32 | None = None
    metadata: Json = None

    def record(self) -> Chunk:
        return Chunk(
            key=_key(self.key, "key"),
            document_key=_optional_key(self.document, "document"),
            position=self.position,
            text=self.text,
            token_count=self.token_count,
            metadata=self.metadata or {},
        )


class _Entity(_Line, tag="entity", kw_only=True):
    key: str
    name: str
    type: str | None = None
    labels: list[str] | None = None
    summary: str | None = None
    attributes: Json = None
    created_at: str | None = None

    def record(self) -> Entity:
        return Entity(
            key=_key(self.key, "key"),
            name=self.name,
            type=self.type,
            labels=tuple(self.labels or ()),
            summary=self.summary,
            attributes=self.attributes or {},
            created_at=_time(self.created_at, "createdAt"),
        )


class _Fact(_Line, tag="fact", kw_only=True):
    key: str
    subject: str
    predicate: str
    object: str
    statement: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None
    recorded_at: str | None = None
    retracted_at: str | None = None
    episodes: list[str] | None = None
    attributes: Json = None

    def record(self) -> Fact:
        return Fact(
            key=_key(self.key, "key"),
            subject_key=_key(self.subject, "subject"),
            predicate=_bounded(self.predicate, "predicate", LONGEST_PREDICATE),
            object_key=_key(self.object, "object"),
            statement=self.statement,
            valid_from=_time(self.valid_from, "validFrom"),
            valid_to=_time(self.valid_to, "validTo"),
            recorded_at=_time(self.recorded_at, "recordedAt"),
            retracted_at=_time(self.retracted_at, "retractedAt"),
            episode_keys=tuple(_key(key, "episodes") for key in self.episodes or ()),
            attributes=self.attributes or {},
        )


class _Episode(_Line, tag="episode", kw_only=True):
    key: str
    name: str | None = None
    episode_kind: EpisodeKind | None = None
    content: str | None = None
    source: str | None = None
    occurred_at: str | None = None
    recorded_at: str | None = None
    document: str | None = None
    chunk: str | None = None
    metadata: Json = None

    def record(self) -> Episode:
        return Episode(
            key=_key(self.key, "key"),
            name=self.name,
            kind=self.episode_kind or EpisodeKind.TEXT,
            content=self.content,
            source=self.source,
            occurred_at=_time(self.occurred_at, "occurredAt"),
            recorded_at=_time(self.recorded_at, "recordedAt"),
            document_key=_optional_key(self.document, "document"),
            chunk_key=_optional_key(self.chunk, "chunk"),
            metadata=self.metadata or {},
        )


class _Mention(_Line, tag="mention", kw_only=True):
    entity: str
    chunk: str | None = None
    episode: str | None = None

    def record(self) -> Mention:
        entity = _key(self.entity, "entity")
        if (self.chunk is None) == (self.episode is None):
            raise ValueError("a mention names a chunk or an episode, one of the two")
        if self.chunk is not None:
            return Mention(Kind.CHUNK, _key(self.chunk, "chunk"), entity)
        return Mention(Kind.EPISODE, _key(self.episode or "", "episode"), entity)


_decoder = msgspec.json.Decoder(_Document | _Chunk | _Entity | _Fact | _Episode | _Mention)


def parse_line(line: bytes) -> Loaded:
    """The record of a line.  Raises ValueError with the reason it is rejected for."""
    try:
        line.decode()
    except UnicodeDecodeError as error:
        raise ValueError(
            f"not UTF-8: byte {error.object[error.start]:#04x} at {error.start}"
        ) from None
    try:
        parsed = _decoder.decode(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except msgspec.DecodeError as error:
        raise ValueError(_reason(line, error)) from None
    _refuse_deep([getattr(parsed, "metadata", None), getattr(parsed, "attributes", None)])
    record = parsed.record()
    if b"\\u0000" in line or b"\0" in line:
        _refuse_nul(msgspec.to_builtins(record))
    return record


def _reason(line: bytes, error: msgspec.DecodeError) -> str:
    if b"\\ud" in line.lower() and "truncated" in str(error):
        return "a lone surrogate (\\ud800 to \\udfff) is not a character"
    return str(error)


def _key(value: str, name: str) -> str:
    if not value:
        raise ValueError(f"{name} is empty; a key has 1 to {LONGEST_KEY:,} bytes")
    return _bounded(value, name, LONGEST_KEY)


def _optional_key(value: str | None, name: str) -> str | None:
    return None if value is None else _key(value, name)


def _bounded(value: str, name: str, longest: int) -> str:
    if (size := len(value.encode())) > longest:
        raise ValueError(f"{name} has {size:,} bytes; at most {longest:,} are allowed")
    return value


def _time(value: str | None, name: str) -> datetime | None:
    if value is None:
        return None
    try:
        return parse_instant(value, assume_utc=True)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _refuse_deep(level: list[Any]) -> None:
    """Refuse what code that recurses could not follow."""
    for _ in range(DEEPEST + 2):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return
    raise ValueError(f"nested too deeply; at most {DEEPEST} levels are allowed")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return cast("dict[str, Any]", value).values()
    return cast("list[Any]", value) if isinstance(value, list) else ()


def _refuse_nul(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("U+0000 is not allowed in any string")
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            _refuse_nul(key)
            _refuse_nul(inner)
    elif isinstance(value, (list, tuple)):
        for inner in cast("list[Any]", value):
            _refuse_nul(inner)
