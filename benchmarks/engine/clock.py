"""A clock of stages: time goes to the innermost stage that was entered and not left.

What the clock itself costs is taken off: so much for each entry, part of it in the stage and part in the stage
around, as functions that do nothing show.
"""

import inspect
import timeit
from collections import Counter, defaultdict
from collections.abc import Callable, Generator
from time import perf_counter
from types import CoroutineType
from typing import Any

REST = "rest"
"""The stage of what is in no other."""
CALLS = 20_000
"""Of a function that does nothing."""


class Clock:
    """Of one execution after another, all in one thread; nothing may be cancelled meanwhile."""

    def __init__(self) -> None:
        self._within = self._around = 0.0
        self._stages: list[str] = [REST]
        self.begin()

    def begin(self) -> None:
        """Begin anew, in no stage."""
        self._times: defaultdict[str, float] = defaultdict(float)
        self._entries: Counter[tuple[str, str]] = Counter()
        """By the stage around, and the stage."""
        self._since = perf_counter()

    def times(self) -> dict[str, float]:
        """Milliseconds of each stage since `begin`."""
        self._times[REST] += perf_counter() - self._since
        for (around, stage), entries in self._entries.items():
            self._times[around] -= entries * self._around
            self._times[stage] -= entries * self._within
        return {stage: seconds * 1000 for stage, seconds in self._times.items()}

    def calibrate(self) -> None:
        """Learn what an entry costs."""

        def nothing(*_: object) -> None: ...

        wrapped = self.timed("nothing", nothing)
        bare = min(timeit.repeat(lambda: nothing(1, 2, 3), number=CALLS)) / CALLS
        found: list[dict[str, float]] = []
        self._within = self._around = 0.0
        for _ in range(5):
            self.begin()
            for _ in range(CALLS):
                wrapped(1, 2, 3)
            found.append(self.times())
        self._within = min(each["nothing"] for each in found) / 1000 / CALLS - bare
        self._around = min(each[REST] for each in found) / 1000 / CALLS

    def enter(self, stage: str) -> None:
        """From now on time is this stage's."""
        now = perf_counter()
        around = self._stages[-1]
        self._times[around] += now - self._since
        self._entries[around, stage] += 1
        self._stages.append(stage)
        self._since = perf_counter()

    def leave(self) -> None:
        """From now on time is that of the stage around."""
        now = perf_counter()
        self._times[self._stages.pop()] += now - self._since
        self._since = perf_counter()

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time counted; where it gives a coroutine, each step of that too."""
        enter, leave = self.enter, self.leave

        def called(*arguments: Any, **options: Any) -> Any:
            enter(stage)
            try:
                result = function(*arguments, **options)
            finally:
                leave()
            return awaited(result) if type(result) is CoroutineType else result

        async def awaited(coroutine: Any) -> Any:
            return await _Steps(self, stage, coroutine)

        async def called_to_be_awaited(*arguments: Any, **options: Any) -> Any:
            return await _Steps(self, stage, function(*arguments, **options))

        return called_to_be_awaited if inspect.iscoroutinefunction(function) else called


class _Steps:
    """A coroutine, its steps counted but not what is between them."""

    def __init__(self, clock: Clock, stage: str, coroutine: Any) -> None:
        self._clock = clock
        self._stage = stage
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, Any]:
        sent: Any = None
        while True:
            self._clock.enter(self._stage)
            try:
                waited = self._coroutine.send(sent)
            except StopIteration as end:
                return end.value
            finally:
                self._clock.leave()
            sent = yield waited
