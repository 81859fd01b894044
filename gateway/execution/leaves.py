"""Completion of scalars and enums."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from math import isfinite
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from graphql import (
    GraphQLBoolean,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
)
from graphql.pyutils import Undefined

from gateway.execution.columns import Column, Leaves
from gateway.execution.completion import Cells, Completion
from gateway.execution.core import complete_leaf
from gateway.execution.errors import contained

if TYPE_CHECKING:
    from gateway.execution.plan import Field
    from gateway.execution.running import Run

Stands = Callable[[list[Any]], bool]


class Leaf(Completion):
    """Scalars and enums."""

    def __init__(self, type_: GraphQLLeafType, *, is_nullable: bool, propagates: bool) -> None:
        super().__init__(is_nullable=is_nullable, propagates=propagates)
        self._type = type_
        self._stands = _standing(type_, is_nullable=is_nullable)

    def complete(self, run: "Run", field: "Field", raw: list[Any]) -> Column:
        """Most columns need no more than a look at their types."""
        if self._stands(raw):
            return Leaves(field, raw)
        return super().complete(run, field, raw)

    def fails(self, value: Any) -> bool:
        """Also what cannot be coerced."""
        return super().fails(value) or isinstance(self._coerced(value), Exception)

    def values(self, cells: Cells) -> Column:
        """Coerce all; one by one only if one of them cannot be."""
        with suppress(Exception):
            coerced = list(map(self._type.coerce_output_value, cells.values))
            if len(coerced) == cells.size and None not in coerced and Undefined not in coerced:
                return Leaves(cells.field, coerced)
        results = [self._coerced(value) for value in cells.values]
        cells = cells.sifted(results, bubbles=self.bubbles, values=results)
        if len(cells.values) == cells.size:
            return Leaves(cells.field, cells.values)
        column: list[Any] = [None] * cells.size
        for row, value in zip(cells.present or (), cells.values, strict=True):
            column[row] = value
        return Leaves(cells.field, column, cells.faults)

    def _coerced(self, value: Any) -> Any:
        try:
            return complete_leaf(self._type, value)
        except BaseException as error:  # noqa: BLE001 - a scalar of the application, which may raise anything
            return contained(error)


_BUILT_IN: dict[Any, Any] = {
    GraphQLString: str,
    GraphQLID: str,
    GraphQLInt: Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)],
    GraphQLBoolean: bool,
}
"""Types whose values are their own values in the answer.  msgspec looks at a column of them in C."""


def _standing(type_: GraphQLLeafType, *, is_nullable: bool) -> Stands:
    """What tells whether a column can stand in the answer as it is."""
    if type_ is GraphQLFloat:
        return partial(_are_floats, frozenset({float, NoneType} if is_nullable else {float}))
    kept = _BUILT_IN.get(type_)
    if kept is None:
        return _never
    return partial(_are, list[kept | None] if is_nullable else list[kept])


def _are(kept: Any, column: list[Any]) -> bool:
    try:
        msgspec.convert(column, kept)
    except msgspec.ValidationError:
        return False
    return True


def _are_floats(types: frozenset[type], column: list[Any]) -> bool:
    """msgspec would take integers for floats, however large."""
    if not types.issuperset(map(type, column)):
        return False
    numbers = [each for each in column if each is not None] if None in column else column
    return isfinite(sum(numbers)) or all(map(isfinite, numbers))  # a sum may overflow


def _never(column: list[Any]) -> bool:
    return not column
