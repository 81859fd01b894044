"""Completion: from a column of what a resolver gave to the completed column, by the type of the field.

    Leaf       scalars and enums, to their values in the answer
    ListOf     lists, to one column of all items, completed by the type of the items
    Object     objects of one type, to a layer of their selection
    Abstract   objects of an interface or union, to a layer for each type that they turn out to be

What is null, failed or still to be awaited is found by the set of types in the column; only a column that
holds such values is looked at value by value.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from inspect import iscoroutine
from itertools import chain
from math import isfinite
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLAbstractType,
    GraphQLBoolean,
    GraphQLError,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLString,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.executor import Executor, invalid_return_type_error
from graphql.pyutils import is_iterable

from gateway.execution.columns import Column, Faults, Leaves, Lists, Objects, Row, Variants
from gateway.execution.errors import contained
from gateway.execution.sources import each
from gateway.execution.values import ABANDONED, NULLS, Sort, sort_of

if TYPE_CHECKING:
    from gateway.execution.plan import Field
    from gateway.execution.running import Run

Present = list[Row] | None
_LARGEST_INT = 2**31 - 1


class Completion:
    """How values of one output type are completed."""

    def __init__(self, *, is_nullable: bool, propagates: bool) -> None:
        self.is_nullable = is_nullable
        self.bubbles = propagates and not is_nullable
        """Whether an error takes what is around with it."""

    def complete(self, run: "Run", field: "Field", raw: list[Any]) -> Column:
        """Complete a column; in part later, if some of it has to be awaited."""
        types = set(map(type, raw))
        sorts = sort_of(types)
        if sorts & (Sort.AWAITABLE | Sort.STREAM):
            return run.settled(
                field,
                raw,
                lambda cells: self._present(run, field, cells, sort_of(set(map(type, cells)))),
                bubbles=self.bubbles,
                read=self._reader(),
            )
        return self._present(run, field, raw, sorts)

    def _present(self, run: "Run", field: "Field", raw: list[Any], sorts: Sort) -> Column:
        """Complete a column of which nothing has to be awaited."""
        if not sorts & (Sort.NULL | Sort.ERROR):
            return self._values(run, field, raw, len(raw), None, {})
        present: list[Row] = []
        faults: Faults = {}
        for row, value in enumerate(raw):
            if type(value) in NULLS:
                if not self.is_nullable and value is not ABANDONED:
                    faults[row] = _null_error(field)
            elif isinstance(value, Exception):
                faults[row] = value
            else:
                present.append(row)
        self._note(run, faults)
        return self._values(run, field, [raw[row] for row in present], len(raw), present, faults)

    def _values(
        self,
        run: "Run",
        field: "Field",
        values: list[Any],
        size: int,
        present: Present,
        faults: Faults,
    ) -> Column:
        """Complete values that are there, in the `present` rows of `size`."""
        raise NotImplementedError

    def _reader(self) -> Callable[[Any], Awaitable[Any]] | None:
        """How an asynchronous iterable is read, where it is a list."""
        return None

    def _note(self, run: "Run", faults: Faults) -> None:
        if faults and self.bubbles:
            run.faulted()

    def _sift(
        self, run: "Run", results: Sequence[Any], present: Present, faults: Faults
    ) -> tuple[list[int], Present]:
        """Move exceptions among the results for present values to the faults: the places of those that
        remain, and their rows."""
        places: list[int] = []
        rows: list[Row] = []
        for place, result in enumerate(results):
            row = place if present is None else present[place]
            if isinstance(result, Exception):
                faults[row] = result
            else:
                places.append(place)
                rows.append(row)
        self._note(run, faults)
        return places, rows


class Leaf(Completion):
    """Scalars and enums."""

    def __init__(self, type_: GraphQLLeafType, *, is_nullable: bool, propagates: bool) -> None:
        super().__init__(is_nullable=is_nullable, propagates=propagates)
        self._type = type_
        kept, self._check = _AS_THEY_ARE.get(type_, ((), None))
        self._kept = frozenset((*kept, type(None)) if is_nullable and kept else kept)
        """Types whose values stand in the answer as they are, if the check lets them."""

    def complete(self, run: "Run", field: "Field", raw: list[Any]) -> Column:
        """Most columns need no more than a look at their types."""
        if self._kept.issuperset(map(type, raw)) and (self._check is None or self._check(raw)):
            return Leaves(field, raw)
        return super().complete(run, field, raw)

    def _values(
        self,
        run: "Run",
        field: "Field",
        values: list[Any],
        size: int,
        present: Present,
        faults: Faults,
    ) -> Column:
        results = [self._coerced(value) for value in values]
        places, rows = self._sift(run, results, present, faults)
        if len(places) == size:
            return Leaves(field, results)
        column: list[Any] = [None] * size
        for place, row in zip(places, rows or (), strict=True):
            column[row] = results[place]
        return Leaves(field, column, faults)

    def _coerced(self, value: Any) -> Any:
        try:
            return Executor.complete_leaf_value(self._type, value)
        except BaseException as error:  # noqa: BLE001 - a scalar of the application, which may raise anything
            return contained(error)


class ListOf(Completion):
    """Lists."""

    def __init__(self, items: Completion, *, is_nullable: bool, propagates: bool) -> None:
        super().__init__(is_nullable=is_nullable, propagates=propagates)
        self._items = items

    def _reader(self) -> Callable[[Any], Awaitable[Any]] | None:
        return partial(_read, stops=self._items.bubbles)

    def _values(
        self,
        run: "Run",
        field: "Field",
        values: list[Any],
        size: int,
        present: Present,
        faults: Faults,
    ) -> Column:
        if not set(map(type, values)) <= {list, tuple}:
            results = [_listed(field, value) for value in values]
            places, present = self._sift(run, results, present, faults)
            values = [results[place] for place in places]
        items = self._items.complete(run, field, list(chain.from_iterable(values)))
        return Lists(
            field, size, map(len, values), items,
            bubbles=self._items.bubbles, present=present, faults=faults,
        )  # fmt: skip


class Object(Completion):
    """Objects of one type."""

    def __init__(self, type_: GraphQLObjectType, *, is_nullable: bool, propagates: bool) -> None:
        super().__init__(is_nullable=is_nullable, propagates=propagates)
        self._type = type_

    def _values(
        self,
        run: "Run",
        field: "Field",
        values: list[Any],
        size: int,
        present: Present,
        faults: Faults,
    ) -> Column:
        def go(answers: list[Any]) -> Column:
            nonlocal values, present
            if not all(answer is True for answer in answers):
                results = [
                    _belongs(self._type, field, value, answer)
                    for value, answer in zip(values, answers, strict=True)
                ]
                places, present = self._sift(run, results, present, faults)
                values = [values[place] for place in places]
            try:
                selection = run.plan.beneath(field, self._type)
            except GraphQLError as error:  # its selections are nested too deeply
                _, present = self._sift(run, [error] * len(values), present, faults)
                return Leaves(field, [None] * size, faults)
            return Objects(field, size, run.layer(selection, values), present, faults)

        answers = _of_type(run, field, self._type, values)
        return go([]) if answers is None else run.settled(field, answers, go, bubbles=self.bubbles)


class Abstract(Completion):
    """Objects of an interface or union."""

    def __init__(self, type_: GraphQLAbstractType, *, is_nullable: bool, propagates: bool) -> None:
        super().__init__(is_nullable=is_nullable, propagates=propagates)
        self._type = type_
        self._by_type: dict[str, Object] = {}

    def _values(
        self,
        run: "Run",
        field: "Field",
        values: list[Any],
        size: int,
        present: Present,
        faults: Faults,
    ) -> Column:
        resolve = self._type.resolve_type or run.executor.type_resolver
        info = run.info(field)
        names = each(lambda value: resolve(value, info, self._type), values)

        def go(names: list[Any]) -> Column:
            types = [
                self._runtime_type(run, field, value, name)
                for value, name in zip(values, names, strict=True)
            ]
            places, rows = self._sift(run, types, present, faults)
            grouped: dict[GraphQLObjectType, tuple[list[Any], list[Row]]] = {}
            for place, row in zip(places, rows or (), strict=True):
                group = grouped.setdefault(types[place], ([], []))
                group[0].append(values[place])
                group[1].append(row)
            columns = [
                (rows, self._objects(type_)._values(run, field, members, len(members), None, {}))
                for type_, (members, rows) in grouped.items()
            ]
            return Variants(field, size, columns, faults)

        return run.settled(field, names, go, bubbles=self.bubbles)

    def _objects(self, type_: GraphQLObjectType) -> "Object":
        """The completion of those that turn out to be of one type."""
        known = self._by_type.get(type_.name)
        if known is None:
            known = self._by_type[type_.name] = Object(
                type_, is_nullable=self.is_nullable, propagates=self.bubbles
            )
        return known

    def _runtime_type(self, run: "Run", field: "Field", value: Any, name: Any) -> Any:
        if isinstance(name, Exception):
            return name
        try:
            return run.executor.ensure_valid_runtime_type(
                name, self._type, field.details, run.info(field), value
            )
        except Exception as error:  # noqa: BLE001 - it says what is wrong with the name
            return error


def completion_of(type_: GraphQLOutputType, *, propagates: bool) -> Completion:
    """The completion of a type; `propagates` says whether errors take what may not be null with them."""
    is_nullable = not is_non_null_type(type_)
    inner: Any = type_ if is_nullable else type_.of_type
    if is_list_type(inner):
        items = completion_of(inner.of_type, propagates=propagates)
        return ListOf(items, is_nullable=is_nullable, propagates=propagates)
    if is_leaf_type(inner):
        return Leaf(inner, is_nullable=is_nullable, propagates=propagates)
    if is_abstract_type(inner):
        return Abstract(inner, is_nullable=is_nullable, propagates=propagates)
    assert is_object_type(inner)
    return Object(inner, is_nullable=is_nullable, propagates=propagates)


def _fit_int(column: list[Any]) -> bool:
    numbers = [each for each in column if each is not None] if None in column else column
    return not numbers or (min(numbers) >= -_LARGEST_INT - 1 and max(numbers) <= _LARGEST_INT)


def _are_finite(column: list[Any]) -> bool:
    return all(each is None or isfinite(each) for each in column)


_AS_THEY_ARE: dict[Any, tuple[tuple[type, ...], Callable[[list[Any]], bool] | None]] = {
    GraphQLString: ((str,), None),
    GraphQLID: ((str,), None),
    GraphQLInt: ((int,), _fit_int),
    GraphQLFloat: ((float,), _are_finite),
    GraphQLBoolean: ((bool,), None),
}


def _of_type(
    run: "Run", field: "Field", type_: GraphQLObjectType, values: list[Any]
) -> list[Any] | None:
    """What `is_type_of` says of each value; `None` where there is nothing to ask, or no doubt.

    A predicate that looks at the class of a value only says so by its attribute `__by_class__`: then one
    value of each class is asked.
    """
    predicate = type_.is_type_of
    if predicate is None or not values:
        return None
    info = run.info(field)
    if getattr(predicate, "__by_class__", False):
        examples = dict(zip(map(type, values), values, strict=True))
        answers = dict(
            zip(examples, each(lambda each: predicate(each, info), examples.values()), strict=True)
        )
        if all(answer is True for answer in answers.values()):
            return None
        return [answers[type(value)] for value in values]
    return each(lambda value: predicate(value, info), values)


def _belongs(type_: GraphQLObjectType, field: "Field", value: Any, answer: Any) -> Any:
    if isinstance(answer, Exception):
        return answer
    return None if answer else invalid_return_type_error(type_, value, field.details)


def _listed(field: "Field", value: Any) -> Any:
    """A value as a list, or what is wrong with it."""
    if not is_iterable(value):
        return GraphQLError(
            f"Expected Iterable, but did not find one for field '{field.parent_type}.{field.name}'."
        )
    items: list[Any] = []
    iterator: Iterator[Any] = iter(())
    try:
        iterator = iter(value)
        items.extend(iterator)
        return items
    except BaseException as error:  # noqa: BLE001 - an iterator of the application
        _discard(chain(items, iterator))
        return contained(error)


def _discard(items: Iterable[Any]) -> None:
    """Close coroutines that nobody will await; what an iterator that has failed may still hold, too."""
    with suppress(Exception):
        for item in items:
            if iscoroutine(item):
                item.close()


async def _read(stream: Any, *, stops: bool) -> list[Any]:
    """The items of an asynchronous iterable; with `stops`, not beyond one that takes the list with it."""
    items: list[Any] = []
    iterator = aiter(stream)
    try:
        async for item in iterator:
            items.append(item)
            if stops and (item is None or isinstance(item, Exception)):
                await _end(iterator)
                break
    except Exception:
        _discard(items)
        await _end(iterator)
        raise
    return items


async def _end(iterator: Any) -> None:
    if (close := getattr(iterator, "aclose", None)) is not None:
        with suppress(Exception):
            await close()


def _null_error(field: "Field") -> TypeError:
    return TypeError(f"Cannot return null for non-nullable field {field.parent_type}.{field.name}.")
