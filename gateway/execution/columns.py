"""Completed columns: what a field came to for all parents of a layer, cell by cell.

A column has one cell for each of its rows.  Beneath a list or an object lies another row space, that of all
items of all the lists, or of all objects of one type; `present` names the outer rows that have something
beneath (`None`: all of them, in order), the others are null.

    Leaves     values
    Lists      counts, and one column of all their items
    Objects    a layer: one column for each field of a selection
    Variants   a layer for each type that an abstract type turned out to be
    Pending    not here yet

`assemble` turns a column into values and the damage of those rows that have any.  `lost` and `abandon` are
for what is still pending: rows that a null has bubbled over are not waited for.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, Protocol

from gateway.execution.errors import Damage, Fault, Located

Row = int
Faults = dict[Row, Exception]
Assembled = tuple[list[Any], dict[Row, Damage]]


class Build(Protocol):
    """How objects and lists of the answer are made."""

    def objects(self, selection: Any, columns: Sequence[list[Any]]) -> list[Any]:
        """An object for each row of a selection's columns."""
        ...

    def lists(self, items: list[Any], counts: Sequence[int]) -> list[Any]:
        """The items cut into lists, so many for each."""
        ...


class Column(Protocol):
    """A completed column."""

    def assemble(self, build: Build) -> Assembled:
        """Its values, null where there is damage that the cell itself raises."""
        ...

    def lost(self) -> Collection[Row]:
        """The rows whose cells raise a fault, as far as is known."""
        ...

    def abandon(self, rows: Collection[Row]) -> None:
        """Wait no longer for what lies in or beneath these rows, nor for rows lost beneath."""
        ...


class Field(Located, Protocol):
    """What columns need to know of a field."""

    key: str
    bubbles: bool


class Selection(Protocol):
    """What a layer needs to know of its selection."""

    @property
    def fields(self) -> Sequence[Field]:
        """In the order of the answer."""
        ...


class Leaves:
    """Values as they stand in the answer."""

    __slots__ = ("faults", "field", "values")

    def __init__(self, field: Located, values: list[Any], faults: Faults | None = None) -> None:
        self.field = field
        self.values = values
        self.faults = faults or {}

    def assemble(self, build: Build) -> Assembled:
        """The values themselves."""
        return self.values, _damage_of(self.faults, self.field)

    def lost(self) -> Collection[Row]:
        """Those with a fault."""
        return self.faults.keys()

    def abandon(self, rows: Collection[Row]) -> None:
        """There is nothing to wait for."""


class Layer:
    """A selection on one type, over all its parents: a column for each field."""

    __slots__ = ("columns", "selection", "size")

    def __init__(self, selection: Selection, size: int) -> None:
        self.selection = selection
        self.size = size
        self.columns: list[Column] = []

    def assemble(self, build: Build) -> Assembled:
        """An object for each parent."""
        columns: list[list[Any]] = []
        damaged: list[tuple[Field, dict[Row, Damage]]] = []
        for field, column in zip(self.selection.fields, self.columns, strict=True):
            values, damage = column.assemble(build)
            columns.append(values)
            if damage:
                damaged.append((field, damage))
        objects = build.objects(self.selection, columns) if columns else _empty(self.size)
        return objects, _merge(objects, damaged) if damaged else {}

    def lost(self) -> set[Row]:
        """The parents that a null of a field bubbles over."""
        rows: set[Row] = set()
        for field, column in zip(self.selection.fields, self.columns, strict=False):
            if field.bubbles:
                rows.update(column.lost())
        return rows

    def abandon(self, rows: Iterable[Row] = ()) -> None:
        """Wait no longer for what lies beneath these parents, nor beneath those that are lost."""
        dead = self.lost().union(rows)
        for column in self.columns:
            column.abandon(dead)


class Objects:
    """Objects of one type."""

    __slots__ = ("faults", "field", "layer", "present", "size")

    def __init__(
        self,
        field: Located,
        size: int,
        layer: Layer,
        present: list[Row] | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.field = field
        self.size = size
        self.layer = layer
        self.present = present
        self.faults = faults or {}

    def assemble(self, build: Build) -> Assembled:
        """The objects, each in its row."""
        values, damage = self.layer.assemble(build)
        damage = {_outer(self.present, row): each for row, each in damage.items()}
        damage |= _damage_of(self.faults, self.field)
        return spread(values, self.present, self.size), damage

    def lost(self) -> Collection[Row]:
        """Those that were never objects, and those that a null of a field bubbles over."""
        beneath = {_outer(self.present, row) for row in self.layer.lost()}
        return beneath | self.faults.keys()

    def abandon(self, rows: Collection[Row]) -> None:
        """Abandon these objects."""
        self.layer.abandon(_inner(self.present, rows))


class Variants:
    """Objects of several types: for each type its rows, and the column of their objects."""

    __slots__ = ("faults", "field", "groups", "size")

    def __init__(
        self, field: Located, size: int, groups: list[tuple[list[Row], Column]], faults: Faults
    ) -> None:
        self.field = field
        self.size = size
        self.groups = groups
        self.faults = faults

    def assemble(self, build: Build) -> Assembled:
        """The objects, each in its row."""
        values: list[Any] = [None] * self.size
        damage = _damage_of(self.faults, self.field)
        for rows, column in self.groups:
            objects, harm = column.assemble(build)
            for row, value in zip(rows, objects, strict=True):
                values[row] = value
            damage |= {rows[place]: each for place, each in harm.items()}
        return values, damage

    def lost(self) -> Collection[Row]:
        """Those that have no type, and those of each type."""
        beneath = {rows[place] for rows, column in self.groups for place in column.lost()}
        return beneath | self.faults.keys()

    def abandon(self, rows: Collection[Row]) -> None:
        """Abandon these objects, of whatever type."""
        for own, column in self.groups:
            column.abandon(list(_inner(own, rows)))


class Lists:
    """Lists, whose items stand in one column of their own."""

    __slots__ = (
        "_ends",
        "broken",
        "bubbles",
        "counts",
        "faults",
        "field",
        "items",
        "present",
        "size",
    )

    def __init__(
        self,
        field: Located,
        size: int,
        counts: Sequence[int],
        items: Column,
        *,
        bubbles: bool,
        present: list[Row] | None = None,
        faults: Faults | None = None,
        broken: Faults | None = None,
    ) -> None:
        self.field = field
        self.size = size
        self.counts = counts
        self.items = items
        self.bubbles = bubbles
        """Whether an item that fails takes its list with it."""
        self.present = present
        self.faults = faults or {}
        self.broken = broken or {}
        """Lists that failed after their last item."""
        self._ends: list[int] | None = None

    @property
    def ends(self) -> list[int]:
        """Where each list ends among the items; only who looks for the list of an item needs it."""
        if self._ends is None:
            self._ends = list(accumulate(self.counts))
        return self._ends

    def assemble(self, build: Build) -> Assembled:
        """The lists, each in its row."""
        values, damaged = self.items.assemble(build)
        lists = build.lists(values, self.counts)
        damage: dict[Row, Damage] = {}
        for index in sorted(damaged):
            row = bisect_right(self.ends, index)
            place = index - (self.ends[row - 1] if row else 0)
            whole = damage.setdefault(_outer(self.present, row), Damage())
            whole.take(damaged[index], place, bubbles=self.bubbles)
            if whole.raised is not None:
                lists[row] = None
        damage |= _damage_of(self.faults, self.field)
        values = spread(lists, self.present, self.size)
        for row, error in self.broken.items():
            damage.setdefault(row, Damage()).fail(Fault(error, self.field))
            values[row] = None
        return values, damage

    def lost(self) -> Collection[Row]:
        """Those that were never lists, those that failed, and those that an item takes with it."""
        rows = {*self.faults, *self.broken}
        if self.bubbles:
            for index in self.items.lost():
                rows.add(_outer(self.present, bisect_right(self.ends, index)))
        return rows

    def abandon(self, rows: Collection[Row]) -> None:
        """Abandon all items of these lists, and of those that an item has taken with it."""
        dead: set[Row] = set()
        for row in _inner(self.present, {*rows, *self.lost()}):
            dead.update(range(self.ends[row - 1] if row else 0, self.ends[row]))
        self.items.abandon(dead)


class Done:
    """A column that is assembled already."""

    __slots__ = ("assembled",)

    def __init__(self, assembled: Assembled) -> None:
        self.assembled = assembled

    def assemble(self, build: Build) -> Assembled:
        """What it came to."""
        return self.assembled

    def lost(self) -> Collection[Row]:
        """Those that raise a fault."""
        return {row for row, damage in self.assembled[1].items() if damage.raised is not None}

    def abandon(self, rows: Collection[Row]) -> None:
        """There is nothing to wait for."""


def _empty(size: int) -> list[Any]:
    """Objects without fields."""
    objects: list[Any] = [{} for _ in range(size)]
    return objects


def _merge(
    objects: list[Any], damaged: Sequence[tuple[Field, Mapping[Row, Damage]]]
) -> dict[Row, Damage]:
    """The damage of objects from that of their fields, in the order of the fields."""
    merged: dict[Row, Damage] = {}
    for field, damage in damaged:
        for row, inner in damage.items():
            merged.setdefault(row, Damage()).take(inner, field.key, bubbles=field.bubbles)
    for row, damage in merged.items():
        if damage.raised is not None:
            objects[row] = None
    return merged


def _damage_of(faults: Faults, field: Located) -> dict[Row, Damage]:
    return {row: Damage(Fault(error, field)) for row, error in faults.items()} if faults else {}


def spread(values: list[Any], present: list[Row] | None, size: int) -> list[Any]:
    """Values in the rows that have one; null in the others."""
    if present is None:
        return values
    spread: list[Any] = [None] * size
    for row, value in zip(present, values, strict=True):
        spread[row] = value
    return spread


def _outer(present: list[Row] | None, row: Row) -> Row:
    return row if present is None else present[row]


def _inner(present: list[Row] | None, rows: Iterable[Row]) -> Iterable[Row]:
    """The places in `present` of those of the rows that are there."""
    if present is None:
        return rows
    places = ((bisect_left(present, row), row) for row in rows)
    return [place for place, row in places if place < len(present) and present[place] == row]
