"""Completion of objects: of one type, or of an interface or union."""

from typing import Any

from graphql import GraphQLAbstractType, GraphQLError, GraphQLObjectType

from gateway.execution.columns import Column, Leaves, Objects, Row, Variants
from gateway.execution.completion import Cells, Completion
from gateway.execution.core import invalid_return_type_error
from gateway.execution.errors import AnswerTooLarge, each
from gateway.execution.values import ABANDONED


class Object(Completion):
    """Objects of one type."""

    def __init__(self, type_: GraphQLObjectType, *, is_nullable: bool, propagates: bool) -> None:
        super().__init__(is_nullable=is_nullable, propagates=propagates)
        self._type = type_

    def values(self, cells: Cells) -> Column:
        """Resolve the selection for those that are of the type."""
        answers = _of_type(cells, self._type)
        if answers is None:
            return self._selected(cells)

        alone = cells.alone()  # what has to be awaited stands in the rows of the answers

        def go(answers: list[Any]) -> Column:
            verdicts = [
                self._verdict(alone, value, answer)
                for value, answer in zip(alone.values, answers, strict=True)
            ]
            return self._selected(alone.sifted(verdicts, bubbles=self.bubbles))

        fails = _is_refusal if self.bubbles else None
        return cells.placed(cells.run.settled(answers, go, fails=fails))

    def _selected(self, cells: Cells) -> Column:
        try:
            selection = cells.run.plan.beneath(cells.field, self._type)
            layer = cells.run.layer(selection, cells.values)
        except (GraphQLError, AnswerTooLarge) as error:  # GraphQLError: nested too deeply
            cells = cells.sifted([error] * len(cells.values), bubbles=self.bubbles)
            return Leaves(cells.field, [None] * cells.size, cells.faults)
        return Objects(cells.field, cells.size, layer, cells.present, cells.faults)

    def _verdict(self, cells: Cells, value: Any, answer: Any) -> Any:
        if isinstance(answer, Exception) or answer is ABANDONED:
            return answer
        return None if answer else invalid_return_type_error(self._type, value, cells.field.details)


class Abstract(Completion):
    """Objects of an interface or union."""

    def __init__(self, type_: GraphQLAbstractType, *, is_nullable: bool, propagates: bool) -> None:
        super().__init__(is_nullable=is_nullable, propagates=propagates)
        self._type = type_
        self._by_type: dict[str, Object] = {}

    def values(self, cells: Cells) -> Column:
        """Complete those of each type together, as objects of it."""
        alone, run, info = cells.alone(), cells.run, cells.run.info(cells.field)
        resolve = self._type.resolve_type or run.executor.type_resolver
        names = each(lambda value: resolve(value, info, self._type), alone.values)

        def go(names: list[Any]) -> Column:
            types = [
                self._runtime_type(alone, value, name)
                for value, name in zip(alone.values, names, strict=True)
            ]
            return self._grouped(alone, types)

        fails = _is_refusal if self.bubbles else None
        return cells.placed(run.settled(names, go, fails=fails))

    def _grouped(self, cells: Cells, types: list[Any]) -> Column:
        pairs = list(zip(types, cells.values, strict=True))
        typed = cells.sifted(types, bubbles=self.bubbles, values=pairs)
        groups: dict[GraphQLObjectType, tuple[list[Any], list[Row]]] = {}
        for (type_, value), row in zip(typed.values, typed.present or (), strict=True):
            values, rows = groups.setdefault(type_, ([], []))
            values.append(value)
            rows.append(row)
        columns = [
            (rows, self._objects(type_).values(Cells(cells.run, cells.field, values, len(values))))
            for type_, (values, rows) in groups.items()
        ]
        return Variants(cells.field, cells.size, columns, typed.faults)

    def _objects(self, type_: GraphQLObjectType) -> Object:
        """The completion of those that turn out to be of one type."""
        known = self._by_type.get(type_.name)
        if known is None:
            known = self._by_type[type_.name] = Object(
                type_, is_nullable=self.is_nullable, propagates=self.bubbles
            )
        return known

    def _runtime_type(self, cells: Cells, value: Any, name: Any) -> Any:
        if isinstance(name, Exception) or name is ABANDONED:
            return name
        run, field = cells.run, cells.field
        try:
            return run.executor.ensure_valid_runtime_type(
                name, self._type, field.details, run.info(field), value
            )
        except Exception as error:  # noqa: BLE001 - it says what is wrong with the name
            return error


def _is_refusal(answer: Any) -> bool:
    return not answer or isinstance(answer, Exception)


def _of_type(cells: Cells, type_: GraphQLObjectType) -> list[Any] | None:
    """What `is_type_of` says of each value; `None` where there is nothing to ask, or no doubt.

    A predicate that looks at the class of a value only says so by its attribute `__by_class__`: then one
    value of each class is asked.
    """
    predicate = type_.is_type_of
    if predicate is None or not cells.values:
        return None
    info = cells.run.info(cells.field)
    if not getattr(predicate, "__by_class__", False):
        return each(lambda value: predicate(value, info), cells.values)
    examples: dict[Any, Any] = {type(value): value for value in cells.values}
    answers = each(lambda value: predicate(value, info), examples.values())
    if all(answer is True for answer in answers):
        return None
    by_class: dict[Any, Any] = dict(zip(examples, answers, strict=True))
    return [by_class[type(value)] for value in cells.values]
