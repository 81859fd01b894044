"""`memory-gateway doctor`: what is configured, what answers, what it holds and what is missing."""

from rich.console import Console
from rich.table import Table

from backends import registry
from backends.errors import MemoryGatewayError
from backends.federation import Federation, StoreHealth
from backends.records import Health, Kind, Scope
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
    """Print what is found; gives whether all is well.  Only reads."""
    federation = Federation(settings.federation)
    problems: list[str] = []
    await federation.embedder.open()
    for store in federation.stores.values():
        try:
            await store.open()
        except MemoryGatewayError as error:
            problems.append(str(error))
    try:
        health = list(await federation.health())
        console.print(_stores(health))
        for each in health:
            if each.health is not Health.UP:
                problems.append(each.message or f"store {each.name} is {each.health.value}")
            else:
                await _examine_store(federation, each, Scope(settings.tenant), console, problems)
        problems += _unplayed(federation)
    finally:
        for store in federation.stores.values():
            await store.close()
        await federation.embedder.close()
    space = federation.embedder.space
    console.print(f"embedder: {space.model}, {space.dimension} dimensions")
    console.print(f"kinds of store installed: {', '.join(registry.kinds())}")
    for problem in dict.fromkeys(problems):
        console.print(f"problem: {problem}", style="red", markup=False, soft_wrap=True)
    if not problems:
        console.print("all is well", style="green")
    return not problems


def _stores(health: list[StoreHealth]) -> Table:
    table = Table(title="Stores")
    for column in ("store", "engine", "roles", "status", "answer"):
        table.add_column(column)
    for each in health:
        answer = "" if each.latency is None else f"{each.latency * 1_000:.1f} ms"
        table.add_row(each.name, each.engine, ", ".join(each.roles), each.health.value, answer)
    return table


async def _examine_store(
    federation: Federation,
    health: StoreHealth,
    scope: Scope,
    console: Console,
    problems: list[str],
) -> None:
    """What a store that answers holds, and whether its vectors are the embedder's."""
    store = federation.stores[health.name]
    counts = await store.counts(scope)
    rows = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    console.print(f"{health.name}, tenant {scope.tenant}: {rows}", markup=False, soft_wrap=True)
    if store.vectors is None:
        return
    asked = federation.embedder.space
    for kind, space in (await store.vectors.spaces(scope)).items():
        if space != asked:
            problems.append(
                f"store {health.name}: the vectors of {kind.value} were made by {space.model} "
                f"({space.dimension}), the embedder is {asked.model} ({asked.dimension}); vector "
                "search and loading are refused until they agree"
            )


def _unplayed(federation: Federation) -> list[str]:
    """Roles that the assigned store lacks, with the fields that this costs; kinds that no leg searches."""
    problems: list[str] = []
    for role, lost in LOST.items():
        name = federation.assigned(role)
        if getattr(federation.stores[name], role, None) is None:
            problems.append(f"store {name} does not play {role}: without it no {lost}")
    for kind in Kind:
        if kind not in federation.keywords and kind not in federation.vectors:
            problems.append(f"{kind.value} is not searchable: no store indexes it")
    return problems
