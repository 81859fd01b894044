"""Figures as tables, and what they say of the targets."""

from collections.abc import Generator, Mapping

from rich.table import Table

from benchmarks.engine.data import WORKLOADS
from benchmarks.engine.measuring import Figures
from benchmarks.engine.variants import BATCH, BY_HAND, SAME, STOCK

LARGE, _, SMALL = WORKLOADS

OF_STOCK = 1 / 30
OF_BY_HAND = 1.7
OF_NODE = {"graphql-js": 0.5, "graphql-jit": 1.1}
"""Far ahead of the one, level with the other; by the beginnings of their names."""
OF_STOCK_WHEN_SMALL = 1.0

Target = tuple[str, str, float]
"""Whose CPU time is to be at most which part of whose."""


def table_of(title: str, figures: Mapping[str, Figures]) -> Table:
    """A row for each contestant; both ratios are of the medians of CPU time."""
    table = Table(title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    for column in ("CPU p50 ms", "CPU mean ms", "wall p50 ms", "× by hand", "stock ÷ it"):
        table.add_column(column, justify="right")
    by_hand, stock = figures[BY_HAND].cpu, figures[STOCK].cpu
    for name, each in figures.items():
        table.add_row(
            name,
            *(_milliseconds(value) for value in (each.cpu, each.cpu_mean, each.wall)),
            f"{each.cpu / by_hand:.2f}",
            f"{stock / each.cpu:.1f}",
        )
    return table


def verdicts(workload: str, figures: Mapping[str, Figures]) -> list[str]:
    """A line for each target of a workload."""
    return [_verdict(figures, *target) for target in _targets(workload, figures)]


def _targets(workload: str, figures: Mapping[str, Figures]) -> Generator[Target]:
    if workload == LARGE:
        yield BATCH, STOCK, OF_STOCK
        yield BATCH, BY_HAND, OF_BY_HAND
        for beginning, most in OF_NODE.items():
            yield from ((BATCH, name, most) for name in figures if beginning in name)
    if workload == SMALL:
        yield SAME, STOCK, OF_STOCK_WHEN_SMALL
        yield BATCH, STOCK, OF_STOCK_WHEN_SMALL


def _verdict(figures: Mapping[str, Figures], ours: str, theirs: str, most: float) -> str:
    median = figures[ours].cpu / figures[theirs].cpu
    mean = figures[ours].cpu_mean / figures[theirs].cpu_mean
    verdict = "met   " if median <= most else "missed"
    return (
        f"{verdict}  {ours}: {_times(median)} of “{theirs}” (by means {_times(mean)}), "
        f"at most {_times(most)}"
    )


def _times(ratio: float) -> str:
    """A ratio of CPU time; a small one by its inverse."""
    return f"{ratio:.2f}x" if ratio > 0.2 else f"1/{1 / ratio:.1f}"


def _milliseconds(value: float) -> str:
    return f"{value:.4f}" if value < 0.1 else f"{value:.2f}"
