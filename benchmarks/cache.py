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
from backends.trace import StoreCall, recording
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
                wrong += await _add_rows(table, question, plain, caches, rounds)
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
    # On a busy machine it answers late, and a cache that did so once is left alone for a second.
    config += (
        f'cache = "cache"\n[stores.cache]\nkind = "redis"\nurl = "{url}"\nprefix = "{prefix}"\n'
        "call_timeout = 3.0\n"
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
    return answer, _of_stores(calls)


def _table(name: str) -> Table:
    table = Table(title=name)
    for column in ("query", "cache", "", "store calls", "p50 ms", "p99 ms", "to none", "to cold"):
        table.add_column(column, justify="left" if column in ("query", "cache", "") else "right")
    return table


async def _add_rows(
    table: Table, question: Question, plain: Gateway, caches: Sequence[Cached], rounds: int
) -> int:
    """Time a question.  How many caches were not asked each time."""
    none, cold, warm = await _times(question, plain, caches, rounds)
    p50, calls = statistics.median(none.seconds), none.most_calls
    table.add_row(question.name, "none", "", str(calls), *figures(none.seconds), "1.00", "")
    lost = 0
    for cached, before, after in zip(caches, cold, warm, strict=True):
        empty = statistics.median(before.seconds)
        for state, times in (("cold", before), ("warm", after)):
            filled = statistics.median(times.seconds)
            ratios = [f"{filled / p50:.2f}", f"{filled / empty:.2f}"]
            asked = str(times.most_calls)
            table.add_row("", cached.name, state, asked, *figures(times.seconds), *ratios)
        if after.most_calls >= calls:
            lost += 1
            message = f"{question.name}, {cached.name}: the cache was lost meanwhile"
            console.print(message, style="bold red")
    table.add_section()
    return lost


class Times:
    """How long a gateway took each time, in seconds, and the most that it asked the stores."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.most_calls = 0

    async def take(self, question: Question, gateway: Gateway) -> None:
        """Ask once more."""
        with recording() as calls:
            self.seconds.append(await timed(lambda: question.put(gateway)))
        self.most_calls = max(self.most_calls, _of_stores(calls))


async def _times(
    question: Question, plain: Gateway, caches: Sequence[Cached], rounds: int
) -> tuple[Times, list[Times], list[Times]]:
    """Without a cache, and with each of them, cold and warm."""
    none = Times()
    cold, warm = [Times() for _ in caches], [Times() for _ in caches]
    for number in range(-WARM, rounds):
        if number == 0:  # what was timed until now warmed up
            none = Times()
            cold, warm = [Times() for _ in caches], [Times() for _ in caches]
        # Each is asked once before it counts, so that none comes to what another left behind.
        await question.put(plain)
        await none.take(question, plain)
        for place, cached in enumerate(caches):
            await question.put(cached.gateway)
            await cached.empty()
            await cold[place].take(question, cached.gateway)
            await warm[place].take(question, cached.gateway)
    return none, cold, warm


def _of_stores(calls: Sequence[StoreCall]) -> int:
    """How many calls were none of the cache."""
    return sum(call.role != "cache" for call in calls)


if __name__ == "__main__":
    sys.exit(1 if asyncio.run(main(*arguments(__doc__, rounds=ROUNDS))) else 0)
