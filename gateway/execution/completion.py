"""Completion: from a column of what a resolver gave to the completed column, by the type of the field.

    leaves.Leaf        scalars and enums, to their values in the answer
    lists.ListOf       lists, to one column of all items, completed by the type of the items
    objects.Object     objects of one type, to a layer of their selection
    objects.Abstract   objects of an interface or union, to a layer for each type that they turn out to be

What is null, failed or still to be awaited is found by the types in the column; only a column that
holds such values is looked at value by value.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from gateway.execution.columns import Column, Faults, Row, Variants
from gateway.execution.values import (
    ABANDONED,
    AWAITABLE,
    ERROR,
    GENERATOR,
    NULL,
    NULLS,
    STREAM,
    adopted,
    sorts_in,
)

if TYPE_CHECKING:
    from gateway.execution.plan import Field
    from gateway.execution.running import Run

Read = Callable[[Any], Awaitable[Any]]


class Cells:
    """The values of a column that are there, and what is known of the other rows."""

    __slots__ = ("faults", "field", "present", "run", "size", "values")

    def __init__(
        self,
        run: "Run",
        field: "Field",
        values: list[Any],
        size: int,
        present: list[Row] | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.run = run
        self.field = field
        self.values = values
        self.size = size
        """The rows of the column."""
        self.present = present
        """The rows of the values; `None`: all."""
        self.faults: Faults = {} if faults is None else faults

    def sifted(
        self, results: Sequence[Any], *, bubbles: bool, values: Sequence[Any] | None = None
    ) -> "Cells":
        """The cells whose result is no exception, with other `values` if they are given: exceptions become
        faults of their rows, and what is abandoned is null."""
        rows: list[Row] = []
        kept: list[Any] = []
        faults = dict(self.faults)
        for place, result in enumerate(results):
            row = place if self.present is None else self.present[place]
            if isinstance(result, Exception):
                faults[row] = result
            elif result is not ABANDONED:
                rows.append(row)
                kept.append((self.values if values is None else values)[place])
        if bubbles and len(faults) > len(self.faults):
            self.run.faulted()
        return Cells(self.run, self.field, kept, self.size, rows, faults)

    def alone(self) -> "Cells":
        """The values as a column of their own, whose rows are the values."""
        return Cells(self.run, self.field, self.values, len(self.values))

    def placed(self, column: Column) -> Column:
        """A column whose rows are the values, in the rows that they have here."""
        if self.present is None:
            return column
        return Variants(self.field, self.size, [(self.present, column)], self.faults)


class Completion:
    """How values of one output type are completed."""

    read: Read | None = None
    """How an asynchronous iterable is read, where it is a list."""

    def __init__(self, *, is_nullable: bool, propagates: bool) -> None:
        self.is_nullable = is_nullable
        self.bubbles = propagates and not is_nullable
        """Whether an error takes what is around with it."""

    def complete(self, run: "Run", field: "Field", raw: list[Any]) -> Column:
        """Complete a column; in part later, if some of it has to be awaited."""
        sorts = sorts_in(raw)
        if sorts & GENERATOR:
            raw = [adopted(value) for value in raw]
            sorts = sorts_in(raw)
        if not sorts & (AWAITABLE | STREAM):
            return self._here(run, field, raw, sorts)
        return self._settled(run, field, raw)

    def _settled(self, run: "Run", field: "Field", raw: list[Any]) -> Column:
        """Complete a column when it is here; what was awaited may be a stream that has to be read."""

        def go(cells: list[Any]) -> Column:
            sorts = sorts_in(cells)
            if sorts & STREAM and self.read is not None and run.reads_streams:
                return self._settled(run, field, cells)
            return self._here(run, field, cells, sorts)

        fails = self.fails if self.bubbles else None
        return run.settled(raw, go, fails=fails, read=self.read)

    def fails(self, value: Any) -> bool:
        """Whether a value is known to fail without looking beneath it, where null is not allowed."""
        return type(value) in NULLS or isinstance(value, Exception)

    def values(self, cells: Cells) -> Column:
        """Complete values that are there."""
        raise NotImplementedError

    def _here(self, run: "Run", field: "Field", raw: list[Any], sorts: int) -> Column:
        """Complete a column of which nothing has to be awaited."""
        cells = Cells(run, field, raw, len(raw))
        if sorts & (NULL | ERROR):
            cells = cells.sifted(
                [self._unless_null(field, each) for each in raw], bubbles=self.bubbles
            )
        return self.values(cells)

    def _unless_null(self, field: "Field", value: Any) -> Any:
        if type(value) not in NULLS or value is ABANDONED:
            return value
        return ABANDONED if self.is_nullable else null_error(field)


def null_error(field: "Field") -> TypeError:
    """What is wrong with a null where none may be."""
    return TypeError(f"Cannot return null for non-nullable field {field.parent_type}.{field.name}.")
