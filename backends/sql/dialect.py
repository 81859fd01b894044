"""Where the dialects differ: lists of values, a window per parent, text that holds text, a transaction.

                    SQLite                                          PostgreSQL
    one_of          IN (SELECT value FROM json_each(:values))       = ANY(:values)
    parents         json_each(:keys)                                unnest(:keys) WITH ORDINALITY
    per_parent      json_each((SELECT json_group_array(…) …))       LATERAL (…)
    transaction     BEGIN IMMEDIATE                                 BEGIN, an advisory lock

Both windows answer a page for each of many parents in one statement that reads only the rows of the
pages: numbering all rows of all parents costs twenty times as much (semantics.md, For adapters).
Conditions are compiled for the dialect that runs them; the shapes below `Dialect` are its methods.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from itertools import product
from typing import Any, Protocol

import msgspec
from sqlalchemy import (
    Boolean,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    literal_column,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import Join

from backends.records import PoolStatus
from backends.sql.columns import Folded, Instant, TextList
from backends.sql.statements import bound

PARENT: ColumnElement[Any] = literal_column("parent.value", Text)
"""The parent's key inside a window made by `Dialect.per_parent`."""

HEAD = 200
"""Characters of a text without bound that a PostgreSQL index holds (a row of one is at most 2,704 bytes)."""


class Connections(msgspec.Struct, frozen=True):
    """The pools of one store: what reads run on, and what transactions do."""

    reads: AsyncEngine
    writes: AsyncEngine


class Dialect(Protocol):
    """What an engine says in its own way."""

    def connect(self) -> Connections:
        """Make the pools.  No I/O."""
        ...

    def pool(self, connections: Connections | None) -> PoolStatus:
        """How the pool of reads is."""
        ...

    def transaction(self, connection: AsyncConnection) -> AbstractAsyncContextManager[None]:
        """All of what is done within, or none; writers take turns."""
        ...

    async def refresh_statistics(self, connection: AsyncConnection) -> None:
        """After much was written: let the planner know what there is, where it does not find out."""
        ...

    def insert(self, table: Table) -> Any:
        """An INSERT that knows ON CONFLICT."""
        ...

    def parents(self, keys: Sequence[str]) -> FromClause:
        """The keys as rows of `parent`: `key` is the place in the list, from 0, `value` the key."""
        ...

    def per_parent(self, window: Select[Any]) -> FromClause:
        """The first column of a window that names `PARENT`, for each parent: `key` is the place in the
        window, `value` the column."""
        ...


class _OneOf(FunctionElement[bool]):
    type = Boolean()
    name = "one_of"
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """Itself: where a dialect has no booleans SQLAlchemy would append `= 1`, and SQLite then look at
        every row."""
        return self


def one_of(
    target: ColumnElement[Any], values: Sequence[Any], listed: TextList | None = None
) -> ColumnElement[bool]:
    """Whether `target` is among the values, however many: one parameter."""
    return _OneOf(target, bound(values, listed or TextList()))


@compiles(_OneOf)
def _one_of(element: Any, compiler: Any, **options: Any) -> str:
    target, values = (compiler.process(each, **options) for each in element.clauses)
    return f"({target} IN (SELECT value FROM json_each({values})))"


@compiles(_OneOf, "postgresql")
def _one_of_postgres(element: Any, compiler: Any, **options: Any) -> str:
    target, values = (compiler.process(each, **options) for each in element.clauses)
    return f"({target} = ANY ({values}))"


class _Head(FunctionElement[str]):
    type = Text()
    name = "head"
    inherit_cache = True


@compiles(_Head)
def _head(element: Any, compiler: Any, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(_Head, "postgresql")
def _head_postgres(element: Any, compiler: Any, **options: Any) -> str:
    return f"left({compiler.process(element.clauses, **options)}, {HEAD})"


def same(column: ColumnElement[Any], other: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """Whether two texts without bound are the same, on an index of their heads where they have one."""
    return [_Head(column) == _Head(other), column == other]


def same_as_any(column: ColumnElement[Any], values: Sequence[str]) -> list[ColumnElement[bool]]:
    """Whether a text without bound is among the values, on an index of its head where it has one."""
    return [one_of(_Head(column), values, TextList(HEAD)), one_of(column, values)]


class _Position(FunctionElement[int]):
    type = Integer()
    name = "position"
    inherit_cache = True


@compiles(_Position)
def _position(element: Any, compiler: Any, **options: Any) -> str:
    text, part = (compiler.process(each, **options) for each in element.clauses)
    return f"instr(lower({text}), {part})"


@compiles(_Position, "postgresql")
def _position_postgres(element: Any, compiler: Any, **options: Any) -> str:
    text, part = (compiler.process(each, **options) for each in element.clauses)
    return f'strpos(lower({text} COLLATE "C"), {part})'


def contains(target: ColumnElement[Any], text: str) -> ColumnElement[bool]:
    """Whether `target` holds `text`, ASCII letters of either case; no character is special."""
    return _Position(target, bound(text, Folded())) > 0  # folded as both engines' lower() here


class _Element(FunctionElement[str]):
    type = Text()
    name = "element"
    inherit_cache = True


def element(listed: ColumnElement[Any], place: int) -> ColumnElement[str]:
    """One of the texts of a JSON list."""
    return _Element(listed, literal_column(str(place), Integer))


@compiles(_Element)
def _element(element: Any, compiler: Any, **options: Any) -> str:
    listed, place = (compiler.process(each, **options) for each in element.clauses)
    return f"json_extract({listed}, '$[{place}]')"


@compiles(_Element, "postgresql")
def _element_postgres(element: Any, compiler: Any, **options: Any) -> str:
    listed, place = (compiler.process(each, **options) for each in element.clauses)
    return f"(CAST({listed} AS json) ->> {place})"


class _Unindexed(FunctionElement[Any]):
    name = "unindexed"
    inherit_cache = True


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column, but not as an index knows it: keeps a planner from walking an index in the order wanted
    when few rows are, and another index finds those."""
    wrapped = _Unindexed(column)
    wrapped.type = column.type
    return wrapped


@compiles(_Unindexed)
def _unindexed(element: Any, compiler: Any, **options: Any) -> str:
    return f"+{compiler.process(element.clauses, **options)}"


@compiles(_Unindexed, "postgresql")
def _unindexed_postgres(element: Any, compiler: Any, **options: Any) -> str:
    column = compiler.process(element.clauses, **options)
    if isinstance(element.type, Instant):
        return f"({column} + INTERVAL '0')"
    return f"({column} || '')"


class CrossJoin(Join):
    """A join that SQLite does not turn round.

    Left to itself it walks all rows of a tenant and asks the few on the left about each: for a search
    488 ms against 2, for a page of each of 1,000 parents 3.5 s against 1.2 ms.
    """

    inherit_cache = True


@compiles(CrossJoin, "sqlite")
def _cross_join(element: Any, compiler: Any, **options: Any) -> str:
    options["asfrom"] = True
    left, right = (compiler.process(side, **options) for side in (element.left, element.right))
    if linter := options.get("from_linter"):  # SQLAlchemy's check for joins that were forgotten
        ends = product(element.left._from_objects, element.right._from_objects)
        linter.edges.update(ends)
    return f"{left} CROSS JOIN {right} ON {compiler.process(element.onclause)}"
