"""How many calls a query makes to each role: from its shape, never from its rows; and which columns."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from backends.sql.chunks import SqlChunks
from backends.sql.documents import SqlDocuments
from backends.sql.entities import SqlEntities
from tests.support import Gateway, counts_calls, fill, running

CALLS: dict[str, tuple[str, dict[str, int]]] = {
    "chunks and entities of documents": (
        "{ documents(first: 200) { nodes { key chunks(first: 2) { nodes { key"
        " entities(first: 2) { nodes { name } } } } } } }",
        {"documents": 1, "chunks": 1, "mentions": 1},
    ),
    "totalCount costs a count only": (
        "{ documents(first: 200) { nodes { key chunks { totalCount } } } }",
        {"documents": 1, "chunks": 1},
    ),
    "totalCount beside a page": (
        "{ documents(first: 200) { totalCount nodes { key chunks { totalCount nodes { key } } } } }",
        {"documents": 2, "chunks": 2},
    ),
    "facts with both ends": (
        "{ entities(first: 200) { nodes { facts { nodes { subject { name } object { name } } } } } }",
        {"entities": 2, "facts": 1},
    ),
    "ends whose keys are enough": (
        "{ entities(first: 200) { nodes { facts { nodes { subject { key } object { id } } } } } }",
        {"entities": 1, "facts": 1},
    ),
    "neighbours with their facts": (
        "{ entities(first: 200) { nodes { neighbors { totalCount edges { node { name }"
        " facts(first: 2) { key } } } } } }",
        {"entities": 1, "facts": 3},
    ),
    "provenance": (
        "{ entities(first: 200) { nodes { facts { nodes { episodes { nodes { document { title"
        " chunks { nodes { text } } } } } } } } } }",
        {"entities": 1, "facts": 1, "episodes": 1, "documents": 1, "chunks": 1},
    ),
    "texts of entities": (
        "{ entities(first: 200) { nodes { chunks(first: 3) { nodes { text previous { key }"
        " next { key } document { title } } } } } }",
        {"entities": 1, "mentions": 1, "chunks": 3, "documents": 1},
    ),
    "two snapshots": (
        '{ a: snapshot(validAt: "2001-01-01T00:00:00Z") { entities(first: 200) { nodes { facts {'
        ' nodes { key } } } } } b: snapshot(validAt: "2002-01-01T00:00:00Z") { entities(first: 200) {'
        " nodes { facts { nodes { key } } } } } }",
        {"entities": 1, "facts": 2},
    ),
    "hybrid search": (
        '{ search(query: "word", first: 50) { nodes { ... on Document { title } ... on Chunk { text }'
        " ... on Entity { name } ... on Fact { statement } ... on Episode { content } } } }",
        {"keywords": 5, "vectors": 5, "documents": 1, "chunks": 1, "entities": 1, "facts": 1,
         "episodes": 1},
    ),
    "similar": (
        "{ documents(first: 200) { nodes { similar(first: 2) { edges { score node { title } } } } } }",
        {"documents": 2, "vectors": 1},
    ),
    "nodes alone": ("{ stores { name } }", {}),
}  # fmt: skip


def lines(count: int) -> str:
    """A memory of so many documents, each with a chunk, an entity, a fact and an episode."""
    made: list[dict[str, Any]] = []
    for i in range(count):
        d, c, e, p = f"d{i:04}", f"c{i:04}", f"e{i:04}", f"p{i:04}"
        made += [
            {"kind": "document", "key": d, "title": f"word {i}", "text": f"word number {i}"},
            {"kind": "chunk", "key": c, "document": d, "position": 0, "text": f"word {i} again"},
            {"kind": "chunk", "key": c + "b", "document": d, "position": 1, "text": f"more {i}"},
            {"kind": "entity", "key": e, "name": f"word {i}"},
            {"kind": "episode", "key": p, "content": f"word {i} came", "document": d},
            {"kind": "fact", "key": f"f{i:04}", "subject": e, "predicate": "KNOWS",
             "object": f"e{(i + 1) % count:04}", "statement": f"word {i} knows", "episodes": [p]},
            {"kind": "mention", "chunk": c, "entity": e},
            {"kind": "mention", "episode": p, "entity": e},
        ]  # fmt: skip
    return "\n".join(json.dumps(each) for each in made)


@pytest.fixture(scope="module")
async def sizes(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A memory of 5 parents and one of 500, under a page limit that lets all of them through."""
    async with AsyncExitStack() as stack:
        gateways: list[Gateway] = []
        for count in (5, 500):
            folder = tmp_path_factory.mktemp(f"memory-{count}")
            (folder / "lines.jsonl").write_text(lines(count))
            await fill(folder / "memory.db", folder / "lines.jsonl")
            gateways.append(await stack.enter_async_context(running(folder / "memory.db")))
        yield gateways


@pytest.mark.parametrize("name", CALLS)
async def test_the_calls_of_a_query_follow_from_its_shape(sizes: list[Gateway], name: str) -> None:
    query, expected = CALLS[name]
    for gateway in sizes:
        _, calls = await gateway.calls(query)
        assert Counter(call.role for call in calls) == expected


@counts_calls
async def test_a_text_that_is_not_selected_is_never_read(
    memory: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = watch_fields(monkeypatch)
    gateway = await memory(lines(3))
    asked.clear()
    await gateway.data(
        "{ documents(first: 5) { nodes { title chunks(first: 2) { nodes { key } } } } }"
    )
    assert asked == [{"title"}, {"key"}]


@counts_calls
async def test_a_search_reads_of_each_kind_what_is_selected_on_it(
    memory: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = watch_fields(monkeypatch)
    gateway = await memory(lines(3))
    asked.clear()
    await gateway.data(
        """{ search(query: "word", kinds: [DOCUMENT, CHUNK]) { nodes { ...name
            ... on Chunk { text } ... on Document { title } ... on Node { id } } } }
        fragment name on Memory { __typename ... on Chunk { position } }"""
    )
    assert sorted(asked, key=len) == [{"title"}, {"text", "position"}]


@counts_calls
async def test_a_cursor_asks_for_what_orders_the_list(
    memory: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = watch_fields(monkeypatch)
    gateway = await memory(lines(3))
    asked.clear()
    await gateway.data(
        "{ documents(first: 5) { nodes { chunks(first: 2) { edges { cursor } } } } }"
    )
    assert asked == [set(), {"position"}]


def watch_fields(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The attributes that the stores of texts are asked for, call by call."""
    asked: list[set[str]] = []

    def watched(original: Callable[..., Any]) -> Callable[..., Any]:
        async def call(self: Any, *arguments: Any) -> Any:
            asked.append(set(arguments[-1]))
            return await original(self, *arguments)

        return call

    for role, methods in (
        (SqlDocuments, ("find", "get_many")),
        (SqlChunks, ("of_documents", "get_many")),
    ):
        for method in methods:
            monkeypatch.setattr(role, method, watched(getattr(role, method)))
    return asked


async def test_branches_to_different_roles_do_not_wait_for_one_another(
    memory: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The texts answer only after the graph was asked: were branches in turn, neither would end."""
    graph_asked = asyncio.Event()
    find = SqlDocuments.find

    async def waits(self: Any, *arguments: Any) -> Any:
        await graph_asked.wait()
        return await find(self, *arguments)

    find_entities = SqlEntities.find

    async def tells(self: Any, *arguments: Any) -> Any:
        graph_asked.set()
        return await find_entities(self, *arguments)

    monkeypatch.setattr(SqlDocuments, "find", waits)
    monkeypatch.setattr(SqlEntities, "find", tells)
    gateway = await memory(lines(3))
    data = await gateway.data(
        "{ documents(first: 1) { nodes { key } } entities(first: 1) { nodes { key } } }"
    )
    assert data["documents"]["nodes"]
    assert data["entities"]["nodes"]
