"""Rows of one record table as records: reading them by key, by page and by parent, and writing them."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Row, Select, Table, select

from backends.digest import digest_of
from backends.pages import Outside, page_of
from backends.records import (
    Fields,
    Order,
    Outcome,
    Page,
    PageRequest,
    Record,
    Scope,
)
from backends.sql.dialect import one_of
from backends.sql.engine import SqlEngine
from backends.sql.keyset import Conditions, Ordering, Place, Sources, Span, window_of
from backends.sql.reads import Reads

R = TypeVar("R", bound=Record)


class Rows(Generic[R]):
    """The rows of a table that are records of one type."""

    def __init__(
        self,
        engine: SqlEngine,
        table: Table,
        record: type[R],
        *,
        sorts: Mapping[str, str] | None = None,
        derive: Callable[[R], dict[str, Any]] | None = None,
    ) -> None:
        self.engine = engine
        self.table = table
        self.record = record
        self._sorts = sorts or {}
        self._derive = derive
        self._attributes = [
            field.name
            for field in msgspec.structs.fields(record)
            if field.name in table.c and field.name != "key"
        ]
        self._reads = Reads(engine.dialect, table, self._attributes)

    # Reading

    async def get_many(self, scope: Scope, keys: Sequence[str], fields: Fields) -> list[R | None]:
        """The records of these keys, `None` for gaps."""
        names = self._reads.names(fields)
        rows = await self.engine.rows(partial(self._reads.by_key, scope, keys, fields))
        found = {row[0]: self.build(names, row) for row in rows}
        return [found.get(key) for key in keys]

    async def scan(self, scope: Scope, after: str | None, limit: int) -> list[R]:
        """The first `limit` records after a key, by key, whole."""
        names = ["key", *self._attributes]
        c = self.table.c
        conditions = [c.tenant == scope.tenant, *([] if after is None else [c.key > after])]
        columns = (c[name] for name in names)
        statement = select(*columns).where(*conditions).order_by(c.key).limit(limit)
        return [self.build(names, row) for row in await self.engine.rows(statement)]

    async def page(
        self,
        conditions: partial[Conditions],
        ordering: Ordering,
        page: PageRequest,
        fields: Fields,
    ) -> Page[R]:
        """A page of the rows that meet the conditions."""
        names, sources = self._reads.names(fields), partial(_alone, conditions)
        statement = partial(self._reads.page, sources, ordering, Span.of(page), fields)
        items = [self.build(names, row) for row in await self.engine.rows(statement)]
        return page_of(items, page, await self.outside(sources, ordering, page))

    async def pages(
        self,
        keys: Sequence[str],
        sources: partial[Sources],
        ordering: Ordering,
        page: PageRequest,
        fields: Fields,
    ) -> list[Page[R]]:
        """A page for each parent: of the rows that meet any source's conditions, which name `PARENT`."""
        window = partial(window_of, self.table.c.id, sources, ordering, Span.of(page))
        return await self.pages_by(keys, window, sources, ordering, page, fields)

    async def pages_by(
        self,
        keys: Sequence[str],
        window: partial[Select[Any]],
        sources: partial[Sources],
        ordering: Ordering,
        page: PageRequest,
        fields: Fields,
        *,
        scope: Scope | None = None,
    ) -> list[Page[R]]:
        """As `pages`, over a window on another table: see `of_windows`."""
        items = await self.of_windows(keys, window, fields, scope=scope)
        outside = await self.outside(sources, ordering, page, keys=keys)
        return [page_of(each, page, outside) for each in items]

    async def of_windows(
        self,
        keys: Sequence[str],
        window: partial[Select[Any]],
        fields: Fields,
        *,
        scope: Scope | None = None,
    ) -> list[list[R]]:
        """The rows that a window's first column names for each parent: by number, or in a scope by key."""
        names = self._reads.names(fields)
        items: list[list[R]] = [[] for _ in keys]
        statement = partial(self._reads.of_windows, keys, window, fields, scope)
        for row in await self.engine.rows(statement):
            items[row[0]].append(self.build(names, row[1:]))
        return items

    async def values(self, keys: Sequence[str], window: partial[Select[Any]]) -> list[list[str]]:
        """The first column of a window that names `PARENT`, for each parent."""
        values: list[list[str]] = [[] for _ in keys]
        for place, value in await self.engine.rows(partial(self._reads.values, keys, window)):
            values[place].append(value)
        return values

    async def outside(
        self,
        sources: partial[Sources],
        ordering: Ordering,
        page: PageRequest,
        *,
        keys: Sequence[str] = (),
    ) -> Outside:
        """What stands outside a page's bounds; an EXISTS for each bound, and none where nothing asks.

        `keys` are the parents that the sources name: a page with a bound has one of them at most.
        """
        after, before = Place.of(page.after), Place.of(page.before)
        if not page.ends or (after is None and before is None):
            return False, False
        statement = partial(self._reads.outside, sources, ordering, after, before, keys[:1] or None)
        stands_before, stands_after = (await self.engine.rows(statement))[0]
        return bool(stands_before), bool(stands_after)

    async def count(self, conditions: partial[Conditions]) -> int:
        """How many rows meet the conditions."""
        return int(await self.engine.scalar(partial(self._reads.count, conditions)))

    async def counts(self, keys: Sequence[str], counted: partial[ColumnElement[Any]]) -> list[int]:
        """A number for each parent; `counted` is an expression that names `PARENT`."""
        rows = await self.engine.rows(partial(self._reads.counts, keys, counted))
        return [int(row[1]) for row in rows]

    def ordering(self, order: Order | None, default: Ordering) -> Ordering:
        """The ordering that is asked for."""
        if order is None:
            return default
        sort = self.table.c[self._sorts.get(order.by, order.by)]
        return Ordering(self.table.c.key, sort, bool(sort.nullable), order.descending)

    def build(self, names: Sequence[str], row: Row[Any] | Sequence[Any]) -> R:
        """A record of the columns read."""
        return self.record(**dict(zip(names, row, strict=True)))

    # Writing

    async def upsert(self, scope: Scope, records: Sequence[R]) -> tuple[list[Outcome], list[R]]:
        """Write what differs from what is there.  Gives an outcome for each record, and those written."""
        known = await self._digests(scope, [record.key for record in records])
        outcomes: list[Outcome] = []
        changed: dict[str, R] = {}
        for record in records:
            digest = digest_of(record)
            before = known.get(record.key)
            if before == digest:
                outcomes.append(Outcome.UNCHANGED)
                continue
            outcomes.append(Outcome.LOADED if before is None else Outcome.UPDATED)
            known[record.key] = digest
            changed[record.key] = record
        written = list(changed.values())
        statement = self.engine.dialect.insert(self.table)
        replaced = {
            column.name: statement.excluded[column.name]
            for column in self.table.c
            if column.name not in ("id", "tenant", "key")
        }
        statement = statement.on_conflict_do_update(index_elements=["tenant", "key"], set_=replaced)
        await self.engine.write(statement, [self._row(scope, record) for record in written])
        return outcomes, written

    async def _digests(self, scope: Scope, keys: Sequence[str]) -> dict[str, bytes]:
        c = self.table.c
        statement = select(c.key, c.digest).where(c.tenant == scope.tenant, one_of(c.key, keys))
        return {row[0]: row[1] for row in await self.engine.rows(statement)}

    def _row(self, scope: Scope, record: R) -> dict[str, Any]:
        values = {name: getattr(record, name) for name in ("key", *self._attributes)}
        digest = digest_of(record)
        derived = self._derive(record) if self._derive else {}
        return {"tenant": scope.tenant, "digest": digest, **values, **derived}


def _alone(conditions: partial[Conditions]) -> Sources:
    return [conditions()]
