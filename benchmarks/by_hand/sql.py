"""Documents, chunks and a graph in tables: one statement a level for all parents.

`$1` are the parents or keys, `$2` the tenant, `$3` the limit; then the moment, `$4` known and `$5` valid.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from backends.records import Kind, Moment
from benchmarks.by_hand.reads import Columns, Node

_COLUMNS = {
    "validFrom": "t.valid_from",
    "validTo": "CASE WHEN t.retracted_at > $4 THEN NULL ELSE t.valid_to END",
    "subject": "t.subject_key",
    "object": "t.object_key",
    "document": "t.document_key",
    "occurredAt": "t.occurred_at",
}
_TIMES = frozenset({"validFrom", "validTo", "occurredAt"})
_HEARD = "t.tenant = $2 AND (t.recorded_at IS NULL OR t.recorded_at <= $4)"
_HOLDING = (
    "(t.recorded_at IS NULL OR t.recorded_at <= $4) AND (t.valid_from IS NULL OR t.valid_from <= $5) "
    "AND (t.retracted_at > $4 OR t.valid_to > $5 OR (t.retracted_at IS NULL AND t.valid_to IS NULL))"
)
_HOLDS = f"t.tenant = $2 AND {_HOLDING}"
VISIBLE = {
    Kind.FACT: f" AND {_HOLDING.replace('$4', '$3').replace('$5', '$4')}",
    Kind.EPISODE: " AND (t.recorded_at IS NULL OR t.recorded_at <= $3)",
}
"""What of a kind's search entries a moment shows, its clocks from `$3` on; other kinds are not versioned."""
_NO_LOOP = "t.subject_key <> t.object_key"
_ENDS = (
    f"SELECT t.object_key AS value FROM fact t WHERE {_HOLDS} AND {_NO_LOOP} "
    "AND t.subject_key = p.value",
    f"SELECT t.subject_key AS value FROM fact t WHERE {_HOLDS} AND {_NO_LOOP} "
    "AND t.object_key = p.value",
)


class Engine(Protocol):
    """What SQLite and PostgreSQL say each in its own way."""

    tenant: str
    parents: str
    """The parents as rows of `p`: `value`, and `place` from 0."""
    place: str
    pairs: str
    """Pairs of keys as rows of `p`, with the ends `near` and `far`."""
    near: str
    far: str
    unindexed: str
    """Put before what is sorted by, keeps the planner from walking an index in that order: where few rows
    are wanted and another index finds them."""

    async def rows(self, statement: str, *parameters: Any) -> Sequence[Any]:
        """All rows of a statement."""
        ...

    def listed(self, keys: Sequence[str]) -> Any:
        """Keys as a parameter."""
        ...

    def paired(self, pairs: Sequence[tuple[str, str]]) -> tuple[Any, Sequence[Any]]:
        """Pairs as the first parameter, and others from the sixth on."""
        ...

    def time(self, instant: datetime) -> Any:
        """A time as a parameter."""
        ...

    def read_time(self, value: Any) -> datetime | None:
        """A time of a row."""
        ...

    def among(self, column: str) -> str:
        """Whether a column is among the keys."""
        ...

    def each(
        self,
        table: str,
        sources: Sequence[str],
        order: str,
        columns: str,
        *,
        join: str = "",
        parents: str = "",
    ) -> str:
        """The first `$3` rows `t` of each parent's sources, place first."""
        ...

    def values(self, window: str) -> str:
        """The column `value` of a window that names `p`, as rows of `o`."""
        ...


class Tables:
    """Plays `Texts` and `Graph`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._tenant = engine.tenant

    # Texts

    async def documents(self, first: int) -> list[Node]:
        columns = ("key", "title")
        return await self._list("document t WHERE t.tenant = $1", "t.key", columns, first)

    async def titles(self, keys: Sequence[str]) -> dict[str, str | None]:
        return dict(map(tuple, await self._rows_of("document", keys, ("title",))))

    async def chunks(self, keys: Sequence[str]) -> dict[str, Node]:
        return await self._by_key("chunk", keys, ("text", "document"))

    async def chunks_of(
        self, documents: Sequence[str], first: int, columns: Columns
    ) -> list[list[Node]]:
        source = "t.tenant = $2 AND t.document_key = p.value"
        order = "t.position NULLS LAST, t.key"
        statement = self._engine.each("chunk", [source], order, _selected(columns))
        return await self._pages(statement, documents, columns, first)

    async def next_of(self, chunks: Sequence[str]) -> list[str | None]:
        engine = self._engine
        statement = (
            f"SELECT {engine.place}, (SELECT t.key FROM chunk t WHERE t.tenant = $2 "
            "AND t.document_key = me.document_key AND (t.position, t.key) > (me.position, me.key) "
            f"ORDER BY t.position, t.key LIMIT 1) FROM {engine.parents} "
            "CROSS JOIN chunk me WHERE me.tenant = $2 AND me.key = p.value"
        )
        return await self._values(statement, chunks)

    # Graph

    async def entities(self, first: int) -> list[Node]:
        order = "t.name_sort, t.key"
        return await self._list("entity t WHERE t.tenant = $1", order, ("key", "name"), first)

    async def names(self, keys: Sequence[str]) -> dict[str, str]:
        return dict(map(tuple, await self._rows_of("entity", keys, ("name",))))

    async def entities_of(
        self, kind: Kind, keys: Sequence[str], first: int, columns: Columns
    ) -> list[list[Node]]:
        source = (
            f"t.tenant = $2 AND t.kind = '{kind.value}' AND t.key = p.value AND t.loaded = 1 "
            "AND t.entity_name IS NOT NULL"
        )
        statement = self._engine.each(
            "mention",
            [source],
            "t.entity_name, t.entity_key",
            ", ".join(f"e.{name}" for name in columns),
            join="CROSS JOIN entity e WHERE e.tenant = $2 AND e.key = t.entity_key",
        )
        return await self._pages(statement, keys, columns, first)

    async def facts(self, keys: Sequence[str]) -> dict[str, Node]:
        return await self._by_key("fact", keys, ("statement", "subject", "object"))

    async def facts_of(
        self, entities: Sequence[str], first: int, moment: Moment, columns: Columns
    ) -> list[list[Node]]:
        out = f"{_HOLDS} AND t.subject_key = p.value"
        into = f"{_HOLDS} AND t.object_key = p.value AND {_NO_LOOP}"
        statement = self._engine.each("fact", [out, into], _BY_VALID, _selected(columns))
        return await self._pages(statement, entities, columns, first, *self._clocks(moment))

    async def facts_from(
        self, episodes: Sequence[str], first: int, known_at: datetime
    ) -> list[list[Node]]:
        source = (
            f"{_HEARD} AND t.key IN (SELECT l.fact_key FROM fact_episode l "
            "WHERE l.tenant = $2 AND l.episode_key = p.value)"
        )
        columns = ("statement",)
        order = f"{self._engine.unindexed}{_BY_VALID}"
        statement = self._engine.each("fact", [source], order, _selected(columns))
        return await self._pages(statement, episodes, columns, first, self._engine.time(known_at))

    async def facts_between(
        self, pairs: Sequence[tuple[str, str]], first: int, moment: Moment
    ) -> list[list[Node]]:
        engine = self._engine
        out = f"{_HOLDS} AND t.subject_key = {engine.near} AND t.object_key = {engine.far}"
        back = f"{_HOLDS} AND t.object_key = {engine.near} AND t.subject_key = {engine.far}"
        columns = ("predicate",)
        statement = engine.each(
            "fact", [out, back], _BY_VALID, _selected(columns), parents=engine.pairs
        )
        ends, more = engine.paired(pairs)
        clocks = self._clocks(moment)
        rows = await engine.rows(statement, ends, self._tenant, first, *clocks, *more)
        return self._grouped(rows, len(pairs), columns)

    async def neighbors(
        self, entities: Sequence[str], first: int, moment: Moment
    ) -> list[list[Node]]:
        engine = self._engine
        ends = " UNION ".join(
            f"SELECT value FROM (SELECT DISTINCT value FROM ({end}) AS e{place} "
            f"ORDER BY value LIMIT $3) AS l{place}"
            for place, end in enumerate(_ENDS)
        )
        window = f"SELECT value FROM ({ends}) AS u ORDER BY value LIMIT $3"
        statement = (
            f"SELECT {engine.place}, o.value, coalesce(e.name, o.value) FROM {engine.parents} "
            f"CROSS JOIN {engine.values(window)} "
            "LEFT JOIN entity e ON e.tenant = $2 AND e.key = o.value ORDER BY 1, 2"
        )
        clocks = self._clocks(moment)
        return await self._pages(statement, entities, ("key", "name"), first, *clocks)

    async def count_neighbors(self, entities: Sequence[str], moment: Moment) -> list[int]:
        engine = self._engine
        statement = (
            (
                f"SELECT {engine.place}, (SELECT count(*) FROM ({' UNION '.join(_ENDS)}) AS u) "
                f"FROM {engine.parents}"
            )
            .replace("$4", "$3")
            .replace("$5", "$4")
        )
        return await self._values(statement, entities, *self._clocks(moment))

    async def episodes(self, first: int, known_at: datetime) -> list[Node]:
        rows = "episode t WHERE t.tenant = $1 AND (t.recorded_at IS NULL OR t.recorded_at <= $3)"
        columns = ("key", "name", "content", "occurredAt", "document")
        return await self._list(rows, _BY_TIME, columns, first, self._engine.time(known_at))

    async def episodes_by_key(self, keys: Sequence[str]) -> dict[str, Node]:
        return await self._by_key("episode", keys, ("content", "occurredAt"))

    async def episodes_of(
        self, facts: Sequence[str], first: int, known_at: datetime
    ) -> list[list[Node]]:
        source = (
            f"{_HEARD} AND t.key IN (SELECT l.episode_key FROM fact_episode l "
            "WHERE l.tenant = $2 AND l.fact_key = p.value)"
        )
        columns = ("key", "name", "occurredAt")
        order = f"{self._engine.unindexed}{_BY_TIME}"
        statement = self._engine.each("episode", [source], order, _selected(columns))
        return await self._pages(statement, facts, columns, first, self._engine.time(known_at))

    # Sending, and making dicts of rows

    async def _list(
        self, rows: str, order: str, columns: Columns, first: int, *more: Any
    ) -> list[Node]:
        statement = f"SELECT {_selected(columns)} FROM {rows} ORDER BY {order} LIMIT $2"
        found = await self._engine.rows(statement, self._tenant, first, *more)
        return self._timed([dict(zip(columns, row, strict=True)) for row in found], columns)

    async def _rows_of(self, table: str, keys: Sequence[str], columns: Columns) -> Sequence[Any]:
        """Rows by key, the key first."""
        statement = (
            f"SELECT t.key, {_selected(columns)} FROM {table} t "
            f"WHERE t.tenant = $2 AND {self._engine.among('t.key')}"
        )
        return await self._engine.rows(statement, self._engine.listed(keys), self._tenant)

    async def _by_key(self, table: str, keys: Sequence[str], columns: Columns) -> dict[str, Node]:
        rows = await self._rows_of(table, keys, columns)
        nodes = {row[0]: dict(zip(columns, row[1:], strict=True)) for row in rows}
        self._timed(list(nodes.values()), columns)
        return nodes

    async def _pages(
        self, statement: str, parents: Sequence[str], columns: Columns, first: int, *more: Any
    ) -> list[list[Node]]:
        engine = self._engine
        rows = await engine.rows(statement, engine.listed(parents), self._tenant, first, *more)
        return self._grouped(rows, len(parents), columns)

    async def _values(self, statement: str, parents: Sequence[str], *more: Any) -> list[Any]:
        """A value for each parent."""
        engine = self._engine
        found: list[Any] = [None] * len(parents)
        for place, value in await engine.rows(
            statement, engine.listed(parents), self._tenant, *more
        ):
            found[place] = value
        return found

    def _grouped(self, rows: Sequence[Any], parents: int, columns: Columns) -> list[list[Node]]:
        pages: list[list[Node]] = [[] for _ in range(parents)]
        for row in rows:
            pages[row[0]].append(dict(zip(columns, row[1:], strict=True)))
        for page in pages:
            self._timed(page, columns)
        return pages

    def _timed(self, nodes: list[Node], columns: Columns) -> list[Node]:
        for name in _TIMES.intersection(columns):
            for node in nodes:
                node[name] = self._engine.read_time(node[name])
        return nodes

    def _clocks(self, moment: Moment) -> tuple[Any, Any]:
        return self._engine.time(moment.known_at), self._engine.time(moment.valid_at)


_BY_VALID = "t.valid_from NULLS LAST, t.key"
_BY_TIME = "t.occurred_at NULLS LAST, t.key"


def clocks_of(kind: Kind, moment: Moment) -> list[datetime]:
    """The clocks that `VISIBLE` asks of a kind."""
    return {
        Kind.FACT: [moment.known_at, moment.valid_at],
        Kind.EPISODE: [moment.known_at],
    }.get(kind, [])


def _selected(columns: Columns) -> str:
    return ", ".join(_COLUMNS.get(name, f"t.{name}") for name in columns)
