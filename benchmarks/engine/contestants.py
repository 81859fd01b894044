"""What is measured beside one another: each goes from a query's text and variables to JSON in UTF-8."""

import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from benchmarks.engine.data import WORKLOADS

Answer = Callable[[str, dict[str, int]], Awaitable[bytes]]
"""Of a query's text and its variables."""


class Sample(msgspec.Struct, frozen=True):
    """One turn of a contestant: laps of some executions each, one after another."""

    cpu: list[float]
    """Milliseconds of CPU of an execution, of all threads, garbage collection included: for each lap their
    mean."""
    wall: list[float]
    """Milliseconds of an execution: for each lap their mean."""


class Contestant(Protocol):
    """One way to answer the workloads."""

    @property
    def name(self) -> str:
        """As it stands in the table."""
        ...

    @property
    def warm(self) -> int:
        """Executions of each workload before the clock runs."""
        ...

    async def answer(self, workload: str) -> bytes:
        """The answer of one execution."""
        ...

    async def measure(self, workload: str, laps: int, executions: int) -> Sample:
        """Execute a workload, `executions` times in each lap."""
        ...


class InPython:
    """One in this process."""

    warm = 5
    """Enough for documents to be remembered, plans to be made and code to be specialised."""

    def __init__(self, name: str, answer: Answer) -> None:
        self.name = name
        self._answer = answer

    async def answer(self, workload: str) -> bytes:
        """The answer of one execution."""
        return await self._answer(*WORKLOADS[workload])

    async def measure(self, workload: str, laps: int, executions: int) -> Sample:
        """By the clock of this process."""
        text, variables = WORKLOADS[workload]
        answer = self._answer
        sample = Sample([], [])
        for _ in range(laps):
            cpu, began = time.process_time(), time.perf_counter()
            for _ in range(executions):
                await answer(text, variables)
            ended = time.perf_counter()
            sample.cpu.append((time.process_time() - cpu) * 1000 / executions)
            sample.wall.append((ended - began) * 1000 / executions)
        return sample
