"""A loop on which nothing may be left: no warning, no lost exception, no task, no wait without end."""

import asyncio
import gc
import warnings
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from inspect import isawaitable
from typing import Any, TypeVar

T = TypeVar("T")
V = TypeVar("V")

PATIENCE = 3_000
"""Turns of the loop after which a run counts as one that never ends: nothing here waits for a clock."""
TICKS = 8
"""Turns of the loop in which what was given up must have ended."""


class Strict:
    """Runs coroutines on a loop of its own."""

    def __init__(self) -> None:
        # a loop of our own making: it is not installed, so that it comes in no other's way
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)

    def run(self, make: Callable[[], T | Awaitable[T]]) -> T:
        """What `make` gives within the loop, awaited; fails if anything is left."""
        with no_warnings():
            return self._runner.run(_watched(make))

    def run_theirs(self, make: Callable[[], Awaitable[T]], read: Callable[[T], V]) -> V:
        """What is read from what is awaited, of code that may leave coroutines which it gave up."""
        with warnings.catch_warnings(), young_garbage():
            warnings.simplefilter("ignore")
            return self._runner.run(_read(make, read))

    def close(self) -> None:
        """Close the loop."""
        self._runner.close()


async def _read(make: Callable[[], Awaitable[T]], read: Callable[[T], V]) -> V:
    value = read(await make())  # what was awaited is gone when its garbage is looked for
    for _ in range(TICKS):
        await asyncio.sleep(0)
    return value


async def _watched(make: Callable[[], T | Awaitable[T]]) -> T:
    async with nothing_left():
        made: Any = make()
        return await ending(made) if isawaitable(made) else made


async def ending(awaitable: Awaitable[T]) -> T:
    """What is awaited, if it comes within `PATIENCE`."""
    task = asyncio.ensure_future(awaitable)
    for _ in range(PATIENCE):
        await asyncio.sleep(0)
        if task.done():
            return task.result()
    task.cancel()
    raise AssertionError(f"not done after {PATIENCE} turns of the loop")


class nothing_left:
    """What runs within leaves no task and no exception that nobody has seen."""

    async def __aenter__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._before = asyncio.all_tasks()
        self._handler = self._loop.get_exception_handler()
        self._seen: list[dict[str, Any]] = []
        self._loop.set_exception_handler(lambda _, context: self._seen.append(context))

    async def __aexit__(self, kind: object, *rest: object) -> None:
        for _ in range(TICKS):
            await asyncio.sleep(0)
        left = asyncio.all_tasks() - self._before
        self._loop.set_exception_handler(self._handler)
        if kind is None:
            assert not left, left
            assert not self._seen, self._seen


@contextmanager
def no_warnings() -> Iterator[None]:
    """No warning comes within, not even from what is deleted."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with young_garbage():
            yield
    assert not seen, [str(each.message) for each in seen]


@contextmanager
def young_garbage() -> Iterator[None]:
    """What is made within and left in a circle is deleted before the end: none of it has grown old."""
    gc.disable()
    try:
        yield
        gc.collect(1)
    finally:
        gc.enable()
