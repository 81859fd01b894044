"""The statements that read the rows of one record table: by key, by page and by parent.

`Statements` builds them, once for each shape of their arguments; a `partial` is a part yet to be built.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Table,
    exists,
    false,
    func,
    or_,
    select,
    true,
)

from backends.records import Fields, Scope
from backends.sql.dialect import CrossJoin, Dialect, one_of
from backends.sql.keyset import Conditions, Ordering, Place, Sources, Span


class Reads:
    """The statements of a table; `attributes` are the columns beside the key that a record is made of."""

    def __init__(self, dialect: Dialect, table: Table, attributes: Sequence[str]) -> None:
        self._dialect = dialect
        self._table = table
        self._attributes = attributes

    def names(self, fields: Fields) -> list[str]:
        """The columns to read for these attributes, the key first."""
        return ["key", *(name for name in self._attributes if name in fields)]

    def by_key(self, scope: Scope, keys: Sequence[str], fields: Fields) -> Select[Any]:
        """The rows of these keys."""
        c = self._table.c
        return select(*self._columns(fields)).where(c.tenant == scope.tenant, one_of(c.key, keys))

    def page(
        self, sources: partial[Sources], ordering: Ordering, span: Span, fields: Fields
    ) -> Select[Any]:
        """The rows of a page, in its own direction."""
        window = ordering.window(self._table.c.id, sources(), span).subquery("page")
        return (
            select(*self._columns(fields))
            .join(window, window.c.row == self._table.c.id)
            .order_by(*ordering.order_of(window, backward=span.backward))
        )

    def of_windows(
        self,
        keys: Sequence[str],
        window: partial[Select[Any]],
        fields: Fields,
        scope: Scope | None,
    ) -> Select[Any]:
        """The place of each parent, with the rows that a window names: by number, in a scope by key."""
        c = self._table.c
        parent, item = self._per_parent(keys, window)
        target = (c.id if scope is None else c.key) == item.c.value
        return (
            select(parent.c.key, *self._columns(fields))
            .select_from(CrossJoin(CrossJoin(parent, item, true()), self._table, target))
            .where(*([] if scope is None else [c.tenant == scope.tenant]))
            .order_by(parent.c.key, item.c.key)
        )

    def values(self, keys: Sequence[str], window: partial[Select[Any]]) -> Select[Any, Any]:
        """The place of each parent, with the first column of a window."""
        parent, item = self._per_parent(keys, window)
        return (
            select(parent.c.key, item.c.value)
            .select_from(CrossJoin(parent, item, true()))
            .order_by(parent.c.key, item.c.key)
        )

    def counts(self, keys: Sequence[str], counted: partial[ColumnElement[Any]]) -> Select[Any, Any]:
        """The place of each parent, with an expression that names `PARENT`."""
        parent = self._dialect.parents(keys)
        return select(parent.c.key, counted()).select_from(parent).order_by(parent.c.key)

    def count(self, conditions: partial[Conditions]) -> Select[Any]:
        """How many rows meet the conditions."""
        return select(func.count()).select_from(self._table).where(*conditions())

    def outside(
        self,
        sources: partial[Sources],
        ordering: Ordering,
        after: Place | None,
        before: Place | None,
        keys: Sequence[str] | None,
    ) -> Select[Any]:
        """Whether a row stands at or before `after`, and at or after `before`; of parents, if there are
        `keys`."""
        built = sources()
        found: list[ColumnElement[Any]] = [
            false()
            if place is None
            else or_(
                *(
                    exists(select(1).where(*source, ordering.reaches(place, forward=forward)))
                    for source in built
                )
            )
            for place, forward in ((after, False), (before, True))
        ]
        statement = select(*found)
        if keys is None:
            return statement
        return statement.select_from(self._dialect.parents(keys))

    def _columns(self, fields: Fields) -> list[ColumnElement[Any]]:
        return [self._table.c[name] for name in self.names(fields)]

    def _per_parent(
        self, keys: Sequence[str], window: partial[Select[Any]]
    ) -> tuple[FromClause, FromClause]:
        return self._dialect.parents(keys), self._dialect.per_parent(window())


def count_where(table: Table, conditions: Conditions) -> ColumnElement[int]:
    """A count for `Reads.counts`, the conditions naming `PARENT`."""
    return select(func.count()).select_from(table).where(*conditions).scalar_subquery()
