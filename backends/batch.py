"""The batch that is being written here, for whatever stands between the loaders and the stores.

A writer must see its own writes, so within a batch nobody answers from a cache or with another's answer;
and what was remembered of records that it replaces is dropped once more when the batch is over, since
until then every reader still sees the old ones.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

Task = Callable[[], Awaitable[None]]

_tasks: ContextVar[list[Task] | None] = ContextVar("batch_tasks", default=None)


def in_batch() -> bool:
    """Whether the caller is within a batch, and sees what is not committed yet."""
    return _tasks.get() is not None


@asynccontextmanager
async def batch() -> AsyncGenerator[None]:
    """Everything inside is one batch; a batch within a batch is part of it.

    To be entered before the stores' own batches: what was asked of `after_batch` is done when they are
    committed or undone.
    """
    if in_batch():
        yield
        return
    tasks: list[Task] = []
    token = _tasks.set(tasks)
    try:
        yield
    finally:
        _tasks.reset(token)
        for task in tasks:
            await task()


async def after_batch(task: Task) -> None:
    """Do this when the batch that is running here is over, whatever comes of it; at once outside of one."""
    tasks = _tasks.get()
    if tasks is None:
        await task()
    else:
        tasks.append(task)
