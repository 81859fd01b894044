"""The vectors beside the entries of the search index: what both dialects write and read of them.

A row of the vector table is an entry's: `entry_id`, `digest` (of the text that it was made from) and
the vector in the dialect's own form.  `vector_space` says, for a tenant and kind, which model made them.
"""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, delete, insert, select, update

from backends.records import Kind, Scope, SearchEntry, VectorSpace
from backends.roles import Vector
from backends.sql import tables
from backends.sql.dialect import one_of
from backends.sql.engine import SqlEngine
from backends.sql.entries import entry_ids, write_entries
from backends.vectors import agree, unit

_E, _S = tables.search_entry.c, tables.vector_space.c

Encode = Callable[[Kind, Vector], dict[str, Any]]
"""The columns of a row that depend on the vector."""


class VectorRows:
    """Writes vectors, and reads what is known about them."""

    def __init__(self, engine: SqlEngine, table: Table, encode: Encode) -> None:
        self._engine = engine
        self._table = table
        self._encode = encode

    async def index_many(
        self,
        scope: Scope,
        entries: Sequence[SearchEntry],
        vectors: Sequence[Vector | None],
        digests: Sequence[str],
        space: VectorSpace,
    ) -> None:
        """`Vectors.index_many`."""
        async with self._engine.batch():
            await write_entries(self._engine, scope, entries)
            for kind in dict.fromkeys(entry.kind for entry in entries):
                await self._enter_space(scope, kind, space)
                chosen = [
                    (entry.key, None if vector is None else unit(vector), digest)
                    for entry, vector, digest in zip(entries, vectors, digests, strict=True)
                    if entry.kind is kind
                ]
                await self._write(scope, kind, chosen)

    async def by_key(
        self, scope: Scope, kind: Kind, keys: Sequence[str], column: ColumnElement[Any]
    ) -> dict[str, Any]:
        """A column of the vector table for each key that has a vector."""
        statement = (
            select(_E.key, column)
            .join(self._table, self._table.c.entry_id == _E.id)
            .where(_E.tenant == scope.tenant, _E.kind == kind.value, one_of(_E.key, keys))
        )
        return {row[0]: row[1] for row in await self._engine.rows(statement)}

    async def digests(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> list[str | None]:
        """`Vectors.digests`."""
        found = await self.by_key(scope, kind, keys, self._table.c.digest)
        return [found.get(key) for key in keys]

    async def spaces(self, scope: Scope) -> dict[Kind, VectorSpace]:
        """`Vectors.spaces`."""
        statement = select(_S.kind, _S.model, _S.dimension).where(_S.tenant == scope.tenant)
        rows = await self._engine.rows(statement)
        return {Kind(kind): VectorSpace(model, dimension) for kind, model, dimension in rows}

    async def _write(
        self, scope: Scope, kind: Kind, chosen: Sequence[tuple[str, Vector | None, str]]
    ) -> None:
        ids = await entry_ids(self._engine, scope, kind, [key for key, _, _ in chosen])
        rows = [
            {"entry_id": ids[key], "digest": digest, **self._encode(kind, vector)}
            for key, vector, digest in chosen
            if vector is not None
        ]
        statement = self._engine.dialect.insert(self._table)
        statement = statement.on_conflict_do_update(
            index_elements=["entry_id"],
            set_={
                column.name: statement.excluded[column.name]
                for column in self._table.c
                if column.name != "entry_id"
            },
        )
        await self._engine.write(statement, rows)
        await self._delete_stale(scope, kind, ids, [each for each in chosen if each[1] is None])
        await self._touch(scope, kind)

    async def _delete_stale(
        self,
        scope: Scope,
        kind: Kind,
        ids: dict[str, int],
        unmade: Sequence[tuple[str, Vector | None, str]],
    ) -> None:
        """Delete the vectors of a text that is no longer there."""
        there = await self.digests(scope, kind, [key for key, _, _ in unmade])
        stale = [
            ids[key]
            for (key, _, digest), before in zip(unmade, there, strict=True)
            if before not in (None, digest)
        ]
        if stale:
            await self._engine.write(delete(self._table).where(self._table.c.entry_id.in_(stale)))

    async def _enter_space(self, scope: Scope, kind: Kind, space: VectorSpace) -> None:
        """Remember what fills the kind, or refuse what does not fit what is there."""
        before = (await self.spaces(scope)).get(kind)
        if before is not None:
            agree(self._engine.name, kind, before, space)
            return
        row = {
            "tenant": scope.tenant,
            "kind": kind.value,
            "model": space.model,
            "dimension": space.dimension,
            "revision": 0,
        }
        await self._engine.write(insert(tables.vector_space), [row])

    async def _touch(self, scope: Scope, kind: Kind) -> None:
        await self._engine.write(
            update(tables.vector_space)
            .where(_S.tenant == scope.tenant, _S.kind == kind.value)
            .values(revision=_S.revision + 1)
        )
