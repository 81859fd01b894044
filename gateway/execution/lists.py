"""Completion of lists, from whatever can be iterated."""

from collections.abc import Awaitable, Iterable
from contextlib import suppress
from inspect import isawaitable, iscoroutine
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from graphql import GraphQLError

from gateway.execution.columns import Column, Lists
from gateway.execution.completion import Cells, Completion
from gateway.execution.core import is_iterable_value
from gateway.execution.errors import contained
from gateway.execution.values import ABANDONED

if TYPE_CHECKING:
    from gateway.execution.plan import Field


class Broken(list[Any]):
    """The items that came before an iterator failed."""

    def __init__(self, items: Iterable[Any], error: Exception) -> None:
        super().__init__(_given_up(item) for item in items)
        self.error = error


class ListOf(Completion):
    """Lists."""

    def __init__(self, items: Completion, *, is_nullable: bool, propagates: bool) -> None:
        super().__init__(is_nullable=is_nullable, propagates=propagates)
        self._items = items
        self.read = self._read

    def values(self, cells: Cells) -> Column:
        """Complete all items of all lists as one column."""
        broken: dict[int, Exception] = {}
        types = list(map(type, cells.values))
        if types.count(list) + types.count(tuple) < len(types):
            results = [_listed(cells.field, value) for value in cells.values]
            cells = cells.sifted(results, bubbles=self.bubbles, values=results)
            broken = {
                row: value.error
                for row, value in zip(cells.present or (), cells.values, strict=True)
                if isinstance(value, Broken)
            }
            if broken and self.bubbles:
                cells.run.faulted()
        items = self._items.complete(
            cells.run, cells.field, list(chain.from_iterable(cells.values))
        )
        return Lists(
            cells.field, cells.size, list(map(len, cells.values)), items,
            bubbles=self._items.bubbles, present=cells.present, faults=cells.faults, broken=broken,
        )  # fmt: skip

    async def _read(self, stream: Any) -> list[Any]:
        """The items of an asynchronous iterable, not beyond one that takes the list with it."""
        items: list[Any] = []
        iterator: Any = None
        try:
            iterator = aiter(stream)
            async for item in iterator:
                items.append(item)
                if self._items.bubbles and not isawaitable(item) and self._items.fails(item):
                    await _end(iterator)
                    break
        except Exception as error:  # noqa: BLE001 - an iterator of the application
            await _end(iterator)
            return Broken(items, error)
        except BaseException:
            _discard(items)
            raise
        return items


def _listed(field: "Field", value: Any) -> Any:
    """A value as a list, or what is wrong with it."""
    if isinstance(value, (list, tuple)):
        return cast("Any", value)
    if not is_iterable_value(value):
        return GraphQLError(
            f"Expected Iterable, but did not find one for field '{field.parent_type}.{field.name}'."
        )
    items: list[Any] = []
    iterator: Iterable[Any] = ()
    try:
        iterator = iter(value)
        items.extend(iterator)
        return items
    except BaseException as error:  # noqa: BLE001 - an iterator of the application
        fault = contained(error)
        _discard(iterator)
        return Broken(items, fault)


def _given_up(item: Any) -> Any:
    if not isawaitable(item):
        return item
    _discard((item,))
    return ABANDONED


def _discard(items: Iterable[Any]) -> None:
    """Close coroutines that nobody will await; what an iterator that has failed may still hold, too."""
    with suppress(Exception):
        for item in items:
            if iscoroutine(item):
                item.close()


def _end(iterator: Any) -> Awaitable[None]:
    return _closed(getattr(iterator, "aclose", None))


async def _closed(close: Any) -> None:
    if close is not None:
        with suppress(Exception):
            await close()
