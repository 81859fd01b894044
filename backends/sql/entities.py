"""`Entities` in SQL."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import CompoundSelect, Select, select, union

from backends.records import (
    Entity,
    EntityFilter,
    Fields,
    Order,
    Outcome,
    Page,
    PageRequest,
    Scope,
)
from backends.sql import filters, tables
from backends.sql.dialect import one_of
from backends.sql.engine import SqlEngine
from backends.sql.keyset import Ordering
from backends.sql.mentions import note_entities
from backends.sql.moments import heard_of
from backends.sql.rows import Rows

_C = tables.entity.c
BY_NAME = Ordering(_C.key, _C.name_sort)


def entity_rows(engine: SqlEngine) -> Rows[Entity]:
    """The entity table as records."""
    return Rows(
        engine,
        tables.entity,
        Entity,
        sorts={"name": "name_sort"},
        derive=lambda record: {"name_sort": record.name[: tables.SORT_LENGTH]},
    )


async def entities_or_missing(
    rows: Rows[Entity], scope: Scope, keys: Sequence[str], known_at: datetime, fields: Fields
) -> list[Entity | None]:
    """The entities of these keys; the stand-in for those that only a fact heard of names."""
    found = await rows.get_many(scope, keys, fields)
    gaps = [key for key, record in zip(keys, found, strict=True) if record is None]
    if not gaps:
        return found
    named = await rows.engine.rows(partial(_named_by_facts, scope, gaps, known_at))
    missing = {key for (key,) in named}
    return [
        Entity.missing(key) if record is None and key in missing else record
        for key, record in zip(keys, found, strict=True)
    ]


def _named_by_facts(scope: Scope, keys: Sequence[str], known_at: datetime) -> CompoundSelect[Any]:
    f = tables.fact.c
    heard = (f.tenant == scope.tenant, heard_of(f, known_at))
    return union(
        select(f.subject_key).where(*heard, one_of(f.subject_key, keys)),
        select(f.object_key).where(*heard, one_of(f.object_key, keys)),
    )


class SqlEntities:
    """Plays `Entities`."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine
        self._rows = entity_rows(engine)

    async def get_many(
        self, scope: Scope, keys: Sequence[str], known_at: datetime, fields: Fields
    ) -> list[Entity | None]:
        return await entities_or_missing(self._rows, scope, keys, known_at, fields)

    async def named(self, scope: Scope, names: Sequence[str], limit: int) -> list[list[str]]:
        sorts = [name[: tables.SORT_LENGTH] for name in names]
        statement = partial(_of_names, scope, names, sorts)
        keys: dict[str, list[str]] = {}
        for name, key in await self._engine.rows(statement):
            keys.setdefault(name, []).append(key)
        return [keys.get(name, [])[:limit] for name in names]

    async def find(
        self,
        scope: Scope,
        where: EntityFilter,
        order: Order | None,
        page: PageRequest,
        fields: Fields,
    ) -> Page[Entity]:
        conditions = partial(filters.of_entities, scope, where)
        return await self._rows.page(conditions, self._rows.ordering(order, BY_NAME), page, fields)

    async def count(self, scope: Scope, where: EntityFilter) -> int:
        return await self._rows.count(partial(filters.of_entities, scope, where))

    async def scan(self, scope: Scope, after: str | None, limit: int) -> list[Entity]:
        return await self._rows.scan(scope, after, limit)

    async def upsert_many(self, scope: Scope, records: Sequence[Entity]) -> list[Outcome]:
        async with self._engine.batch():
            outcomes, written = await self._rows.upsert(scope, records)
            await note_entities(self._engine, scope, written)
        return outcomes


def _of_names(scope: Scope, names: Sequence[str], sorts: Sequence[str]) -> Select[Any, Any]:
    return (
        select(_C.name, _C.key)
        .where(_C.tenant == scope.tenant, one_of(_C.name_sort, sorts), one_of(_C.name, names))
        .order_by(_C.name, _C.key)
    )
