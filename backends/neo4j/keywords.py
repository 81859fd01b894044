"""`Keywords` in Neo4j: a full-text index a kind (Lucene), stemmed and ranked by its analyzer.

Any word of the query may match.  Words are cut and their accents stripped here, the same way in texts and
in queries, whatever the analyzer does then; each is quoted, so that no operator of Lucene's language is
ever read in a query.

Beside the text an entry has marks: a made-up word each for its tenant, source, document, type and tokens
of metadata.  The index looks for them too, and so passes over other tenants and what a filter leaves out
without touching a node; the nodes are asked again all the same, as marks are short and may coincide.
"""

import hashlib
import itertools
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from backends.errors import StoreRejected
from backends.neo4j.engine import Neo4jEngine
from backends.neo4j.entries import (
    WORD_INDEXES,
    delete_entries,
    hopeless,
    last_of,
    passing,
    row_of,
    write_entries,
)
from backends.neo4j.indexes import Found, SearchIndexes, best, deepened
from backends.records import Hit, Kind, Moment, Scope, SearchEntry, SearchFilter

MOST_WORDS = 500
MOST_CHARACTERS = 20_000
"""What is looked up of a query's distinct words; the rest would add time, not meaning."""

LONGEST_WORD = 255
"""Characters of a word that are looked up: what Lucene takes for one word."""

MOST_MARKS = 400
"""Values of a filter that are looked for as marks; with the words fewer than Lucene's 1,024 clauses."""

_MARK_LETTERS = str.maketrans("0123456789abcdef", "bcdfghjkmnpqrtvz")
"""Digits of a digest as consonants, of which no analyzer makes two words or strips an ending."""

_ADVICE = {
    "MISSING": "run memory-gateway migrate",
    "POPULATING": "it will be ready in a while",
    "FAILED": "drop it and run memory-gateway migrate",
}


class Neo4jKeywords:
    """Plays `Keywords`."""

    def __init__(self, engine: Neo4jEngine) -> None:
        self._engine = engine
        self._indexes = SearchIndexes(engine)

    async def search(
        self,
        scope: Scope,
        kind: Kind,
        query: str,
        where: SearchFilter,
        moment: Moment,
        depth: int,
    ) -> list[Hit]:
        words = _looked_up(query)
        if not words or hopeless(where):
            return []
        await self._check(kind)
        condition, given = passing(scope, kind, where, moment)
        given |= {
            "index": WORD_INDEXES[kind],
            "query": lucene_query(scope, words, where),
            "depth": depth,
        }

        async def ask(limit: int) -> Found:
            return await self._found(_few(condition), given | {"options": {"limit": limit}})

        hits = await deepened(ask, depth, whole=True)
        return best(await self._found(_all(condition), given), depth) if hits is None else hits

    async def index_many(self, scope: Scope, entries: Sequence[SearchEntry]) -> None:
        async with self._engine.batch():
            for kind in dict.fromkeys(entry.kind for entry in entries):
                chosen = last_of(entries, kind)
                rows = (row_of(entry, **_searched(scope, entry)) for entry in chosen)
                await write_entries(self._engine, scope, kind, rows)

    async def remove_many(self, scope: Scope, kind: Kind, keys: Sequence[str]) -> None:
        await delete_entries(self._engine, scope, kind, keys)

    async def _check(self, kind: Kind) -> None:
        """Raise StoreRejected where the index is not ready: there is no other way to find words."""
        if self._engine.in_batch:
            return
        name, store = WORD_INDEXES[kind], self._engine.name
        state = (await self._indexes.state(name)).state
        if state != "ONLINE":
            raise StoreRejected(
                store,
                f"store {store}: {kind.value} cannot be searched by words, the index {name} is {state}; "
                f"{_ADVICE.get(state, 'look at the server')}",
            )

    async def _found(self, query: str, parameters: dict[str, Any]) -> Found:
        try:
            ((found,),) = await self._engine.rows(query, parameters)
        except StoreRejected:
            self._indexes.forget()
            raise
        return [(key, score) for key, score in found]


def words_of(text: str) -> list[str]:
    """The words of a text or a query, in lower case and without accents."""
    bare = unicodedata.normalize("NFD", text.lower()).translate(_PLAIN)
    return unicodedata.normalize("NFC", bare).split()


def lucene_query(scope: Scope, words: Iterable[str], where: SearchFilter) -> str:
    """Any of the words, in texts that have the marks of the tenant and the filter."""
    groups = [[_mark("tenant", scope.tenant)]]
    for name, values in (
        ("source", where.sources),
        ("document", where.documents),
        ("type", where.entity_types),
    ):
        if values is not None:
            groups.append([_mark(name, value) for value in values])
    for match in where.metadata:
        if not match.negated:  # what coincides with the mark of another must not be left out
            groups.append([_mark("token", token) for token in match.tokens])
    clauses: list[str] = []
    left = MOST_MARKS
    for marks in groups:
        if len(marks) <= left:  # else the nodes are asked
            left -= len(marks)
            clauses.append(f"+marks:({_any(marks)})^0")
    return " ".join([*clauses, f"+text:({_any(words)})"])


class _Plain(dict[int, int | None]):
    """What becomes of a character: letters, digits and the marks of their scripts stay, accents go, all
    else parts words.  Filled as characters are met."""

    def __missing__(self, code: int) -> int | None:
        kept = unicodedata.category(chr(code))[0] in "LNM"
        self[code] = None if 0x300 <= code <= 0x36F else code if kept else ord(" ")
        return self[code]


_PLAIN = _Plain()


def _looked_up(query: str) -> list[str]:
    """The distinct words of a query, as far as they are looked up."""
    words = list(dict.fromkeys(word[:LONGEST_WORD] for word in words_of(query)))[:MOST_WORDS]
    ends = itertools.accumulate(map(len, words))
    return [word for word, end in zip(words, ends, strict=True) if end <= MOST_CHARACTERS]


def _any(words: Iterable[str]) -> str:
    return " OR ".join(f'"{word}"' for word in words)


def _searched(scope: Scope, entry: SearchEntry) -> dict[str, str]:
    """What the index holds of an entry."""
    marks = [_mark("tenant", scope.tenant), *(_mark("token", token) for token in entry.tokens)]
    for name, value in (
        ("source", entry.source),
        ("document", entry.document_key),
        ("type", entry.type),
    ):
        if value is not None:
            marks.append(_mark(name, value))
    text = " ".join(words_of(f"{entry.title}\n{entry.body}"))
    return {"text": text, "marks": " ".join(marks)}


def _mark(name: str, value: str) -> str:
    """The word that stands for a value."""
    data = f"{name}={value}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=6).hexdigest().translate(_MARK_LETTERS)


# One row holds all that was found: the driver takes its time for each row, not for what is in it.


def _few(condition: str) -> str:
    """The best of the index, `$options.limit` at most, those that do not pass without their key."""
    return f"""
        CALL db.index.fulltext.queryNodes($index, $query, $options) YIELD node AS n, score
        WITH n, score WHERE score > 0
        RETURN collect([CASE WHEN {condition} THEN n.key END, score])"""


def _all(condition: str) -> str:
    """The best `$depth` of everything in the index that passes."""
    return f"""
        CALL db.index.fulltext.queryNodes($index, $query) YIELD node AS n, score
        WITH n, score WHERE score > 0 AND {condition}
        WITH n, score ORDER BY score DESC, n.keyOrder LIMIT $depth
        RETURN collect([n.key, score])"""
