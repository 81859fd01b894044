"""A coroutine a query of `benchmarks.queries`: each knows what it reads, and sends what it can at once."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import msgspec
import orjson

from backends.fusion import Leg, Result, fuse
from backends.records import Hit, Kind, Method, Moment
from backends.vectors import unit
from benchmarks.by_hand.reads import Memory, Node
from benchmarks.queries import QUERIES

THEN, NOW = datetime(2010, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)
QUESTION = "who decided about the new release"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def dump(data: Any) -> bytes:
    """JSON; times in UTC with Z, microseconds where there are any."""
    return orjson.dumps(data, option=orjson.OPT_UTC_Z)


async def documents(memory: Memory) -> bytes:
    """documents → chunks → entities."""
    found = await memory.texts.documents(20)
    columns = ("key", "position", "text")
    chunks = await memory.texts.chunks_of(_keys(found), 5, columns)
    every = list(chain.from_iterable(chunks))
    columns = ("key", "name", "type")
    entities = await memory.graph.entities_of(Kind.CHUNK, _keys(every), 3, columns)
    for chunk, mentioned in zip(every, entities, strict=True):
        chunk["entities"] = {"nodes": mentioned}
    for document, nodes in zip(found, chunks, strict=True):
        document["chunks"] = {"nodes": nodes}
    return dump({"data": {"documents": {"nodes": found}}})


async def entities(memory: Memory) -> bytes:
    """entities → facts → ends, episodes."""
    moment = _now()
    graph = memory.graph
    found = await graph.entities(20)
    columns = ("key", "predicate", "validFrom", "validTo", "subject", "object")
    facts = await graph.facts_of(_keys(found), 10, moment, columns)
    every = list(chain.from_iterable(facts))
    keys = list({fact["key"] for fact in every})
    names, drawn = await asyncio.gather(
        graph.names(_ends(every)), graph.episodes_of(keys, 2, moment.known_at)
    )
    episodes = dict(zip(keys, drawn, strict=True))
    for fact in every:
        _name_ends(fact, names)
        fact["episodes"] = {"nodes": episodes[fact["key"]]}
    for entity, nodes in zip(found, facts, strict=True):
        entity["facts"] = {"nodes": nodes}
    return dump({"data": {"entities": {"nodes": found}}})


async def snapshots(memory: Memory) -> bytes:
    """two snapshots of neighbours."""
    known_at = datetime.now(UTC)
    found = await memory.graph.entities(20)
    then, now = await asyncio.gather(
        *(_snapshot(memory, found, Moment(valid_at, known_at)) for valid_at in (THEN, NOW))
    )
    return dump({"data": {"then": then, "now": now}})


async def _snapshot(memory: Memory, found: Sequence[Node], moment: Moment) -> Node:
    graph, keys = memory.graph, _keys(found)

    async def joined() -> tuple[list[list[Node]], list[list[Node]]]:
        others = await graph.neighbors(keys, 5, moment)
        pairs = [
            (key, other["key"]) for key, each in zip(keys, others, strict=True) for other in each
        ]
        return others, await graph.facts_between(pairs, 2, moment)

    (others, facts), counts = await asyncio.gather(joined(), graph.count_neighbors(keys, moment))
    joining = iter(facts)
    nodes: list[Node] = []
    for entity, each, count in zip(found, others, counts, strict=True):
        edges = [{"node": _dated(other, moment.valid_at), "facts": next(joining)} for other in each]
        neighbors = {"totalCount": count, "edges": edges}
        nodes.append({**_dated(entity, moment.valid_at), "neighbors": neighbors})
    return {"entities": {"nodes": nodes}}


def _dated(entity: Node, valid_at: datetime) -> Node:
    """An entity with its id, which names the time that is set."""
    micros = (valid_at - EPOCH) // (datetime.resolution)
    packed = msgspec.msgpack.encode(("Entity", entity["key"], micros, None))
    return {"id": urlsafe_b64encode(packed).rstrip(b"=").decode(), "name": entity["name"]}


async def episodes(memory: Memory) -> bytes:
    """episodes → document → chunks."""
    known_at = _now().known_at
    graph = memory.graph
    found = await graph.episodes(50, known_at)
    keys = _keys(found)
    mentioned, facts, about = await asyncio.gather(
        graph.entities_of(Kind.EPISODE, keys, 5, ("key", "name")),
        graph.facts_from(keys, 5, known_at),
        _documents(memory, [episode["document"] for episode in found]),
    )
    for episode, named, drawn in zip(found, mentioned, facts, strict=True):
        document = about.get(episode.pop("document"))
        episode["entities"] = {"nodes": named}
        episode["facts"] = {"nodes": drawn}
        episode["document"] = document
    return dump({"data": {"episodes": {"nodes": found}}})


async def _documents(memory: Memory, named: Sequence[str | None]) -> dict[str | None, Node]:
    """Documents by key, each with its first chunks and what follows those."""
    keys = list({key for key in named if key is not None})
    texts = memory.texts

    async def chunks_of() -> list[list[Node]]:
        chunks = await texts.chunks_of(keys, 2, ("key", "text"))
        every = list(chain.from_iterable(chunks))
        after = await texts.next_of([chunk.pop("key") for chunk in every])
        for chunk, key in zip(every, after, strict=True):
            chunk["next"] = None if key is None else {"key": key}
        return chunks

    titles, chunks = await asyncio.gather(texts.titles(keys), chunks_of())
    return {
        key: {"title": titles[key], "chunks": {"nodes": nodes}}
        for key, nodes in zip(keys, chunks, strict=True)
        if key in titles
    }


async def search(memory: Memory) -> bytes:
    """hybrid search, explained."""
    moment = _now()
    results = (await _results(memory, moment))[:20]
    found: dict[Kind, list[str]] = {kind: [] for kind in Kind}
    for result in results:
        found[result.kind].append(result.key)
    every = await asyncio.gather(
        _chunk_nodes(memory, found[Kind.CHUNK]),
        _entity_nodes(memory, found[Kind.ENTITY], moment),
        _fact_nodes(memory, found[Kind.FACT]),
        _episode_nodes(memory, found[Kind.EPISODE]),
        _document_nodes(memory, found[Kind.DOCUMENT]),
    )
    nodes = {name: node for each in every for name, node in each.items()}
    edges = [
        {
            "score": result.score,
            "matches": [
                {"method": each.method.value, "rank": each.rank} for each in result.matches
            ],
            "node": nodes[result.kind, result.key],
        }
        for result in results
    ]
    return dump({"data": {"search": {"edges": edges}}})


async def _results(memory: Memory, moment: Moment) -> list[Result]:
    """All that any leg finds, fused: each kind by vector and by words, all at the same time."""

    async def by_vector(kind: Kind) -> list[Hit]:
        vector = await asyncio.shield(embedding)
        return await memory.indexes[kind].vectors(kind, vector, moment, memory.depth)

    async def embedded() -> Any:
        (vector,) = await memory.embed([QUESTION])
        return None if vector is None else unit(vector)

    embedding = asyncio.ensure_future(embedded())
    legs = await asyncio.gather(
        *(by_vector(kind) for kind in Kind),
        *(memory.indexes[kind].words(kind, QUESTION, moment, memory.depth) for kind in Kind),
    )
    asked = [(kind, method) for method in (Method.VECTOR, Method.KEYWORD) for kind in Kind]
    fused = [Leg("", *leg, hits) for leg, hits in zip(asked, legs, strict=True)]
    return fuse(fused, memory.weights)


Nodes = dict[tuple[Kind, str], Node]


async def _chunk_nodes(memory: Memory, keys: list[str]) -> Nodes:
    if not keys:
        return {}
    chunks, mentioned = await asyncio.gather(
        memory.texts.chunks(keys), memory.graph.entities_of(Kind.CHUNK, keys, 3, ("name",))
    )
    documents = {chunk["document"] for chunk in chunks.values()} - {None}
    titles = await memory.texts.titles(list(documents))
    return {
        (Kind.CHUNK, key): {
            "__typename": "Chunk",
            "text": (chunk := chunks[key])["text"],
            "document": {"title": titles[name]} if (name := chunk["document"]) in titles else None,
            "entities": {"nodes": nodes},
        }
        for key, nodes in zip(keys, mentioned, strict=True)
    }


async def _entity_nodes(memory: Memory, keys: list[str], moment: Moment) -> Nodes:
    if not keys:
        return {}
    names, facts = await asyncio.gather(
        memory.graph.names(keys), memory.graph.facts_of(keys, 3, moment, ("statement",))
    )
    return {
        (Kind.ENTITY, key): {"__typename": "Entity", "name": names[key], "facts": {"nodes": nodes}}
        for key, nodes in zip(keys, facts, strict=True)
    }


async def _fact_nodes(memory: Memory, keys: list[str]) -> Nodes:
    if not keys:
        return {}
    facts = await memory.graph.facts(keys)
    names = await memory.graph.names(_ends(facts.values()))
    for fact in facts.values():
        _name_ends(fact, names)
    return {(Kind.FACT, key): {"__typename": "Fact", **fact} for key, fact in facts.items()}


async def _episode_nodes(memory: Memory, keys: list[str]) -> Nodes:
    found = await memory.graph.episodes_by_key(keys) if keys else {}
    return {(Kind.EPISODE, key): {"__typename": "Episode", **each} for key, each in found.items()}


async def _document_nodes(memory: Memory, keys: list[str]) -> Nodes:
    titles = await memory.texts.titles(keys) if keys else {}
    return {
        (Kind.DOCUMENT, key): {"__typename": "Document", "title": title}
        for key, title in titles.items()
    }


def _now() -> Moment:
    now = datetime.now(UTC)
    return Moment(now, now)


def _keys(nodes: Sequence[Node]) -> list[str]:
    return [node["key"] for node in nodes]


def _ends(facts: Any) -> list[str]:
    return list({key for fact in facts for key in (fact["subject"], fact["object"])})


def _name_ends(fact: Node, names: dict[str, str]) -> None:
    """Put the ends in the place of their keys; one that nobody loaded is called by its key."""
    for end in ("subject", "object"):
        fact[end] = {"name": names.get(fact[end], fact[end])}


ANSWERS: dict[str, Callable[[Memory], Awaitable[bytes]]] = dict(
    zip(QUERIES, (documents, entities, snapshots, episodes, search), strict=True)
)
"""By the names of `QUERIES`."""
