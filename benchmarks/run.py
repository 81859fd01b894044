"""What loading and asking a memory costs, in one run: `python -m benchmarks.run [FOLDER]`.

Loads FOLDER (default: the demo memory) into a new file, then asks the queries of `benchmarks.queries` in
turn, through HTTP in this process, and prints: load rate, peak memory, file size; p50 and p99 of each
query with its store calls and rows of JSON; the longest stall of the event loop meanwhile; recall of
search on known items.
"""

import asyncio
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from backends.federation import Federation
from backends.ingest.reader import sources
from backends.records import Scope
from backends.trace import StoreCall, recording
from benchmarks.queries import QUERIES
from benchmarks.recall import measure_recall
from gateway.app import create_app
from gateway.loading import load
from gateway.settings import load_settings

DEMO = Path(__file__).parent.parent / "gateway" / "demo" / "memory"
ROUNDS = 40
TICK = 0.002

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
        app = create_app(settings)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app), base_url="http://memory"
            ) as client,
        ):
            console.print(await ask_all(client))
            console.print(await measure_recall(client, folder))


async def ask_all(client: httpx.AsyncClient) -> Table:
    """Ask every query in turn, round by round."""
    times: dict[str, list[float]] = {name: [] for name in QUERIES}
    calls: dict[str, list[StoreCall]] = {}
    sizes: dict[str, int] = {}
    for name, query in QUERIES.items():  # once without the clock: caches fill, statements compile
        with recording() as recorded:
            sizes[name] = len(await ask(client, query))
        calls[name] = recorded
    stalls: list[float] = []
    watching = asyncio.create_task(watch(stalls))
    for _ in range(ROUNDS):
        for name, query in QUERIES.items():
            started = time.perf_counter()
            await ask(client, query)
            times[name].append(time.perf_counter() - started)
    watching.cancel()
    table = Table(
        title=f"{ROUNDS} rounds; longest stall of the event loop {max(stalls) * 1000:.0f} ms"
    )
    for column in ("query", "p50 ms", "p99 ms", "kB", "store calls"):
        table.add_column(column)
    for name in QUERIES:
        ordered = sorted(times[name])
        counts = Counter(call.role for call in calls[name])
        table.add_row(
            name,
            f"{statistics.median(ordered) * 1000:.1f}",
            f"{ordered[int(len(ordered) * 0.99)] * 1000:.1f}",
            f"{sizes[name] / 1000:.0f}",
            ", ".join(f"{role} {count}" for role, count in sorted(counts.items())),
        )
    return table


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
