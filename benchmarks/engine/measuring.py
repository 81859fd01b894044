"""Rounds, in which all contestants take turns, and what they come to."""

import gc
import statistics
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil

import msgspec

from benchmarks.engine.contestants import Contestant, Sample

LAP = 1.0
"""Milliseconds that a lap takes at least: what the clocks themselves cost must not matter."""
TURN = 12.0
"""Milliseconds that a turn takes at least."""


class Figures(msgspec.Struct, frozen=True):
    """One contestant's on one workload, in milliseconds of one execution."""

    cpu: float
    """The median of its laps."""
    cpu_mean: float
    """Over all laps: the rare full collections of garbage are in it."""
    wall: float
    """The median of its laps."""


async def measure(
    contestants: Sequence[Contestant], workload: str, rounds: int
) -> dict[str, Figures]:
    """By name; each round begins with another contestant."""
    turns = {each.name: await _turn(each, workload) for each in contestants}
    samples: dict[str, list[Sample]] = {each.name: [] for each in contestants}
    for number in range(rounds):
        first = number % len(contestants)
        for each in (*contestants[first:], *contestants[:first]):
            samples[each.name].append(await each.measure(workload, *turns[each.name]))
    return {name: _figures(some) for name, some in samples.items()}


async def warm_up(contestants: Sequence[Contestant], workloads: Mapping[str, object]) -> None:
    """Let each be as fast as it can be."""
    for each in contestants:
        for workload in workloads:
            await each.measure(workload, 1, each.warm)


@contextmanager
def frozen() -> Generator[None]:
    """As in the gateway's process: what is here to stay is out of the garbage collector's sight."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def _turn(contestant: Contestant, workload: str) -> tuple[int, int]:
    """How many laps are a turn, and how many executions are a lap."""
    sample = await contestant.measure(workload, contestant.warm, 1)
    one = statistics.median(sample.wall)
    executions = ceil(LAP / one)
    return ceil(TURN / (one * executions)), executions


def _figures(samples: Sequence[Sample]) -> Figures:
    cpus = [cpu for sample in samples for cpu in sample.cpu]
    walls = [wall for sample in samples for wall in sample.wall]
    return Figures(statistics.median(cpus), statistics.fmean(cpus), statistics.median(walls))
