"""What a record cache is worth: `python -m benchmarks.cache FOLDER [--rounds N]`.

Starts PostgreSQL, Neo4j and Redis as the tests do, loads FOLDER (such as the PEP memory) into an embedded file
and into a federation, and asks each by three gateways at the same stores: without a cache, with the one in
this process, with Redis.  All take turns in one run.

    cold    no record is in the cache, as when all have expired: what is read is packed and kept
    warm    the same query once more
    to …    the ratio of a p50 to that without a cache, or to that of a cold one: below 1 is quicker

A cache holds records by key, so only what a query reads by key is any different:

    records by key      200 of them, and nothing else: as much as there is to gain
    episodes → …        the documents of 50 episodes, whole though their titles alone are selected
    entities → …        the ends of facts
    hybrid search       the records that were found, documents of chunks, ends of facts

Every answer must be that without a cache, and a warm query must ask the stores less often: if not, it says
so, and ends with 1.
"""

import asyncio
import statistics
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
import redis.asyncio
from rich.console import Console
from rich.table import Table

from backends.memory.store import MemoryStore
from backends.trace import recording
from benchmarks.federations import (
    Gateway,
    arguments,
    embedded,
    federated,
    figures,
    fill,
    running,
    settings_of,
    timed,
)
from benchmarks.queries import QUERIES
from tests.servers import neo4j, postgres
from tests.servers import redis as redis_server

ROUNDS = 30
WARM = 8
"""Rounds before the clock runs."""

BY_KEY = """query ($ids: [ID!]!) { nodes(ids: $ids) { __typename
    ... on Chunk { key text position tokenCount }
    ... on Entity { key name type summary }
    ... on Fact { key statement predicate validFrom validTo }
    ... on Episode { key content occurredAt } } }"""
SOME_IDS = """{ chunks(first: 80) { nodes { id } } entities(first: 40) { nodes { id } }
    facts(first: 40) { nodes { id } } episodes(first: 40) { nodes { id } } }"""
ASKED = (
    "episodes → document → chunks",
    "entities → facts → ends, episodes",
    "hybrid search, explained",
)

console = Console(width=150)


class Cached(msgspec.Struct, frozen=True):
    """A gateway with a cache, and what empties that."""

    name: str
    gateway: Gateway
    empty: Callable[[], Awaitable[None]]


class Question(msgspec.Struct, frozen=True):
    """A query with its variables."""

    name: str
    text: str
    variables: dict[str, Any] | None = None

    async def put(self, gateway: Gateway) -> bytes:
        """The answer."""
        return await gateway.ask(self.text, self.variables)


async def main(folder: Path, rounds: int) -> int:
    """Load both memories, then ask.  How much was not as it must be."""
    async with AsyncExitStack() as stack:
        server = stack.enter_context(postgres.serving())
        graph = stack.enter_context(neo4j.serving())
        url = stack.enter_context(redis_server.serving())
        place = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = await stack.enter_async_context(postgres.database(server))
        memories = {
            "embedded": embedded(place) + _ROLES,
            "federation": federated(database, graph),
        }
        wrong = 0
        for name, config in memories.items():
            settings = settings_of(place / f"{name}.toml", config)
            await fill(settings, folder, name)
            plain = await stack.enter_async_context(running(settings))
            caches = [
                await stack.enter_async_context(_in_process(place, name, config)),
                await stack.enter_async_context(_in_redis(place, name, config, url)),
            ]
            table = _table(name)
            for question in await _questions(plain):
                wrong += await _check(question, plain, caches)
                await _add_rows(table, question, plain, caches, rounds)
            console.print(table)
        return wrong


_ROLES = """
[roles]
texts = "embedded"
graph = "embedded"
keywords = "embedded"
vectors = "embedded"
"""


@asynccontextmanager
async def _in_process(place: Path, name: str, config: str) -> AsyncGenerator[Cached]:
    config += 'cache = "cache"\n[stores.cache]\nkind = "memory"\n'
    async with running(settings_of(place / f"{name}-memory.toml", config)) as gateway:
        store = cast("MemoryStore", gateway.federation.stores["cache"])

        async def empty() -> None:
            store.cache.open()  # begins empty

        yield Cached("in process", gateway, empty)


@asynccontextmanager
async def _in_redis(place: Path, name: str, config: str, url: str) -> AsyncGenerator[Cached]:
    prefix = f"bench-{name}"
    config += (
        f'cache = "cache"\n[stores.cache]\nkind = "redis"\nurl = "{url}"\nprefix = "{prefix}"\n'
    )
    async with (
        running(settings_of(place / f"{name}-redis.toml", config)) as gateway,
        redis.asyncio.Redis.from_url(url) as client,
    ):

        async def empty() -> None:
            """Values go, as if expired; the tokens of their tags stay, as they would."""
            kept = [key async for key in client.scan_iter(f"{prefix}:v:*", count=10_000)]
            if kept:
                await client.delete(*kept)

        yield Cached("Redis", gateway, empty)


async def _questions(gateway: Gateway) -> list[Question]:
    lists = msgspec.json.decode(await gateway.ask(SOME_IDS))["data"].values()
    ids = [node["id"] for each in lists for node in each["nodes"]]
    by_key = Question("records by key", BY_KEY, {"ids": ids})
    return [by_key, *(Question(name, QUERIES[name]) for name in ASKED)]


async def _check(question: Question, plain: Gateway, caches: Sequence[Cached]) -> int:
    """Compare answers, cold and warm, and the calls that they take.  How much is wrong."""
    wrong = 0
    expected, without = await _calls(question, plain)
    for cached in caches:
        await cached.empty()
        cold, _ = await _calls(question, cached.gateway)
        warm, left = await _calls(question, cached.gateway)
        for what, fails in (
            ("the cold answer differs", cold != expected),
            ("the warm answer differs", warm != expected),
            (f"{left} store calls when warm, {without} without a cache", left >= without),
        ):
            wrong += fails
            if fails:
                console.print(f"{question.name}, {cached.name}: {what}", style="bold red")
    return wrong


async def _calls(question: Question, gateway: Gateway) -> tuple[bytes, int]:
    """The answer, and how often stores were asked for it, the cache apart."""
    with recording() as calls:
        answer = await question.put(gateway)
    return answer, sum(call.role != "cache" for call in calls)


def _table(name: str) -> Table:
    table = Table(title=name)
    for column in ("query", "cache", "", "store calls", "p50 ms", "p99 ms", "to none", "to cold"):
        table.add_column(column, justify="left" if column in ("query", "cache", "") else "right")
    return table


async def _add_rows(
    table: Table, question: Question, plain: Gateway, caches: Sequence[Cached], rounds: int
) -> None:
    none, cold, warm = await _times(question, plain, caches, rounds)
    _, calls = await _calls(question, plain)
    table.add_row(question.name, "none", "", str(calls), *figures(none), "1.00", "")
    p50 = statistics.median(none)
    for cached, before, after in zip(caches, cold, warm, strict=True):
        _, left = await _calls(question, cached.gateway)
        empty, filled = statistics.median(before), statistics.median(after)
        ratios = [f"{empty / p50:.2f}", "1.00"]
        table.add_row("", cached.name, "cold", str(calls), *figures(before), *ratios)
        ratios = [f"{filled / p50:.2f}", f"{filled / empty:.2f}"]
        table.add_row("", cached.name, "warm", str(left), *figures(after), *ratios)
    table.add_section()


Times = list[float]


async def _times(
    question: Question, plain: Gateway, caches: Sequence[Cached], rounds: int
) -> tuple[Times, list[Times], list[Times]]:
    """Seconds without a cache, and with each of them, cold and warm."""
    none: Times = []
    cold: list[Times] = [[] for _ in caches]
    warm: list[Times] = [[] for _ in caches]

    async def take(gateway: Gateway) -> float:
        return await timed(lambda: question.put(gateway))

    for number in range(-WARM, rounds):
        if number == 0:  # what was timed until now warmed up
            for times in (none, *cold, *warm):
                times.clear()
        await take(
            plain
        )  # each is asked once before, so that none comes to what another left behind
        none.append(await take(plain))
        for place, cached in enumerate(caches):
            await take(cached.gateway)
            await cached.empty()
            cold[place].append(await take(cached.gateway))
            warm[place].append(await take(cached.gateway))
    return none, cold, warm


if __name__ == "__main__":
    sys.exit(1 if asyncio.run(main(*arguments(__doc__, rounds=ROUNDS))) else 0)
