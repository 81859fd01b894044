"""Search quality on known items: a document's title must find its document, a chunk's first sentence its
document's chunks.  Recall@10 of the vector, keyword and hybrid modes, over the same queries."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from rich.table import Table

MODES = ("VECTOR", "KEYWORD", "HYBRID")
MOST = 200
"""Queries of each sort."""
SEARCH = """query($q: String!, $mode: SearchMode!) {
  search(query: $q, mode: $mode, kinds: [CHUNK], first: 10) {
    nodes { ... on Chunk { document { key } } } } }"""

Query = tuple[str, str]
"""What is asked, and the key of the document that must be among the first ten chunks' documents."""


async def measure_recall(client: httpx.AsyncClient, folder: Path) -> Table:
    """Recall@10 by sort of query and mode."""
    table = Table(title="recall@10")
    for column in ("queries", *(mode.lower() for mode in MODES)):
        table.add_column(column)
    for name, queries in (("titles", titles(folder)), ("first sentences", sentences(folder))):
        cells = [f"{await recall(client, queries, mode):.3f}" for mode in MODES]
        table.add_row(f"{len(queries)} {name}", *cells)
    return table


async def recall(client: httpx.AsyncClient, queries: list[Query], mode: str) -> float:
    """The share of queries that find what they must."""
    found = 0
    for text, key in queries:
        variables = {"q": text, "mode": mode}
        response = await client.post("/graphql", json={"query": SEARCH, "variables": variables})
        nodes = response.json()["data"]["search"]["nodes"]
        found += any((node["document"] or {}).get("key") == key for node in nodes)
    return found / len(queries)


def titles(folder: Path) -> list[Query]:
    """Documents' titles, evenly chosen."""
    return _some([(d["title"], d["key"]) for d in lines(folder, "documents") if d.get("title")])


def sentences(folder: Path) -> list[Query]:
    """First sentences of documents' middle chunks, evenly chosen."""
    chunks: dict[str, list[Any]] = {}
    for chunk in lines(folder, "chunks"):
        chunks.setdefault(chunk["document"], []).append(chunk)
    found: list[Query] = []
    for key, each in chunks.items():
        text = re.sub(r"\s+", " ", each[len(each) // 2]["text"])
        sentence = re.split(r"(?<=[.!?]) ", text)[0].strip("# ")
        if 40 <= len(sentence) <= 300:
            found.append((sentence, key))
    return _some(found)


def lines(folder: Path, stem: str) -> Iterator[Any]:
    """The records of `stem.jsonl` or `stem.jsonl.gz`."""
    packed = folder / f"{stem}.jsonl.gz"
    if packed.exists():
        data = gzip.decompress(packed.read_bytes())
    else:
        data = (folder / f"{stem}.jsonl").read_bytes()
    for line in data.strip().split(b"\n"):
        yield json.loads(line)


def _some(queries: list[Query]) -> list[Query]:
    step = max(1, len(queries) // MOST)
    return sorted(queries)[::step][:MOST]
