"""Completion of scalars and enums.

The serializer of a scalar may carry a batch function as its attribute `__batch__`: it takes a list of values
and gives a list of what the serializer gives for each, or raises, and then the serializer is asked for each.
"""

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

from gateway.execution.columns import Column, Leaves, spread
from gateway.execution.completion import Cells, Completion
from gateway.execution.core import complete_leaf, isoformat
from gateway.execution.errors import contained
from gateway.execution.instants import isoformats

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
        self._coerce_all = _coercion(type_)

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
            coerced = self._coerce_all(cells.values)
            if None not in coerced and Undefined not in coerced:
                return _placed(cells, coerced)
        results = [self._coerced(value) for value in cells.values]
        cells = cells.sifted(results, bubbles=self.bubbles, values=results)
        return _placed(cells, cells.values)

    def _coerced(self, value: Any) -> Any:
        try:
            return complete_leaf(self._type, value)
        except BaseException as error:  # noqa: BLE001 - a scalar of the application, which may raise anything
            return contained(error)


def _placed(cells: Cells, values: list[Any]) -> Leaves:
    return Leaves(cells.field, spread(values, cells.present, cells.size), cells.faults)


def _coercion(type_: GraphQLLeafType) -> Callable[[list[Any]], list[Any]]:
    """What coerces a column: the serializer's batch function, if it has one, or the serializer for each."""
    coerce: Any = type_.coerce_output_value
    if coerce is isoformat:
        return isoformats
    batch = getattr(coerce, "__batch__", None)
    return batch or (lambda values: list(map(coerce, values)))


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
