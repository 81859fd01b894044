"""A memory with a hub, and calls that must not pay for it: each with the rows that it may touch.

One of 200 entities has 50,000 facts, one document as many chunks and mentions, one source as many episodes;
the others have one or two of each.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from backends.records import (
    ChunkFilter,
    Direction,
    DocumentFilter,
    Edges,
    EntityFilter,
    EpisodeFilter,
    Kind,
    PageRequest,
    Scope,
)
from tests.contract.samples import ALL_TIME, EVER, KEY_ONLY

HUB = 50_000
PARENTS = 200
TENANT = Scope("hub")


def statements(rows: str, day: str, *, size: int = HUB) -> list[str]:
    """What fills the tables; `rows` gives the numbers `n` from 1 to `size`, `day` an instant for each."""
    parent = f"CASE WHEN n <= {PARENTS} THEN n ELSE 1 END"
    return [
        "INSERT INTO document (tenant, key, digest, title, title_sort, source, metadata) "
        f"SELECT 'hub', 'd' || n, '', 'd' || n, 'd' || n, 's', '{{}}' FROM {rows}",
        "INSERT INTO chunk (tenant, key, digest, document_key, position, text, metadata) "
        f"SELECT 'hub', 'c' || n, '', 'd' || {parent}, n, 'text', '{{}}' FROM {rows}",
        "INSERT INTO entity (tenant, key, digest, name, name_sort, labels, attributes) "
        f"SELECT 'hub', 'e' || n, '', 'e' || n, 'e' || n, '[]', '{{}}' FROM {rows}",
        "INSERT INTO fact (tenant, key, digest, subject_key, predicate, object_key, attributes, "
        "valid_from) SELECT 'hub', 'f' || n, '', "
        f"'e' || {parent}, 'P', 'e' || (n % {size} + 1), '{{}}', {day} FROM {rows}",
        "INSERT INTO episode (tenant, key, digest, kind, source, occurred_at, metadata) "
        f"SELECT 'hub', 'p' || n, '', 'TEXT', 's', {day}, '{{}}' FROM {rows}",
        "INSERT INTO mention (tenant, kind, key, entity_key, document_key, loaded, entity_name) "
        f"SELECT 'hub', 'CHUNK', 'c' || n, 'e' || {parent}, 'd' || {parent}, 1, 'e' || {parent} "
        f"FROM {rows}",
        "INSERT INTO mention (tenant, kind, key, entity_key, occurred_at, loaded, entity_name) "
        f"SELECT 'hub', 'EPISODE', 'p' || n, 'e' || {parent}, {day}, 1, 'e' || {parent} "
        f"FROM {rows}",
        "INSERT INTO stub (tenant, kind, key, document_key) "
        f"SELECT 'hub', 'DOCUMENT', 'd' || n, 'd' || n FROM {rows}",
    ]


TEN = PageRequest(first=10, ends=True)
LAST = PageRequest(last=10, ends=True)
ENTITIES = [f"e{n}" for n in range(1, PARENTS + 1)]
DOCUMENTS = [f"d{n}" for n in range(1, PARENTS + 1)]
OUT, BOTH = Edges(direction=Direction.OUT), Edges()
PAGE = 11 * PARENTS
"""Rows that the pages of all parents may hold, with one to see whether a list goes on."""

Call = Callable[[Any, Scope], Awaitable[Any]]
SHAPES: dict[str, tuple[int, Call]] = {
    "documents by key": (
        2 * PARENTS,
        lambda s, t: s.documents.get_many(t, DOCUMENTS, frozenset({"title"})),
    ),
    "facts by key": (
        2 * PARENTS,
        lambda s, t: s.facts.get_many(t, [f"f{n}" for n in range(1, PARENTS + 1)], KEY_ONLY),
    ),
    "documents": (50, lambda s, t: s.documents.find(t, DocumentFilter(), None, TEN, KEY_ONLY)),
    "chunks": (50, lambda s, t: s.chunks.find(t, ChunkFilter(), LAST, KEY_ONLY)),
    "entities": (50, lambda s, t: s.entities.find(t, EntityFilter(), None, TEN, KEY_ONLY)),
    "episodes": (
        50,
        lambda s, t: s.episodes.find(t, EpisodeFilter(), None, ALL_TIME, LAST, KEY_ONLY),
    ),
    "chunks of documents": (
        2 * PAGE,
        lambda s, t: s.chunks.of_documents(t, DOCUMENTS, TEN, frozenset({"text"})),
    ),
    "facts of entities, outward": (
        2 * PAGE,
        lambda s, t: s.facts.of(t, Kind.ENTITY, ENTITIES, OUT, EVER, TEN, KEY_ONLY),
    ),
    "facts of entities, both ways": (
        3 * PAGE,
        lambda s, t: s.facts.of(t, Kind.ENTITY, ENTITIES, BOTH, EVER, LAST, KEY_ONLY),
    ),
    "neighbours": (
        6 * PAGE,
        lambda s, t: s.facts.neighbors(t, ENTITIES, BOTH, EVER, TEN, KEY_ONLY),
    ),
    "facts between": (
        2_000,
        lambda s, t: s.facts.between(
            t, [(key, f"e{n + 1}") for n, key in enumerate(ENTITIES, 1)], BOTH, EVER, 3, KEY_ONLY
        ),
    ),
    "entities of documents": (
        60_000,  # the hub's 50,000 mentions name one entity: once each takes a look at every one
        lambda s, t: s.mentions.entities_of(t, Kind.DOCUMENT, DOCUMENTS, None, TEN, KEY_ONLY),
    ),
    "chunks of entities": (
        2 * PAGE,
        lambda s, t: s.mentions.sources_of(t, Kind.CHUNK, ENTITIES, TEN),
    ),
    "episodes of entities": (
        2 * PAGE,
        lambda s, t: s.episodes.of(t, Kind.ENTITY, ENTITIES, ALL_TIME, TEN, KEY_ONLY),
    ),
    "the next chunks": (
        2_000,
        lambda s, t: s.chunks.adjacent(t, [f"c{n}" for n in range(1, 101)], "next", KEY_ONLY),
    ),
    "the episodes before": (
        2_000,
        lambda s, t: s.episodes.adjacent(
            t, [f"p{n}" for n in range(1_001, 1_101)], "previous", ALL_TIME, KEY_ONLY
        ),
    ),
}
"""Calls, each with the rows that it may touch: those of its pages and a few more, never a hub's."""
