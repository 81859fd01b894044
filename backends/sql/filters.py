"""Filters as conditions on the tables."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, exists, select

from backends.records import (
    ChunkFilter,
    DocumentFilter,
    EntityFilter,
    EpisodeFilter,
    FactFilter,
    Kind,
    MetadataMatch,
    Scope,
    SearchFilter,
    TimeRange,
)
from backends.sql import tables
from backends.sql.columns import NameList
from backends.sql.dialect import contains, one_of, same_as_any
from backends.sql.keyset import Conditions


def of_documents(scope: Scope, where: DocumentFilter) -> Conditions:
    """The documents of a tenant that pass."""
    c = tables.document.c
    conditions = [
        c.tenant == scope.tenant,
        *_listed(c.key, where.keys),
        *_sourced(c.source, where.sources),
        *_listed(c.media_type, where.media_types),
        *_within(c.created_at, where.created_at),
        *_matching(tables.document, Kind.DOCUMENT, where.metadata),
    ]
    if where.title_contains is not None:
        conditions.append(contains(c.title, where.title_contains))
    return conditions


def of_chunks(scope: Scope, where: ChunkFilter) -> Conditions:
    """The chunks of a tenant that pass."""
    c = tables.chunk.c
    conditions = [
        c.tenant == scope.tenant,
        *_listed(c.document_key, where.documents),
        *_matching(tables.chunk, Kind.CHUNK, where.metadata),
    ]
    if where.sources is not None:
        d = tables.document.c
        named = select(d.key).where(d.tenant == scope.tenant, *same_as_any(d.source, where.sources))
        conditions.append(c.document_key.in_(named))
    return conditions


def of_entities(scope: Scope, where: EntityFilter) -> Conditions:
    """The entities of a tenant that pass."""
    c = tables.entity.c
    conditions = [
        c.tenant == scope.tenant,
        *_listed(c.name, where.names),
        *_listed(c.type, where.types),
        *_within(c.created_at, where.created_at),
    ]
    if where.name_contains is not None:
        conditions.append(contains(c.name, where.name_contains))
    return conditions


def of_facts(scope: Scope, where: FactFilter) -> Conditions:
    """The facts of a tenant that pass, at whatever moment."""
    c = tables.fact.c
    return [
        c.tenant == scope.tenant,
        *_listed(c.predicate, where.predicates),
        *_listed(c.subject_key, where.subjects),
        *_listed(c.object_key, where.objects),
        *_within(c.valid_from, where.valid_from),
    ]


def of_episodes(scope: Scope, where: EpisodeFilter) -> Conditions:
    """The episodes of a tenant that pass, whenever recorded."""
    c = tables.episode.c
    conditions = [
        c.tenant == scope.tenant,
        *([] if where.kinds is None else [one_of(c.kind, where.kinds, NameList())]),
        *_sourced(c.source, where.sources),
        *_within(c.occurred_at, where.occurred_at),
    ]
    if where.mentions is not None:
        m = tables.mention.c
        naming = select(m.key).where(
            m.tenant == scope.tenant,
            m.kind == Kind.EPISODE.value,
            one_of(m.entity_key, where.mentions),
            m.entity_name.is_not(None),
        )
        conditions.append(c.key.in_(naming))
    return conditions


def of_entries(kind: Kind, where: SearchFilter) -> Conditions:
    """The entries of one kind of the search index that pass; tenant and kind are the caller's to say."""
    c = tables.search_entry.c
    return [
        *_listed(c.source, where.sources),
        *_listed(c.document_key, where.documents),
        *_listed(c.type, where.entity_types),
        *_within(c.created_at, where.created_at),
        *_matching(tables.search_entry, kind, where.metadata),
    ]


def _listed(column: ColumnElement[Any], values: Sequence[str] | None) -> Conditions:
    return [] if values is None else [one_of(column, values)]


def _sourced(column: ColumnElement[Any], values: Sequence[str] | None) -> Conditions:
    return [] if values is None else same_as_any(column, values)


def _within(column: ColumnElement[Any], span: TimeRange | None) -> Conditions:
    if span is None:
        return []
    conditions: list[ColumnElement[bool]] = []
    if span.start is not None:
        conditions.append(column >= span.start)
    if span.end is not None:
        conditions.append(column < span.end)
    return conditions


def _matching(table: Table, kind: Kind, matches: Sequence[MetadataMatch]) -> Conditions:
    t = tables.metadata_token.c
    conditions: list[ColumnElement[bool]] = []
    for match in matches:
        found = exists().where(
            t.tenant == table.c.tenant,
            t.kind == kind.value,
            t.key == table.c.key,
            one_of(t.token, match.tokens),
        )
        conditions.append(~found if match.negated else found)
    return conditions
