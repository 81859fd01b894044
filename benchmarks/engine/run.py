"""The engine beside others: `python -m benchmarks.engine [--rounds N] [--no-peers] [--profile]`.

Documents, chunks and entities from memory, so that nothing but execution is measured; three workloads, in one
run, all taking turns:

    Strawberry + aiodataloader   with its parser and validation caches, and without
    engine                       beneath the same resolvers, and as the gateway is built
    by hand                      dicts and orjson: the least that this costs in Python
    Node                         graphql-js and graphql-jit with dataloader, if npm can install them

Each goes from the query's text and variables to JSON in UTF-8.  Before anything is measured all answers are
compared: if one differs it says where, and ends with 1.  `--profile` says instead what the engine spends its
time on beside the same by hand.
"""

import argparse
import asyncio
import platform
from collections.abc import Mapping, Sequence

from rich.console import Console

from benchmarks.engine.comparing import differences
from benchmarks.engine.contestants import Contestant
from benchmarks.engine.data import WORKLOADS, create_memory
from benchmarks.engine.measuring import Figures, frozen, measure, warm_up
from benchmarks.engine.peers import Node
from benchmarks.engine.report import table_of, verdicts
from benchmarks.engine.stages import report_stages
from benchmarks.engine.variants import BATCH, BY_HAND, create_variants
from benchmarks.node import PackagesMissing

ROUNDS = 30
LARGE = next(iter(WORKLOADS))

console = Console(width=120)


def main() -> int:
    """The exit code: 1 if answers differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--no-peers", action="store_true", help="without Node")
    parser.add_argument("--profile", action="store_true", help="what the engine spends its time on")
    options = parser.parse_args()
    if options.profile:
        asyncio.run(report_stages(console))
        return 0
    return asyncio.run(run(options.rounds, with_peers=not options.no_peers))


async def run(rounds: int, *, with_peers: bool) -> int:
    """Compare, then measure."""
    memory = create_memory()
    with Node(memory) as node:
        contestants: list[Contestant] = [*create_variants(memory)]
        if with_peers:
            try:
                contestants += node.start()
            except PackagesMissing as error:
                console.print(f"without Node: {error}")
        sizes = {workload: await compare(contestants, workload) for workload in WORKLOADS}
        if None in sizes.values():
            return 1
        console.print(f"Python {platform.python_version()}; {node.versions or 'without Node'}")
        await warm_up(contestants, WORKLOADS)
        for workload in WORKLOADS:
            title = f"{workload}, {sizes[workload]:,} bytes of JSON"
            report(title, workload, await measure(contestants, workload, rounds))
        with frozen():
            title = f"{LARGE}, after gc.freeze as in the gateway"
            report(title, LARGE, await measure(contestants, LARGE, rounds))
    return 0


def report(title: str, workload: str, figures: Mapping[str, Figures]) -> None:
    """The figures, and what they say of the targets."""
    console.print(table_of(title, figures))
    console.print(*verdicts(workload, figures), "", sep="\n", highlight=False)


async def compare(contestants: Sequence[Contestant], workload: str) -> int | None:
    """The length of the answer; `None` if they are not all the same."""
    answers = {each.name: await each.answer(workload) for each in contestants}
    different = differences(answers, BY_HAND)
    for each in different:
        console.print(f"{workload}: {each}", style="red", markup=False)
    return None if different else len(answers[BATCH])
