"""Rows of one record table as records: reading them by key, by page and by parent, and writing them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    Select,
    Table,
    exists,
    false,
    func,
    or_,
    select,
    true,
)

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
from backends.sql.dialect import CrossJoin, one_of
from backends.sql.engine import SqlEngine
from backends.sql.keyset import Conditions, Ordering

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

    # Reading

    async def get_many(self, scope: Scope, keys: Sequence[str], fields: Fields) -> list[R | None]:
        """The records of these keys, `None` for gaps."""
        names = self.names(fields)
        c = self.table.c
        statement = select(*(c[name] for name in names)).where(
            c.tenant == scope.tenant, one_of(c.key, keys)
        )
        found = {row[0]: self.build(names, row) for row in await self.engine.rows(statement)}
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
        self, conditions: Conditions, ordering: Ordering, page: PageRequest, fields: Fields
    ) -> Page[R]:
        """A page of the rows that meet the conditions."""
        names = self.names(fields)
        window = ordering.window(self.table.c.id, [conditions], page).subquery("page")
        statement = (
            select(*(self.table.c[name] for name in names))
            .join(window, window.c.row == self.table.c.id)
            .order_by(*ordering.order_of(window, backward=page.backward))
        )
        items = [self.build(names, row) for row in await self.engine.rows(statement)]
        return page_of(items, page, await self.outside([conditions], ordering, page))

    async def pages(
        self,
        keys: Sequence[str],
        sources: Sequence[Conditions],
        ordering: Ordering,
        page: PageRequest,
        fields: Fields,
    ) -> list[Page[R]]:
        """A page for each parent: of the rows that meet any source's conditions, which name `PARENT`."""
        window = ordering.window(self.table.c.id, sources, page)
        return await self.pages_by(keys, window, self.table.c.id, sources, ordering, page, fields)

    async def pages_by(
        self,
        keys: Sequence[str],
        window: Select[Any],
        target: ColumnElement[Any],
        sources: Sequence[Conditions],
        ordering: Ordering,
        page: PageRequest,
        fields: Fields,
        *restrict: ColumnElement[bool],
    ) -> list[Page[R]]:
        """As `pages`, over a window on another table whose first column names `target` of this one."""
        names = self.names(fields)
        parent, item = self._shapes(keys, window)
        statement = (
            select(parent.c.key, *(self.table.c[name] for name in names))
            .select_from(
                CrossJoin(CrossJoin(parent, item, true()), self.table, target == item.c.value)
            )
            .where(*restrict)
            .order_by(parent.c.key, item.c.key)
        )
        items: list[list[R]] = [[] for _ in keys]
        for row in await self.engine.rows(statement):
            items[row[0]].append(self.build(names, row[1:]))
        outside = await self.outside(sources, ordering, page, keys=keys)
        return [page_of(each, page, outside) for each in items]

    async def values(self, keys: Sequence[str], window: Select[Any]) -> list[list[str]]:
        """The first column of a window that names `PARENT`, for each parent."""
        parent, item = self._shapes(keys, window)
        statement = (
            select(parent.c.key, item.c.value)
            .select_from(CrossJoin(parent, item, true()))
            .order_by(parent.c.key, item.c.key)
        )
        values: list[list[str]] = [[] for _ in keys]
        for place, value in await self.engine.rows(statement):
            values[place].append(value)
        return values

    def _shapes(self, keys: Sequence[str], window: Select[Any]) -> tuple[FromClause, FromClause]:
        dialect = self.engine.dialect
        return dialect.parents(keys), dialect.per_parent(window)

    async def outside(
        self,
        sources: Sequence[Conditions],
        ordering: Ordering,
        page: PageRequest,
        *,
        keys: Sequence[str] = (),
    ) -> Outside:
        """What stands outside a page's bounds; an EXISTS for each bound, and none where nothing asks.

        `keys` are the parents that the sources name: a page with a bound has one of them at most.
        """
        bounds = ((page.after, False), (page.before, True))
        if not page.ends or all(position is None for position, _ in bounds):
            return False, False
        found = [
            false()
            if position is None
            else or_(
                *(
                    exists(select(1).where(*source, ordering.reaches(position, forward=forward)))
                    for source in sources
                )
            )
            for position, forward in bounds
        ]
        statement = select(*found)
        if keys:
            statement = statement.select_from(self.engine.dialect.parents(keys[:1]))
        before, after = (await self.engine.rows(statement))[0]
        return bool(before), bool(after)

    async def count(self, conditions: Conditions) -> int:
        """How many rows meet the conditions."""
        statement = select(func.count()).select_from(self.table).where(*conditions)
        return int(await self.engine.scalar(statement))

    async def counts(self, keys: Sequence[str], counted: ColumnElement[Any]) -> list[int]:
        """A number for each parent; `counted` is an expression that names `PARENT`."""
        parent = self.engine.dialect.parents(keys)
        statement = select(parent.c.key, counted).select_from(parent).order_by(parent.c.key)
        return [int(row[1]) for row in await self.engine.rows(statement)]

    def ordering(self, order: Order | None, default: Ordering) -> Ordering:
        """The ordering that is asked for."""
        if order is None:
            return default
        sort = self.table.c[self._sorts.get(order.by, order.by)]
        return Ordering(self.table.c.key, sort, bool(sort.nullable), order.descending)

    def names(self, fields: Fields) -> list[str]:
        """The columns to read for these attributes, the key first."""
        return ["key", *(name for name in self._attributes if name in fields)]

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


def count_where(table: Table, conditions: Conditions) -> ColumnElement[int]:
    """A count for `Rows.counts`, the conditions naming `PARENT`."""
    return select(func.count()).select_from(table).where(*conditions).scalar_subquery()
