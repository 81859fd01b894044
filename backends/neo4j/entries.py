"""The search index's entries: nodes of their own, what both search roles of a store filter by.

    (:ChunkEntry {tenant, key, keyOrder, source, documentKey, type, createdAt, validFrom, validTo,
                  recordedAt, retractedAt, tokens})   and one label for each other kind
        text, marks       written by `Keywords`, in the kind's full-text index
        vector, digest    written by `Vectors`, in the kind's vector index
    (:SearchSpace {tenant, kind, model, dimension})   what fills the vectors of a tenant and kind

Labels and the names of indexes come from the tables here, never from data.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from backends.errors import ConfigurationError
from backends.neo4j.engine import Neo4jEngine
from backends.neo4j.moments import clocks, heard_of, known, visible
from backends.neo4j.values import ordered, time_text
from backends.records import Kind, Moment, Needs, Scope, SearchEntry, SearchFilter

T = TypeVar("T")

LABELS = {kind: f"{kind.value.title()}Entry" for kind in Kind}
"""The label of each kind's entries."""

SPACE = "SearchSpace"
"""The label of what says which model filled a kind."""

WORD_INDEXES = {kind: f"memory_search_{kind.value.lower()}_words" for kind in Kind}
VECTOR_INDEXES = {kind: f"memory_search_{kind.value.lower()}_vectors" for kind in Kind}

_ANALYZERS = {"simple": "standard-no-stop-words"}
"""Analyzers by the names that every store has; any other name is Neo4j's own.  (What Lucene calls
simple would lose the digits.)"""

_ANALYZER = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_CONNECTIONS, _BREADTH = 32, 200
"""Of the vector index's graph.  With Neo4j's own 16 and 100 an index that is built at once may lose half
of what is near (2026.08, 17,171 real chunks with many equal ones among them), with these a hundredth."""

_TIMES = {
    "createdAt": "created_at",
    "validFrom": "valid_from",
    "validTo": "valid_to",
    "recordedAt": "recorded_at",
    "retractedAt": "retracted_at",
}
"""Properties that hold a time, and the attributes of an entry that they are."""

_ROW, _PORTION = 1_000, 1_000_000
"""Characters or numbers that a row weighs at least, and that one query writes at most."""


def search_schema(needs: Needs, language: str) -> dict[str, str]:
    """The statements that make what the search roles need, by the name of the index or constraint.

    Raises ConfigurationError for a `language` that can be no analyzer's name.
    """
    if _ANALYZER.fullmatch(language) is None:
        raise ConfigurationError(
            f"language {language!r} is no analyzer's name; write english, simple, or one that "
            "CALL db.index.fulltext.listAvailableAnalyzers() lists"
        )
    schema: dict[str, str] = {}
    for kind in Kind:
        if kind in needs.keywords | needs.vectors:
            schema |= _keys(kind)
        if kind in needs.keywords:
            schema |= _words(kind, _ANALYZERS.get(language, language))
        if kind in needs.vectors:
            schema |= _vectors(kind, needs.space.dimension)
    if needs.vectors:
        schema["memory_search_space"] = (
            f"CREATE CONSTRAINT memory_search_space IF NOT EXISTS "
            f"FOR (n:{SPACE}) REQUIRE (n.tenant, n.kind) IS UNIQUE"
        )
    return schema


async def outdated(engine: Neo4jEngine, needs: Needs, language: str) -> dict[str, str]:
    """The statements that drop what was made for another dimension or analyzer, by the name of the index:
    `search_schema` makes it anew, and the server fills it from what is there."""
    query = """
        SHOW INDEXES YIELD name, options WHERE name IN $names
        RETURN name, options.indexConfig['vector.dimensions'],
            options.indexConfig['fulltext.analyzer']"""
    wanted: dict[str, Any] = {VECTOR_INDEXES[kind]: needs.space.dimension for kind in needs.vectors}
    wanted |= {WORD_INDEXES[kind]: _ANALYZERS.get(language, language) for kind in needs.keywords}
    rows = await engine.rows(query, {"names": list(wanted)})
    return {
        name: f"DROP INDEX {name} IF EXISTS"
        for name, dimension, analyzer in rows
        if wanted[name] not in (dimension, analyzer)
    }


def passing(
    scope: Scope, kind: Kind, where: SearchFilter, moment: Moment | None
) -> tuple[str, dict[str, Any]]:
    """What an entry `n` must be to be found, as a condition with its parameters; at any moment if none
    is given."""
    conditions = ["n.tenant = $tenant"]
    given: dict[str, Any] = {"tenant": scope.tenant}
    for name, column, values in (
        ("sources", "source", where.sources),
        ("documents", "documentKey", where.documents),
        ("types", "type", where.entity_types),
    ):
        if values is not None:
            conditions.append(f"n.{column} IN ${name}")
            given[name] = list(values)
    if (span := where.created_at) is not None:
        for name, sign, limit in (("start", ">=", span.start), ("end", "<", span.end)):
            if limit is not None:
                conditions.append(f"n.createdAt {sign} ${name}")
                given[name] = limit
    for number, match in enumerate(where.metadata):
        quantifier = "none" if match.negated else "any"
        conditions.append(f"{quantifier}(token IN $tokens{number} WHERE token IN n.tokens)")
        given[f"tokens{number}"] = list(match.tokens)
    if moment is not None and kind is Kind.FACT:
        conditions.append(visible("n", include_invalidated=False))
        given |= clocks(moment)
    elif moment is not None and kind is Kind.EPISODE:
        conditions.append(heard_of("n"))
        given |= known(moment.known_at)
    return " AND ".join(conditions), given


def hopeless(where: SearchFilter) -> bool:
    """Whether nothing can pass: an empty list matches nothing."""
    tokens = [match.tokens for match in where.metadata if not match.negated]
    return () in (where.sources, where.documents, where.entity_types, *tokens)


def last_of(entries: Iterable[SearchEntry], kind: Kind) -> list[SearchEntry]:
    """The last of each key, in the order of the keys: so all who write lock in the same order."""
    last = {entry.key: entry for entry in entries if entry.kind is kind}
    return [entry for _, entry in sorted(last.items())]


def row_of(entry: SearchEntry, **more: Any) -> dict[str, Any]:
    """An entry as `write_entries` takes it, with more properties of one role's own."""
    properties = {
        "keyOrder": ordered(entry.key),
        "source": entry.source,
        "documentKey": entry.document_key,
        "type": entry.type,
        "tokens": list(entry.tokens),
    }
    times = {name: time_text(getattr(entry, field)) for name, field in _TIMES.items()}
    return {"key": entry.key, "properties": properties | more, "times": times}


async def write_entries(
    engine: Neo4jEngine, scope: Scope, kind: Kind, rows: Iterable[dict[str, Any]]
) -> None:
    """Write entries of a kind; a property that is not given stays as it is."""
    times = ", ".join(f"n.{name} = datetime(row.times.{name})" for name in _TIMES)
    query = f"""
        UNWIND $rows AS row
        MERGE (n:{LABELS[kind]} {{tenant: $tenant, key: row.key}})
        SET n += row.properties, {times}"""
    for portion in portions(rows, lambda row: len(row["properties"].get("text", ""))):
        await engine.write(query, {"rows": portion, "tenant": scope.tenant})


async def delete_entries(
    engine: Neo4jEngine, scope: Scope, kind: Kind, keys: Sequence[str]
) -> None:
    """Delete entries, with their words and vectors."""
    query = f"""
        UNWIND $keys AS key
        MATCH (n:{LABELS[kind]} {{tenant: $tenant, key: key}})
        DELETE n"""
    async with engine.batch():
        for portion in portions(dict.fromkeys(keys), len):
            await engine.write(query, {"keys": portion, "tenant": scope.tenant})


def portions(rows: Iterable[T], weigh: Callable[[T], int]) -> Iterator[list[T]]:
    """The rows in portions that a server holds with ease while it writes them."""
    portion: list[T] = []
    weight = 0
    for row in rows:
        portion.append(row)
        weight += _ROW + weigh(row)
        if weight >= _PORTION:
            yield portion
            portion, weight = [], 0
    if portion:
        yield portion


def _keys(kind: Kind) -> dict[str, str]:
    stem, label = f"memory_search_{kind.value.lower()}", LABELS[kind]
    schema = {
        f"{stem}_key": f"CREATE CONSTRAINT {stem}_key IF NOT EXISTS "
        f"FOR (n:{label}) REQUIRE (n.tenant, n.key) IS UNIQUE"
    }
    if kind in (Kind.CHUNK, Kind.EPISODE):
        schema[f"{stem}_document"] = (
            f"CREATE INDEX {stem}_document IF NOT EXISTS "
            f"FOR (n:{label}) ON (n.tenant, n.documentKey)"
        )
    return schema


def _words(kind: Kind, analyzer: str) -> dict[str, str]:
    name = WORD_INDEXES[kind]
    return {
        name: f"CREATE FULLTEXT INDEX {name} IF NOT EXISTS "
        f"FOR (n:{LABELS[kind]}) ON EACH [n.text, n.marks] "
        f"OPTIONS {{indexConfig: {{`fulltext.analyzer`: '{analyzer}'}}}}"
    }


def _vectors(kind: Kind, dimension: int) -> dict[str, str]:
    name = VECTOR_INDEXES[kind]
    return {
        name: f"CREATE VECTOR INDEX {name} IF NOT EXISTS FOR (n:{LABELS[kind]}) ON (n.vector) "
        f"OPTIONS {{indexConfig: {{`vector.dimensions`: {int(dimension)}, "
        f"`vector.similarity_function`: 'cosine', `vector.hnsw.m`: {_CONNECTIONS}, "
        f"`vector.hnsw.ef_construction`: {_BREADTH}}}}}"
    }
