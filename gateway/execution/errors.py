"""Errors of fields: from a fault in a cell to the error that an answer carries.

A *fault* is what went wrong in one cell.  On its way up from there it becomes part of the *damage* of the
cells around it: either it is kept (a null took its place), or it is still being raised, because the place
may not be null.  Only cells that hold faults are looked at, so an error costs what lies on its own way up.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from graphql import FieldNode, GraphQLError, located_error

UNREADABLE = "An error that has no readable message."


class Located(Protocol):
    """What a fault needs to know of its field."""

    nodes: list[FieldNode]


class Fault:
    """What went wrong in a cell, and where: the path from the innermost key outwards, as far as it is known."""

    __slots__ = ("error", "field", "path")

    def __init__(self, error: Exception, field: Located) -> None:
        self.error = error
        self.field = field
        self.path: list[str | int] = []

    def located(self) -> GraphQLError:
        """The error with its path and its places in the document."""
        return locate(self.error, self.field.nodes, self.path[::-1])


class Damage:
    """What went wrong in a cell and beneath it."""

    __slots__ = ("kept", "raised")

    def __init__(self, raised: Fault | None = None) -> None:
        self.kept: list[Fault] = []
        """Faults that a null has taken the place of, in the order of the document."""
        self.raised = raised
        """The fault that the cell itself failed with."""

    def take(self, inner: "Damage", key: str | int, *, bubbles: bool) -> None:
        """Take in the damage of the cell at `key`, the next in order; what is after a raised fault never
        happened."""
        if self.raised is not None:
            return
        for fault in inner.kept:
            fault.path.append(key)
        self.kept += inner.kept
        fault = inner.raised
        if fault is not None:
            fault.path.append(key)
            if bubbles:
                self.raised = fault
            else:
                self.kept.append(fault)

    def fail(self, fault: Fault) -> None:
        """The cell itself fails after all, unless it has failed already."""
        if self.raised is None:
            self.raised = fault

    def errors(self) -> list[GraphQLError]:
        """All of it as errors, in the order in which graphql-core reports them."""
        faults = self.kept if self.raised is None else [*self.kept, self.raised]
        return [fault.located() for fault in faults]


def locate(error: Exception, nodes: Sequence[FieldNode], path: list[str | int]) -> GraphQLError:
    """`graphql.located_error`, which trusts that every exception can say what it is."""
    try:
        return located_error(error, nodes, path)
    except Exception:  # noqa: BLE001 - a __str__ or a property of the exception raised it
        return GraphQLError(UNREADABLE, nodes, path=path, original_error=error)


class AnswerTooLarge(Exception):
    """An answer would hold more objects than it may."""


class NotAnException(Exception):
    """A resolver raised a BaseException that is neither an exit nor a cancellation."""


def contained(error: BaseException) -> Exception:
    """The error as a fault of a cell.  Raises it instead if it must end more than the cell: an exit, or
    the cancellation of the task in which this is called."""
    if isinstance(error, Exception):
        return error
    if isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit)):
        raise error
    if isinstance(error, asyncio.CancelledError) and _is_being_cancelled():
        raise error
    wrapped = NotAnException(f"{type(error).__name__} was raised")
    wrapped.__cause__ = error
    return wrapped


def each(function: Callable[[Any], Any], values: Iterable[Any]) -> list[Any]:
    """What a function gives for each value; an exception where it raises one."""
    results: list[Any] = []
    for value in values:
        try:
            results.append(function(value))
        except BaseException as error:  # noqa: BLE001 - `contained` tells which end more than this cell
            results.append(contained(error))
    return results


def _is_being_cancelled() -> bool:
    try:
        task: asyncio.Task[Any] | None = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0
