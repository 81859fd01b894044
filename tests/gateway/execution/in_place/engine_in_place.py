"""A pytest plugin that puts the engine in the place of graphql-core's executors, and reports what came of it.

It runs in the process of graphql-core's own tests.
"""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import graphql.execution
import pytest
from graphql.execution.executor_throwing_on_incremental import ExecutorThrowingOnIncremental
from graphql.execution.incremental.incremental_executor import IncrementalExecutor

from gateway.execution.executor import BreadthFirst
from gateway.execution.running import Run
from gateway.execution.unsupported import fallbacks

assert graphql.execution.execute
_defaults: Any = sys.modules["graphql.execution.execute"]
"""The module; as an attribute of its package it is hidden by the function of the same name."""

SECONDS = 5
"""After which a test counts as one that never ends."""

_counts: Counter[str] = Counter()
_outcomes: dict[str, str] = {}
_ran: list[str] = []
"""The tests in which the engine ran."""


class _Plain(BreadthFirst, ExecutorThrowingOnIncremental):
    """What `execute` uses."""


class _Incremental(BreadthFirst, IncrementalExecutor):
    """What `experimental_execute_incrementally` uses."""


def pytest_configure(config: pytest.Config) -> None:
    """Put the engine in place, and count what it runs."""
    _defaults.ExecutorThrowingOnIncremental = _Plain
    _defaults.IncrementalExecutor = _Incremental
    start = Run.start

    def counted(run: Run, *, serially: bool) -> Any:
        _counts["runs"] += 1
        return start(run, serially=serially)

    Run.start = counted


class Endless(Exception):
    """A test that does not end."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Let a test that waits for what never comes fail; note whether the engine ran."""

    def end(*_: object) -> None:
        raise Endless(f"not done after {SECONDS} s")

    runs = _counts["runs"]
    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(SECONDS)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        if _counts["runs"] > runs:
            _ran.append(item.nodeid)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """A test is passed if its call is, and nothing fails around it."""
    if report.when == "call" or report.outcome != "passed":
        _outcomes[report.nodeid] = report.outcome


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report."""
    folder = Path(os.environ["GRAPHQL_CORE_REPORT"])
    (folder / "outcomes.json").write_text(json.dumps(_outcomes))
    counts = {"runs": _counts["runs"], "ran": _ran, "fallbacks": fallbacks}
    (folder / "counts.json").write_text(json.dumps(counts))
