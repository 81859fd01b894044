"""The search index's entries: what both search roles of a store filter by."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import delete, select, update

from backends.digest import digest_of
from backends.records import Kind, Moment, Scope, SearchEntry, SearchFilter
from backends.sql import filters, tables
from backends.sql.dialect import one_of
from backends.sql.engine import SqlEngine
from backends.sql.keyset import Conditions
from backends.sql.moments import heard_of, holds
from backends.sql.tokens import write_tokens

_E = tables.search_entry.c
_COLUMNS = [
    field.name
    for field in msgspec.structs.fields(SearchEntry)
    if field.name in tables.search_entry.c
]


def passing(scope: Scope, kind: Kind, where: SearchFilter) -> Conditions:
    """The entries of a tenant and kind that pass the filter."""
    return [
        _E.tenant == scope.tenant,
        _E.kind == kind.value,
        *filters.of_entries(kind, where),
    ]


def searched(scope: Scope, kind: Kind, where: SearchFilter, moment: Moment) -> Conditions:
    """Those that a leg may find at the moment."""
    conditions = passing(scope, kind, where)
    if kind is Kind.FACT:
        return [*conditions, holds(_E, moment)]
    if kind is Kind.EPISODE:
        return [*conditions, heard_of(_E, moment.known_at)]
    return conditions


async def write_entries(engine: SqlEngine, scope: Scope, entries: Sequence[SearchEntry]) -> None:
    """Write entries, replacing those of the same kind and key; one that has not changed stays untouched."""
    digests = {(entry.kind, entry.key): digest_of(entry) for entry in entries}
    for kind in dict.fromkeys(entry.kind for entry in entries):
        chosen = {entry.key: entry for entry in entries if entry.kind is kind}
        there = await _digests(engine, scope, kind, list(chosen))
        changed = [each for key, each in chosen.items() if digests[kind, key] != there.get(key)]
        rows = [
            {"tenant": scope.tenant, "kind": kind.value, "digest": digests[kind, entry.key]}
            | {name: getattr(entry, name) for name in _COLUMNS if name != "kind"}
            for entry in changed
        ]
        statement = engine.dialect.insert(tables.search_entry)
        written = ["digest", *(name for name in _COLUMNS if name not in ("kind", "key"))]
        statement = statement.on_conflict_do_update(
            index_elements=["tenant", "kind", "key"],
            set_={name: statement.excluded[name] for name in written},
        )
        await engine.write(statement, rows)
        await write_tokens(engine, scope, kind, {entry.key: entry.tokens for entry in changed})


async def _digests(
    engine: SqlEngine, scope: Scope, kind: Kind, keys: Sequence[str]
) -> dict[str, bytes | None]:
    statement = select(_E.key, _E.digest).where(
        _E.tenant == scope.tenant, _E.kind == kind.value, one_of(_E.key, keys)
    )
    return {row[0]: row[1] for row in await engine.rows(statement)}


async def delete_entries(engine: SqlEngine, scope: Scope, kind: Kind, keys: Sequence[str]) -> None:
    """Delete entries, with their vectors, and say so to what remembers them."""
    space = tables.vector_space.c
    async with engine.batch():
        await engine.write(
            delete(tables.search_entry).where(
                _E.tenant == scope.tenant, _E.kind == kind.value, one_of(_E.key, keys)
            )
        )
        await engine.write(
            update(tables.vector_space)
            .where(space.tenant == scope.tenant, space.kind == kind.value)
            .values(revision=space.revision + 1)
        )


async def entry_ids(
    engine: SqlEngine, scope: Scope, kind: Kind, keys: Sequence[str]
) -> dict[str, int]:
    """The row of each entry."""
    statement = select(_E.key, _E.id).where(
        _E.tenant == scope.tenant, _E.kind == kind.value, one_of(_E.key, keys)
    )
    return {row[0]: row[1] for row in await engine.rows(statement)}
