"""Lists of records: pages and counts of one list or of a list for each parent, one query each.

    UNWIND parents  CALL (parent) { a page's window  RETURN collect([…]) }  RETURN collect([place, items])

An answer is one row that holds a list: the driver takes fifty microseconds for a row, and next to nothing
for an item of a list.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from backends.neo4j.engine import Neo4jEngine
from backends.neo4j.keyset import (
    Source,
    collected,
    counted,
    outside,
    parameters_of,
    window,
)
from backends.neo4j.shapes import Column, Shape
from backends.pages import Outside, page_of
from backends.records import Entity, Episode, Fact, Fields, Page, PageRequest, Scope

R = TypeVar("R", Entity, Fact, Episode)

EACH_PARENT = "UNWIND range(0, size($parents) - 1) AS place WITH place, $parents[place] AS parent"
ANY_PARENT = "UNWIND $parents AS parent"
NO_PARENT: Sequence[Any] = [None]


class Question(msgspec.Struct, frozen=True):
    """Which rows: their sources, and the parameters that these name.

    `distinct` gives items that repeat once.
    """

    sources: Sequence[Source]
    parameters: Mapping[str, Any]
    distinct: bool = False


class Lists:
    """Lists of whatever a question's items are, as Cypher projects them."""

    def __init__(self, engine: Neo4jEngine) -> None:
        self._engine = engine

    async def pages(
        self,
        scope: Scope,
        parents: Sequence[Any],
        asked: Question,
        page: PageRequest,
        projected: str,
    ) -> list[Page[Any]]:
        """A page for each parent, of what `projected` says of an `item`."""
        if not parents:
            return []
        rows = window(asked.sources, page, distinct=asked.distinct)
        query = (
            f"{EACH_PARENT} CALL (parent) {{ {rows} RETURN collect({projected}) AS items }} "
            "RETURN collect([place, items])"
        )
        answer = await self._asked(scope, query, parents, asked, page)
        items = dict(answer)
        found = await self._outside(scope, parents, asked, page)
        return [page_of(items[place], page, found) for place in range(len(parents))]

    async def page(
        self,
        scope: Scope,
        parents: Sequence[Any],
        asked: Question,
        page: PageRequest,
        projected: str,
    ) -> Page[Any]:
        """One page over all parents together."""
        rows = window(asked.sources, page, distinct=asked.distinct)
        query = f"{ANY_PARENT} {rows} RETURN collect({projected})"
        items = await self._asked(scope, query, parents, asked, page)
        return page_of(items, page, await self._outside(scope, parents, asked, page))

    async def counts(self, scope: Scope, parents: Sequence[Any], asked: Question) -> list[int]:
        """How many items each parent has."""
        number = counted(asked.sources, distinct=asked.distinct)
        query = f"{EACH_PARENT} CALL (parent) {{ {number} }} RETURN collect([place, found])"
        answer = dict(await self._asked(scope, query, parents, asked))
        return [answer[place] for place in range(len(parents))]

    async def every(self, scope: Scope, parents: Sequence[Any], asked: Question) -> list[list[Any]]:
        """All items of each parent, once each, in no order."""
        found = collected(asked.sources)
        query = f"{EACH_PARENT} CALL (parent) {{ {found} }} RETURN collect([place, items])"
        answer = dict(await self._asked(scope, query, parents, asked))
        return [answer[place] for place in range(len(parents))]

    async def _outside(
        self, scope: Scope, parents: Sequence[Any], asked: Question, page: PageRequest
    ) -> Outside:
        found = outside(asked.sources, page)
        if found is None:
            return False, False
        query = f"{ANY_PARENT} CALL (parent) {{ {found} }} RETURN collect(outside)"
        answer = await self._asked(scope, query, parents, asked, page)
        return any(before for before, _ in answer), any(after for _, after in answer)

    async def _asked(
        self,
        scope: Scope,
        query: str,
        parents: Sequence[Any],
        asked: Question,
        page: PageRequest | None = None,
    ) -> list[Any]:
        bounds = {} if page is None else parameters_of(page)
        parameters = {"tenant": scope.tenant, "parents": parents, **asked.parameters, **bounds}
        return (await self._engine.rows(query, parameters))[0][0]


class Listing(Generic[R]):
    """Lists of records of one type."""

    def __init__(self, engine: Neo4jEngine, shape: Shape[R]) -> None:
        self._engine = engine
        self._shape = shape
        self._lists = Lists(engine)

    async def pages(
        self,
        scope: Scope,
        parents: Sequence[Any],
        asked: Question,
        page: PageRequest,
        fields: Fields,
    ) -> list[Page[R]]:
        """A page for each parent."""
        columns = self._shape.chosen(fields)
        projected = self._shape.projected("item", columns)
        pages = await self._lists.pages(scope, parents, asked, page, projected)
        return [self._built(each, columns) for each in pages]

    async def page(
        self,
        scope: Scope,
        asked: Question,
        page: PageRequest,
        fields: Fields,
        *,
        parents: Sequence[Any] = NO_PARENT,
    ) -> Page[R]:
        """One page, over all parents together where there are some."""
        columns = self._shape.chosen(fields)
        projected = self._shape.projected("item", columns)
        found = await self._lists.page(scope, parents, asked, page, projected)
        return self._built(found, columns)

    async def counts(self, scope: Scope, parents: Sequence[Any], asked: Question) -> list[int]:
        """How many records each parent has."""
        return await self._lists.counts(scope, parents, asked)

    async def count(
        self, scope: Scope, asked: Question, *, parents: Sequence[Any] = NO_PARENT
    ) -> int:
        """How many there are, over all parents together."""
        return sum(await self._lists.counts(scope, parents, asked))

    def _built(self, page: Page[Any], columns: Sequence[Column]) -> Page[R]:
        store = self._engine.name
        items = [self._shape.build(store, columns, row) for row in page.items]
        return msgspec.structs.replace(page, items=items)
