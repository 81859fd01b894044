"""What is awaited: columns that are not here yet, and the tasks that bring them.

There is no barrier between branches: a column that has arrived is completed at once, and what is beneath it
is asked for while others are still under way.  A task whose rows are lost is cancelled and not waited for.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from typing import Any, cast

from gateway.execution.columns import Assembled, Build, Column, Row
from gateway.execution.values import ABANDONED

Work = Coroutine[Any, Any, None]


class Pending:
    """A column that is not here yet."""

    __slots__ = (
        "_cells",
        "_waiting",
        "awaited",
        "cells",
        "column",
        "faulty",
        "go",
        "gone",
        "size",
        "task",
    )

    def __init__(self, waiting: "Waiting", size: int) -> None:
        self.size = size
        self.column: Column | None = None
        self.go: Callable[[list[Any]], Column] | None = None
        """Completes the cells, where they come one by one."""
        self.cells: list[Any] = []
        """What came first: values, and what has to be awaited for them."""
        self.faulty: dict[Row, Any] = {}
        """Cells that are known to have failed before the column is here."""
        self.gone: set[Row] = set()
        """Rows that nobody waits for any more."""
        self.task: asyncio.Task[None] | None = None
        self._waiting = waiting
        self.awaited: dict[Row, Awaitable[Any]] = {}
        """Cells that come one by one; none, if the column comes all at once."""
        self._cells: dict[Row, asyncio.Future[Any]] = {}

    def start(self) -> dict[Row, "asyncio.Future[Any]"]:
        """Begin to await cells, each on its own; those that are gone are not even begun."""
        for row, awaitable in self.awaited.items():
            if row in self.gone:
                continue
            self._cells[row] = asyncio.ensure_future(unshared(awaitable))
        return self._cells

    def complete(self, cells: list[Any]) -> None:
        """The column is here, unless it was given up: what failed stands as it did, what is gone is null."""
        if self.column is not None or self.go is None:
            return
        self.column = self.go(self.without_gone(cells))

    def without_gone(self, cells: Sequence[Any]) -> list[Any]:
        """The cells with nulls for those that are gone, whatever has come for them."""
        kept = list(cells)
        for row in self.gone:
            close((kept[row],))
            kept[row] = self.faulty.get(row, ABANDONED)
        return kept

    def drop(self) -> None:
        """Nobody waits for any cell any more."""
        self._drop(self._cells.values())

    def _drop(self, cells: Iterable["asyncio.Future[Any]"]) -> None:
        for cell in cells:
            has_come = not cell.cancel() and not cell.cancelled() and cell.exception() is None
            if has_come:
                close((cell.result(),))

    def assemble(self, build: Build) -> Assembled:
        """The column, or nulls if it was given up."""
        if self.column is None:
            return [None] * self.size, {}
        return self.column.assemble(build)

    def lost(self) -> Collection[Row]:
        """As the column says, or as is known already."""
        return self.faulty.keys() if self.column is None else self.column.lost()

    def abandon(self, rows: Collection[Row]) -> None:
        """Give up these rows; what was asked for all rows at once, only when all of them are."""
        if self.column is not None:
            self.column.abandon(rows)
            return
        self.gone.update(rows)
        self._drop(self._cells[row] for row in rows if row in self._cells)
        if len(self.gone) == self.size:
            self._waiting.give_up(self)
            self.complete(self.cells)


class Waiting:
    """The work of one operation that is waited for."""

    def __init__(self) -> None:
        self._queue: dict[Pending, tuple[Work, Iterable[Any]]] = {}
        self._tasks: dict[asyncio.Task[None], Iterable[Any]] = {}
        self._idle: asyncio.Future[None] | None = None
        self._is_alone = False

    def __bool__(self) -> bool:
        return bool(self._queue or self._tasks or self._is_alone)

    def add(self, pending: Pending, work: Work, awaited: Iterable[Any]) -> None:
        """Wait for work that awaits what is given; it begins with the next `drive`, or at once within one."""
        if self._idle is None:
            self._queue[pending] = (work, awaited)
        else:
            self._begin(pending, work, awaited)

    async def drive(self) -> None:
        """Until nothing is waited for.  Work that is alone needs no task."""
        while self._queue:
            if len(self._queue) > 1:
                await self._together()
                continue
            _, (work, awaited) = self._queue.popitem()
            self._is_alone = True
            try:
                await work
            finally:
                self._is_alone = False
                close(awaited)

    def give_up(self, pending: Pending) -> None:
        """Wait no longer for a column."""
        queued = self._queue.pop(pending, None)
        if queued is not None:
            queued[0].close()
            close(queued[1])
        elif pending.task is not None:
            pending.task.cancel()
            self._ended(pending.task)

    def give_up_all(self) -> None:
        """Wait for nothing any more."""
        for work, awaited in self._queue.values():
            work.close()
            close(awaited)
        self._queue.clear()
        for task in self._tasks:
            task.cancel()

    async def _together(self) -> None:
        self._idle = asyncio.get_running_loop().create_future()
        queue, self._queue = self._queue, {}
        for pending, (work, awaited) in queue.items():
            self._begin(pending, work, awaited)
        try:
            await self._idle
        finally:
            self._idle = None

    def _begin(self, pending: Pending, work: Work, awaited: Iterable[Any]) -> None:
        task = pending.task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = awaited
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        close(self._tasks.get(task, ()))
        error = None if task.cancelled() else task.exception()
        if error is not None and self._idle is not None and not self._idle.done():
            self._idle.set_exception(error)
        self._ended(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Nobody waits for the task any more, whether it has ended or was cancelled."""
        if task.done():
            self._tasks.pop(task, None)
        elif task in self._tasks:
            awaited = self._tasks.pop(task)
            task.add_done_callback(lambda _: close(awaited))
        if not self._tasks and self._idle is not None and not self._idle.done():
            self._idle.set_result(None)


def unshared(awaitable: Awaitable[Any]) -> Awaitable[Any]:
    """An awaitable of our own: a future that somebody else made may be awaited elsewhere too, and must
    outlive our wait."""
    return asyncio.shield(awaitable) if asyncio.isfuture(awaitable) else awaitable


def close(awaited: Iterable[Any]) -> None:
    """Close coroutines that were never begun, in lists too, and hear out futures that nobody waits for any
    more: Python would warn of either."""
    for each in awaited:
        if isinstance(each, (list, tuple)):
            close(cast("Iterable[Any]", each))
        elif asyncio.isfuture(each):
            each.add_done_callback(_hear_out)
        elif inspect.iscoroutine(each) and inspect.getcoroutinestate(each) == inspect.CORO_CREATED:
            each.close()


def _hear_out(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()
