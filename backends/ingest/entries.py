"""Records as entries of the search index: the text of each kind, and what filters need.

document   title, text        chunk     text
entity     name, summary      episode   name, content
fact       statement, else subject's name, predicate, object's name
"""

import hashlib
from collections.abc import Mapping

from backends.metadata import tokens_of
from backends.records import Chunk, Document, Entity, Episode, Fact, Kind, SearchEntry


def document_entry(record: Document) -> SearchEntry:
    """A document, found by its title and text."""
    return SearchEntry(
        kind=Kind.DOCUMENT,
        key=record.key,
        title=record.title or "",
        body=record.text or "",
        source=record.source,
        document_key=record.key,
        created_at=record.created_at,
        tokens=tuple(tokens_of(record.metadata)),
    )


def chunk_entry(record: Chunk, source: str | None) -> SearchEntry:
    """A chunk, found by its text; `source` is its document's."""
    return SearchEntry(
        kind=Kind.CHUNK,
        key=record.key,
        body=record.text,
        source=source,
        document_key=record.document_key,
        tokens=tuple(tokens_of(record.metadata)),
    )


def entity_entry(record: Entity) -> SearchEntry:
    """An entity, found by its name and summary."""
    return SearchEntry(
        kind=Kind.ENTITY,
        key=record.key,
        title=record.name,
        body=record.summary or "",
        type=record.type,
        created_at=record.created_at,
    )


def episode_entry(record: Episode) -> SearchEntry:
    """An episode, found by its name and content."""
    return SearchEntry(
        kind=Kind.EPISODE,
        key=record.key,
        title=record.name or "",
        body=record.content or "",
        source=record.source,
        document_key=record.document_key,
        recorded_at=record.recorded_at,
        tokens=tuple(tokens_of(record.metadata)),
    )


def fact_entry(record: Fact, names: Mapping[str, str]) -> SearchEntry:
    """A fact, found by its statement; without one, by the names of its ends (`names`, by key)."""
    ends = (record.subject_key, record.object_key)
    subject, target = (names.get(key, key) for key in ends)
    stated = record.statement
    return SearchEntry(
        kind=Kind.FACT,
        key=record.key,
        body=stated if stated is not None else f"{subject} {record.predicate} {target}",
        valid_from=record.valid_from,
        valid_to=record.valid_to,
        recorded_at=record.recorded_at,
        retracted_at=record.retracted_at,
    )


def text_digest(text: str) -> str:
    """What a vector remembers of the text that it was made from."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
