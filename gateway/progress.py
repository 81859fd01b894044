"""Where a long job is: a bar on a terminal, a line now and then elsewhere."""

import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

EVERY = 5.0
"""Seconds between lines of progress where there is no terminal."""


class JobProgress:
    """The progress of one job, as a context manager; `total` in whatever unit `reached` is told in."""

    def __init__(self, console: Console, job: str, total: int) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        self._console = console
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task(job, total=total or None, rate="")
        self._started = self._said = time.monotonic()

    def __enter__(self) -> "JobProgress":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def reached(self, done: int, at: str) -> None:
        """So much is done, and this is what is being worked at."""
        self._bar.update(self._task, completed=done, description=at)

    def wrote(self, records: int) -> None:
        """So many records are safe."""
        now = time.monotonic()
        rate = f"{records / max(now - self._started, 1e-9):,.0f} records/s"
        self._bar.update(self._task, rate=rate)
        if not self._console.is_terminal and now - self._said >= EVERY:
            self._said = now
            self._console.print(f"{records:,} records, {rate}")
