"""What the engine spends its time on beside the same by hand: `python -m benchmarks.engine --profile`.

Some functions of the engine are wrapped in a clock, each for a stage of an execution; the time of stages within
it is taken off, and what the clock itself costs.  They are called for a field of a layer, never for an object:
about a hundred times in an execution.  The whole without the clock is printed too, which the sum of the
stages should be.  Each figure is the mean over the quickest quarter of the executions, which keeps out what else
the machine does, and with it the rare full collections of garbage.
"""

import statistics
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, cast
from unittest.mock import patch

import graphql
import orjson
from rich.console import Console
from rich.table import Table

from benchmarks.engine import by_hand, schemas, variants
from benchmarks.engine.by_hand import ByHand
from benchmarks.engine.clock import REST, Clock
from benchmarks.engine.contestants import Answer
from benchmarks.engine.data import WORKLOADS, create_memory
from benchmarks.engine.measuring import frozen
from gateway.execution import (
    columns,
    completion,
    executor,
    leaves,
    lists,
    objects,
    running,
    shapes,
    sources,
    waiting,
)
from gateway.operations import Operations
from loaders.base import Loader

TURNS = 15
WARM, EXECUTIONS = 20, 40
"""Of a turn."""

Place = tuple[Any, str]
"""A module or class, and the name of a function in it."""

READS = "reading lists from memory"
OBJECTS = "objects; by hand, dicts"
ENCODING = "encoding: msgspec, orjson"

ENGINE: dict[str, tuple[Place, ...]] = {
    "finding the document": ((Operations, "prepare"),),
    "executor, variables, time limit": ((Operations, "run"), (graphql, "execute")),
    "finding the plan": ((executor.BreadthFirst, "_plan"),),
    "infos and arguments": ((sources.StrawberrySource, "prepare"),),
    "resolvers and loaders": (
        (sources.StrawberrySource, "call"),
        (Loader, "batch_load_fn"),
    ),
    "walking the plan": (
        (running.Run, "start"),
        (running.Run, "_fill"),
        (running.Run, "_arrive"),
        (running.Run, "_settle"),
        (running.Run, "_finish_later"),
        (waiting.Waiting, "drive"),
    ),
    "attributes into columns": ((sources.Attribute, "resolve"),),
    "checking leaves": ((leaves.Leaf, "complete"), (leaves.Leaf, "values")),
    "lists into one column, nulls": (
        (completion.Completion, "complete"),
        (lists.ListOf, "values"),
        (objects.Object, "values"),
    ),
    "columns into structs": ((shapes.Shape, "structs"),),
    "items into lists": ((columns.Layer, "assemble"), (columns.Lists, "assemble")),
    ENCODING: ((variants, "encode"), (orjson, "dumps")),
}
HAND: dict[str, tuple[Place, ...]] = {
    READS: ((ByHand, "read"),),
    OBJECTS: ((by_hand, "as_dicts"),),
}
INSTEAD_OF_DICTS = (
    "attributes into columns",
    "checking leaves",
    "lists into one column, nulls",
    "columns into structs",
    "items into lists",
)
"""What the engine does where dicts are made by hand."""
LOOP = "event loop, tasks; freeing"

Stages = Mapping[str, float]
"""Milliseconds of an execution."""


async def report_stages(console: Console) -> None:
    """Measure the largest workload, and print where its time goes."""
    workload = next(iter(WORKLOADS))
    memory = create_memory()
    answers = {
        "engine": variants.in_gateway(*schemas.batch(memory)),
        "by hand": ByHand(memory).answer,
    }
    with frozen():
        plain, counted = await _measured(answers, workload)
    console.print(_table(workload, counted["engine"], counted["by hand"]))
    for name, stages in counted.items():
        without = sum(plain[name].values())
        console.print(
            f"{name}: {without:.3f} ms without the clock, {sum(stages.values()):.3f} as the sum"
        )


async def _measured(
    answers: Mapping[str, Answer], workload: str
) -> tuple[dict[str, Stages], dict[str, Stages]]:
    """The stages of each answer, without and with what is wrapped, all in turns."""
    clock = Clock()
    clock.calibrate()
    plain: dict[str, list[Stages]] = {name: [] for name in answers}
    counted: dict[str, list[Stages]] = {name: [] for name in answers}
    for _ in range(TURNS):
        for name, answer in answers.items():
            plain[name] += await _turn(clock, answer, workload)
            with _watched(clock):
                counted[name] += await _turn(clock, answer, workload)
    return (
        {name: _mean_of_quickest(some) for name, some in plain.items()},
        {name: _mean_of_quickest(some) for name, some in counted.items()},
    )


async def _turn(clock: Clock, answer: Answer, workload: str) -> list[Stages]:
    """Some executions, after some that do not count: the interpreter specialises its code anew for what was
    wrapped."""
    text, variables = WORKLOADS[workload]
    found: list[Stages] = []
    for _ in range(WARM + EXECUTIONS):
        clock.begin()
        await answer(text, variables)
        found.append(clock.times())
    return found[WARM:]


@contextmanager
def _watched(clock: Clock) -> Generator[None]:
    """Every place in the clock's sight; what loaders fetch with, too."""
    begin = cast("Callable[..., None]", Loader.__init__)

    def begin_watched(loader: Any, fetch: Any) -> None:
        begin(loader, clock.timed(READS, fetch))

    with ExitStack() as stack:
        for stage, places in (*ENGINE.items(), *HAND.items()):
            for owner, name in places:
                wrapped = clock.timed(stage, getattr(owner, name))
                stack.enter_context(patch.object(owner, name, wrapped))
        stack.enter_context(patch.object(Loader, "__init__", begin_watched))
        yield


def _mean_of_quickest(executions: list[Stages]) -> Stages:
    quickest = sorted(executions, key=lambda stages: sum(stages.values()))
    quickest = quickest[: len(quickest) // 4]
    names = dict.fromkeys(name for stages in quickest for name in stages)
    return {name: statistics.fmean(each.get(name, 0.0) for each in quickest) for name in names}


def _table(workload: str, engine: Stages, hand: Stages) -> Table:
    """Stages in the order of an execution, and what each adds to the distance."""
    whole, by_hand = sum(engine.values()), sum(hand.values())
    table = Table(title=f"{workload}: {whole / by_hand:.2f}x of by hand", title_justify="left")
    table.add_column("", no_wrap=True)
    for column in ("engine ms", "share", "by hand ms", "distance ms", "share of distance"):
        table.add_column(column, justify="right")

    def add(name: str, ours: float, theirs: float | None, *, is_part: bool = False) -> None:
        cells = [f"{ours:.3f}", f"{ours / whole:.0%}"]
        if not is_part:
            distance = ours - (theirs or 0.0)
            cells += ["" if theirs is None else f"{theirs:.3f}", f"{distance:+.3f}"]
            cells.append(f"{distance / (whole - by_hand):.0%}")
        table.add_row(f"  {name}" if is_part else name, *cells)

    for name in (*ENGINE, READS):
        if name == INSTEAD_OF_DICTS[0]:
            add(OBJECTS, sum(engine[each] for each in INSTEAD_OF_DICTS), hand[OBJECTS])
        is_part = name in INSTEAD_OF_DICTS
        add(name, engine[name], hand.get(name), is_part=is_part)
    add(LOOP, engine[REST], hand[REST])
    table.add_section()
    add("all", whole, by_hand)
    return table
