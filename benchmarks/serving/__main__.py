"""Loads a memory, starts the servers one after another, and prints what each bore."""

import argparse
import asyncio
import shutil
import statistics
import sys
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.serving.wrk import Load, WrkMissing, load
from gateway.transports.tracing import HEADER
from tests.servers.gateway import PROGRAM
from tests.servers.process import free_port, listening, running
from tests.support import DEMO, ROOT, fill

QUERIES = {
    "small": "{ entities(first: 1) { nodes { key name } } }",
    "nested": (
        "{ documents(first: 20) { nodes { key title chunks(first: 5) { nodes { key text position"
        " entities(first: 3) { nodes { key name type } } } } } } }"
    ),
}
STOCK, OURS, TRACED = "Strawberry's view", "gateway", "gateway, with extensions.trace"

console = Console(width=120)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 1 if the answers differ, 2 without wrk."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving")
    parser.add_argument("folder", nargs="?", default=str(DEMO))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        asyncio.run(fill(home / "memory.db", Path(chosen.folder)))
        try:
            return measure(home, chosen.rounds, chosen.seconds)
        except WrkMissing as missing:
            console.print(str(missing))
            return 2


def measure(home: Path, rounds: int, seconds: int) -> int:
    """By turns, by one process and by two."""
    for workers in (1, 2):
        loads: dict[tuple[str, str], list[Load]] = {}
        with server(home, STOCK, workers) as stock, server(home, OURS, workers) as ours:
            ways = [(STOCK, stock, {}), (OURS, ours, {}), (TRACED, ours, {HEADER: "1"})]
            for name, query in QUERIES.items():
                if answer(stock, query) != answer(ours, query):
                    console.print(f"{name}: the answers differ")
                    return 1
            for turn in range(rounds):
                for name, query in QUERIES.items():
                    for who, url, headers in ways[turn % 3 :] + ways[: turn % 3]:
                        bore = load(url, query, headers, seconds, home)
                        loads.setdefault((name, who), []).append(bore)
        console.print(table(loads, workers))
    return 0


def table(loads: dict[tuple[str, str], list[Load]], workers: int) -> Table:
    """Medians, and ratios to Strawberry's view."""
    shown = Table(title=f"{workers} worker{'s' * (workers > 1)}", title_justify="left")
    for column in ("query", "server", "requests/s", "ratio", "p99 ms", "ratio"):
        shown.add_column(column, justify="left" if column in ("query", "server") else "right")
    for name in QUERIES:
        stock = median(loads[name, STOCK])
        for who in (STOCK, OURS, TRACED):
            it = median(loads[name, who])
            shown.add_row(
                name, who, f"{it.per_second:,.0f}", f"{it.per_second / stock.per_second:.2f}",
                f"{it.p99:.1f}", f"{it.p99 / stock.p99:.2f}",
            )  # fmt: skip
    return shown


def median(loads: Sequence[Load]) -> Load:
    """Of each figure."""
    return Load(
        statistics.median(each.per_second for each in loads),
        statistics.median(each.p99 for each in loads),
    )


def answer(url: str, query: str) -> object:
    """One answer."""
    return httpx.post(url, json={"query": query}).json()


@contextmanager
def server(home: Path, who: str, workers: int) -> Generator[str]:
    """A server over the memory: the URL of its API."""
    port = str(free_port())
    folder = home / f"{who[0]}{workers}"
    folder.mkdir()
    shutil.copy(home / "memory.db", folder)
    stock: list[str | Path] = [
        sys.executable, "-m", "uvicorn", "benchmarks.serving.stock:create", "--factory",
        "--app-dir", ROOT, "--loop", "uvloop", "--http", "httptools", "--log-level", "warning",
    ]  # fmt: skip
    command = [PROGRAM, "serve"] if who == OURS else stock
    with running(
        ["env", "MEMORY_GATEWAY_HTTP__TRACE=true", *command, "--port", port, "--workers", str(workers)],
        folder=folder, ready=lambda _: listening(int(port)) and _answers(port), seconds=60,
    ):  # fmt: skip
        yield f"http://127.0.0.1:{port}/graphql{'/' * (who == STOCK)}"


def _answers(port: str) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/graphql/", timeout=1).status_code < 500
    except httpx.HTTPError:
        return False


sys.exit(main())
