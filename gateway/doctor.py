"""`memory-gateway doctor`: what is configured, what answers, what it holds and what is missing."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from rich.console import Console
from rich.table import Table

from backends import registry
from backends.errors import MemoryGatewayError
from backends.federation import Federation, StoreHealth
from backends.records import Health, Kind, PoolStatus, Scope
from backends.roles import Store
from gateway.migrating import some
from gateway.settings import Settings

LOST = {
    "documents": "document, documents, Chunk.document, Episode.document",
    "chunks": "chunk, chunks, Document.chunks",
    "entities": "entity, entities, Fact.subject, Fact.object",
    "facts": "fact, facts, Entity.facts, Entity.neighbors, path, subgraph",
    "mentions": "entities of documents, chunks and episodes; chunks and documents of entities",
    "episodes": "episode, episodes, Fact.episodes",
}
"""What the schema loses when nobody plays a role."""


async def examine(settings: Settings, console: Console) -> bool:
    """Print what is found; gives whether all is well.  Only reads, and goes on where a store does not."""
    federation = Federation(settings.federation)
    problems: list[str] = []
    async with _opened(federation) as closed:
        problems += closed.values()
        health = await federation.health()
        console.print(_stores(health))
        for each in health:
            problems += await _examine_store(
                federation, each, closed, Scope(settings.tenant), console
            )
    console.print(_search(federation))
    problems += _unplayed(federation)
    space = federation.embedder.space
    _say(console, f"embedder: {space.model}, {space.dimension} dimensions")
    _say(console, f"record cache: {_cache(federation)}")
    _say(console, f"kinds of store installed: {', '.join(registry.kinds())}")
    for problem in dict.fromkeys(problems):
        console.print(f"problem: {problem}", style="red", markup=False, soft_wrap=True)
    if not problems:
        console.print("all is well", style="green")
    return not problems


@asynccontextmanager
async def _opened(federation: Federation) -> AsyncGenerator[dict[str, str]]:
    """Every store that can be opened, open; gives the reasons of the others by name."""
    closed: dict[str, str] = {}
    await federation.embedder.open()
    for name, store in federation.stores.items():
        try:
            await store.open()
        except MemoryGatewayError as error:
            closed[name] = str(error)
    try:
        yield closed
    finally:
        for store in federation.stores.values():
            await store.close()
        await federation.embedder.close()


async def _examine_store(
    federation: Federation,
    health: StoreHealth,
    closed: Mapping[str, str],
    scope: Scope,
    console: Console,
) -> list[str]:
    """Say how a store is connected and what it holds; gives what is wrong with it."""
    name = health.name
    problems: list[str] = []
    store = federation.stores[name]
    if (pool := store.pool()) is not None:
        _say(console, f"{name}: {_pool(pool)}")
    if name in closed:
        return []
    if health.health is not Health.UP:
        problems.append(health.message or f"store {name} is {health.health.value}")
    try:
        async with asyncio.timeout(federation.config.stores[name].timeout):
            problems += await _pending(federation, store)
        if health.health is not Health.DOWN:
            problems += await _contents(federation, store, scope, console)
    except (MemoryGatewayError, TimeoutError) as error:
        if health.health is not Health.DOWN:  # which is told already
            problems.append(str(error) or f"store {name} did not say in time what it lacks")
    return problems


async def _pending(federation: Federation, store: Store) -> list[str]:
    changes = await store.migrate(federation.needs_of(store.name), dry_run=True)
    if not changes:
        return []
    return [f"store {store.name}: `memory-gateway migrate` has to make {some(changes)}"]


async def _contents(
    federation: Federation, store: Store, scope: Scope, console: Console
) -> list[str]:
    """Say what a store holds; gives the kinds whose vectors are not the embedder's."""
    counts = await store.counts(scope)
    rows = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    _say(console, f"{store.name}, tenant {scope.tenant}: {rows or 'nothing to count'}")
    if store.vectors is None:
        return []
    asked = federation.embedder.space
    return [
        f"store {store.name}: the vectors of {kind.value} were made by {space.model} "
        f"({space.dimension}), the embedder is {asked.model} ({asked.dimension}); vector "
        "search and loading are refused until they agree"
        for kind, space in (await store.vectors.spaces(scope)).items()
        if space != asked
    ]


def _stores(health: list[StoreHealth]) -> Table:
    table = Table(title="Stores")
    for column in ("store", "engine", "roles", "status", "answer"):
        table.add_column(column)
    for each in health:
        answer = "" if each.latency is None else f"{each.latency * 1_000:.1f} ms"
        table.add_row(each.name, each.engine, ", ".join(each.roles), each.health.value, answer)
    return table


def _search(federation: Federation) -> Table:
    roles = federation.config.roles
    table = Table(title="Search")
    for column in ("kind", "by words in", "by vectors in"):
        table.add_column(column)
    for kind in Kind:
        table.add_row(kind.value, roles.keywords.get(kind, "-"), roles.vectors.get(kind, "-"))
    return table


def _pool(pool: PoolStatus) -> str:
    connections = "1 connection" if pool.size == 1 else f"{pool.size} connections"
    said = [f"a pool of {connections} and never more"]
    if pool.wait is not None:
        said.append(f"{pool.wait:g} s to wait for one")
    if pool.recycle is not None:
        said.append(f"each replaced after {pool.recycle:g} s")
    said.append("tried before use" if pool.checked else "not tried before use")
    return ", ".join(said)


def _cache(federation: Federation) -> str:
    config = federation.config
    if config.roles.cache is None:
        return "none"
    lives = ", ".join(f"{kind.value.lower()} {ttl:g}" for kind, ttl in config.cache.ttl.items())
    return f"store {config.roles.cache}; seconds that it keeps a record: {lives}"


def _unplayed(federation: Federation) -> list[str]:
    """Roles that the assigned store lacks, with the fields that this costs; kinds that no leg searches."""
    problems: list[str] = []
    for role, lost in LOST.items():
        name = federation.assigned(role)
        if getattr(federation.stores[name], role, None) is None:
            problems.append(f"store {name} does not play {role}: without it no {lost}")
    for role in ("keywords", "vectors"):
        for kind, name in getattr(federation.config.roles, role).items():
            if getattr(federation.stores[name], role, None) is None:
                problems.append(f"store {name} does not play {role}, assigned for {kind.value}")
    for kind in Kind:
        if kind not in federation.keywords and kind not in federation.vectors:
            problems.append(f"{kind.value} is not searchable: no store indexes it")
    return problems


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, soft_wrap=True)
