"""`Keywords` in SQLite: FTS5 with Porter stemming, ranked by bm25.

Any word of the query may match.  Words are what the index's tokenizer takes for words, each quoted, so
that no operator of FTS5's language is ever read in a query.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Float, Integer, Select, Text, column, literal_column, select, table

from backends.records import Hit, Kind, Moment, Scope, SearchEntry, SearchFilter
from backends.sql import tables
from backends.sql.dialect import CrossJoin
from backends.sql.engine import SqlEngine
from backends.sql.entries import delete_entries, searched, write_entries
from backends.sql.statements import bound
from backends.words import words_of


class Fts5Keywords:
    """Plays `Keywords`."""

    def __init__(self, engine: SqlEngine) -> None:
        self._engine = engine

    async def search(
        self,
        scope: Scope,
        kind: Kind,
        query: str,
        where: SearchFilter,
        moment: Moment,
        depth: int,
    ) -> list[Hit]:
        expression = match_expression(query)
        if not expression:
            return []
        statement = partial(_ranked, scope, kind, expression, where, moment, depth)
        return [Hit(key, value) for key, value in await self._engine.rows(statement)]

    async def index_many(self, scope: Scope, entries: Sequence[SearchEntry]) -> None:
        async with self._engine.batch():
            await write_entries(self._engine, scope, entries)

    async def remove_many(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> None:
        await delete_entries(self._engine, scope, kind, keys)


def _ranked(
    scope: Scope, kind: Kind, expression: str, where: SearchFilter, moment: Moment, depth: int
) -> Select[Any, Any]:
    """The best entries: key and score."""
    name = full_text_table(kind)
    index = table(name, column("rowid", Integer), column(name, Text))
    entry = tables.search_entry
    score = literal_column(f"-bm25({name})", Float).label("score")
    return (
        select(entry.c.key, score)
        .select_from(CrossJoin(index, entry, index.c.rowid == entry.c.id))
        .where(index.c[name].match(expression), *searched(scope, kind, where, moment))
        .order_by(score.desc(), entry.c.key)
        .limit(bound(depth, Integer()))
    )


def full_text_table(kind: Kind) -> str:
    """The FTS5 table of a kind."""
    return f"fts_{kind.value.lower()}"


def match_expression(query: str) -> str:
    """A query of plain words as an FTS5 expression; empty where there is no word."""
    return " OR ".join(f'"{word}"' for word in words_of(query))
