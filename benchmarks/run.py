"""What loading and asking a memory costs, in one run: `python -m benchmarks.run [FOLDER]`.

Loads FOLDER (default: the demo memory) into a new file, then asks the queries of `benchmarks.queries` of
both executors by turns, through HTTP in this process, and prints: load rate, peak memory, file size; p50
and p99 of each query with its store calls and size, and how many times the CPU of the breadth-first engine
graphql-core takes for the same bytes; the longest stall of the event loop meanwhile; recall of search on
known items.
"""

import asyncio
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from backends.federation import Federation
from backends.ingest.reader import sources
from backends.records import Scope
from backends.trace import StoreCall, recording
from benchmarks.asking import client_of
from benchmarks.queries import QUERIES
from benchmarks.recall import measure_recall
from gateway.app import create_app
from gateway.loading import load
from gateway.server import forget_what_stays
from gateway.settings import Settings, load_settings

DEMO = Path(__file__).parent.parent / "gateway" / "demo" / "memory"
ROUNDS = 40
TICK = 0.002
EXECUTORS = ("breadth_first", "graphql_core")

console = Console()


async def main(folder: Path) -> None:
    """Load, then ask."""
    with tempfile.TemporaryDirectory() as place:
        database = Path(place) / "memory.db"
        settings = load_settings(database=database)
        async with Federation(settings.federation) as federation:
            files = sources([str(folder)])
            report = await load(federation, Scope("default"), files, console=Console(quiet=True))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        size = database.stat().st_size / 2**20
        console.print(
            f"load: {report.records:,} records in {report.seconds:.1f} s "
            f"({report.records / report.seconds:,.0f} a second, embeddings included), "
            f"peak memory {peak:,.0f} MiB, file {size:,.1f} MiB"
        )
        async with AsyncExitStack() as stack:
            clients = {
                name: await stack.enter_async_context(
                    serving(load_settings(database=database, execution=name))
                )
                for name in EXECUTORS
            }
            forget_what_stays()
            console.print(await ask_all(clients))
            console.print(await measure_recall(clients[EXECUTORS[0]], folder))


@asynccontextmanager
async def serving(settings: Settings) -> AsyncGenerator[httpx.AsyncClient]:
    """A gateway that runs in this process, to be asked."""
    app = create_app(settings)
    async with app.router.lifespan_context(app), client_of(app) as client:
        yield client


async def ask_all(clients: dict[str, httpx.AsyncClient]) -> Table:
    """Ask every query in turn, round by round, of one executor after the other."""
    walls: dict[tuple[str, str], list[float]] = defaultdict(list)
    cpus: dict[tuple[str, str], list[float]] = defaultdict(list)
    calls: dict[str, list[StoreCall]] = {}
    sizes: dict[str, int] = {}
    for name, query in QUERIES.items():  # once without the clock: caches fill, statements compile
        with recording() as recorded:
            answers = [await ask(client, query) for client in clients.values()]
        assert len(set(answers)) == 1, f"{name}: the executors differ"
        calls[name] = recorded[: len(recorded) // len(clients)]
        sizes[name] = len(answers[0])
    stalls: list[float] = []
    watching = asyncio.create_task(watch(stalls))
    for _ in range(ROUNDS):
        for name, query in QUERIES.items():
            for executor, client in clients.items():
                wall, cpu = time.perf_counter(), time.process_time()
                await ask(client, query)
                cpus[name, executor].append(time.process_time() - cpu)
                walls[name, executor].append(time.perf_counter() - wall)
    watching.cancel()
    table = Table(
        title=f"{ROUNDS} rounds; longest stall of the event loop {max(stalls) * 1000:.0f} ms"
    )
    ours, theirs = EXECUTORS
    for column in ("query", "kB", "store calls", f"{ours} p50 / p99 ms", theirs, "CPU ratio"):
        table.add_column(column)
    for name in QUERIES:
        counts = Counter(call.role for call in calls[name])
        table.add_row(
            name,
            f"{sizes[name] / 1000:.0f}",
            ", ".join(f"{role} {count}" for role, count in sorted(counts.items())),
            *(figures(walls[name, executor]) for executor in EXECUTORS),
            f"{statistics.median(cpus[name, theirs]) / statistics.median(cpus[name, ours]):.1f}",
        )
    return table


def figures(times: list[float]) -> str:
    """p50 and p99 in milliseconds."""
    ordered = sorted(times)
    return (
        f"{statistics.median(ordered) * 1000:.1f} / {ordered[int(len(ordered) * 0.99)] * 1000:.1f}"
    )


async def ask(client: httpx.AsyncClient, query: str) -> bytes:
    """The answer, which must have no errors."""
    response = await client.post("/graphql", json={"query": query})
    assert "errors" not in response.json(), response.text[:500]
    return response.content


async def watch(stalls: list[float]) -> None:
    """How late each tick comes: a callback that held the loop shows here."""
    while True:
        due = time.perf_counter() + TICK
        await asyncio.sleep(TICK)
        stalls.append(time.perf_counter() - due)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEMO))
