"""`Keywords` in PostgreSQL: tsvector with stemming, ranked by words' frequency and rarity.

ts_rank knows how often a word stands in a text, not how rare it is.  So each word is ranked by itself
and weighed by its rarity among the tenant's entries of the kind,

    score = Σ ln(1 + N / n(word)) · ts_rank(words, word, 1)         N entries, n of them with the word

where ts_rank divides by the logarithm of the text's length.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    Integer,
    Select,
    Text,
    cast,
    column,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, REGCONFIG, TSQUERY, TSVECTOR

from backends.records import Hit, Kind, Moment, Scope, SearchEntry, SearchFilter
from backends.sql import tables
from backends.sql.engine import SqlEngine
from backends.sql.entries import delete_entries, searched, write_entries
from backends.sql.statements import bound
from backends.words import words_of

_E = tables.search_entry.c
_WORDS: ColumnElement[Any] = literal_column("search_entry.words", TSVECTOR)
BY_LENGTH = 1
"""ts_rank's normalization: divided by 1 + the logarithm of the text's length."""
COUNTED = 20_000
"""Entries that are counted to say how rare a word is: more would cost time and change little."""


class TsvectorKeywords:
    """Plays `Keywords`."""

    def __init__(self, engine: SqlEngine, language: str) -> None:
        self._engine = engine
        self._language = literal(language, Text)

    async def search(
        self,
        scope: Scope,
        kind: Kind,
        query: str,
        where: SearchFilter,
        moment: Moment,
        depth: int,
    ) -> list[Hit]:
        words = words_of(query)
        if not words:
            return []
        quoted = [f"'{word}'" for word in words]
        any_word = " | ".join(quoted)
        statement = partial(self._ranked, scope, kind, quoted, any_word, where, moment, depth)
        return [Hit(key, value) for key, value in await self._engine.rows(statement)]

    def _ranked(
        self,
        scope: Scope,
        kind: Kind,
        words: Sequence[str],
        any_word: str,
        where: SearchFilter,
        moment: Moment,
        depth: int,
    ) -> Select[Any, Any]:
        """The best entries: key and score."""
        weighed = self._weighed(scope, kind, words)
        found = (
            # Only here the words leave the table: ranked as they stand there, a long text would be
            # fetched again for each word.
            select(_E.key, _WORDS.op("||")(literal_column("''::tsvector")).label("words"))
            .where(*searched(scope, kind, where, moment), _E.kind == _inline(kind))
            .where(_WORDS.bool_op("@@")(self._parsed(bound(any_word, Text()))))
            .offset(literal_column("0"))
            .subquery("found")
        )
        rank = func.ts_rank(found.c.words, weighed.c.word, BY_LENGTH) * weighed.c.rarity
        score = select(func.sum(rank)).select_from(weighed).scalar_subquery().label("score")
        return (
            select(found.c.key, cast(score, Float))
            .order_by(literal_column("2", Float).desc(), found.c.key)
            .limit(bound(depth, Integer()))
        )

    async def index_many(self, scope: Scope, entries: Sequence[SearchEntry]) -> None:
        async with self._engine.batch():
            await write_entries(self._engine, scope, entries)

    async def remove_many(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> None:
        await delete_entries(self._engine, scope, kind, keys)

    def _weighed(self, scope: Scope, kind: Kind, words: Sequence[str]) -> Any:
        """The words that the language keeps, each with its rarity."""
        listed = func.unnest(bound(words, ARRAY(Text())))
        given = listed.table_valued("text", name="given").render_derived()
        word = self._parsed(column("text", Text, _selectable=given))
        parsed = select(word.label("word")).select_from(given).distinct().subquery("parsed")
        own = (_E.tenant == scope.tenant, _E.kind == _inline(kind))
        entries = select(1).where(*own).limit(COUNTED).subquery("entries")
        total = select(func.count()).select_from(entries).scalar_subquery()
        matching = (
            select(1)
            .where(*own, _WORDS.bool_op("@@")(parsed.c.word))
            .limit(COUNTED)
            .correlate(parsed)
            .subquery("matching")
        )
        number = select(func.count()).select_from(matching).correlate(parsed).scalar_subquery()
        rarity = func.ln(1 + cast(total, Float) / func.greatest(number, 1)).label("rarity")
        return (
            select(parsed.c.word, rarity)
            .where(func.numnode(parsed.c.word) > 0)
            .cte("weighed")
            .prefix_with("MATERIALIZED")
        )

    def _parsed(self, text: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.to_tsquery(cast(self._language, REGCONFIG), text, type_=TSQUERY())


def _inline(kind: Kind) -> ColumnElement[str]:
    """The kind as part of the statement, so that any plan may use the kind's own index."""
    return literal_column(f"'{kind.value}'", Text)
