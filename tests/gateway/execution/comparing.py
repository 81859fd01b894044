"""When two answers are the same: the statement that the differential tests prove.

Where nothing has to be awaited, an answer is that of graphql-core's synchronous execution to the last error.

Where something is awaited, work beneath a position that has become null is given up, so that of several
faults beneath it others may be seen.  The *faults* of an operation are what goes wrong if errors do not
propagate and nothing is given up, in the order of the document; a fault is *absorbed* by the nearest position
at or around it that may be null.  Then

    1. the data are the same, to the order of keys;
    2. the errors are some of the faults, as graphql-core words and places them, in their order;
    3. there is an error at or beneath each null that a fault has made, and nowhere else;
    4. the last error at or beneath such a null is one that it absorbs, and no other one is: it is the first
       that was seen, and each fault before it was kept because a position further in absorbed it.

So where there is but one fault at or beneath a null, the errors are the same.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import DocumentNode, GraphQLSchema, is_non_null_type
from graphql.execution import Executor
from graphql.pyutils import Path

Position = tuple[str | int, ...]


@dataclass(frozen=True)
class Error:
    """An error of an answer."""

    path: Position | None
    message: str
    locations: tuple[tuple[int, int], ...]
    extensions: str


@dataclass(frozen=True)
class Answer:
    """An answer: its data as JSON, whose keys are in order, and its errors."""

    data: str
    errors: tuple[Error, ...]


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong, and the position that absorbs it."""

    error: Error
    absorbed: Position


def answer(result: Any) -> Answer:
    """A result as an answer."""
    errors = tuple(
        Error(
            None if each.path is None else tuple(each.path),
            each.message,
            tuple((place.line, place.column) for place in each.locations or ()),
            json.dumps(each.extensions),
        )
        for each in result.errors or ()
    )
    return Answer(json.dumps(result.data), errors)


def faults(
    schema: GraphQLSchema, document: DocumentNode, *, context: Any, variables: dict[str, Any]
) -> list[Fault]:
    """All that goes wrong in an operation, in the order of the document."""
    executor = Everything.build(
        schema, document, context_value=context, raw_variable_values=variables
    )
    if not isinstance(executor, Everything):
        return []  # it cannot be executed at all
    return executor.faults(answer(executor.execute_operation()))


def check(found: Answer, data: str, known: Sequence[Fault]) -> None:
    """Assert that an answer is that of an operation with these data and faults, some of whose work may have
    been given up."""
    assert found.data == data
    assert _is_part(found.errors, [fault.error for fault in known]), (found.errors, known)
    absorbed = {fault.error: fault.absorbed for fault in known}
    values = json.loads(data)
    nulls = {_null(values, fault.error.path or ()) for fault in known}
    assert {_null(values, error.path or ()) for error in found.errors} == nulls
    for null in nulls:
        beneath = [each for each in found.errors if (each.path or ())[: len(null)] == null]
        ends = [absorbed[each] == null for each in beneath]
        assert ends == [*[False] * (len(beneath) - 1), True], (null, beneath)


class Everything(Executor[Any]):
    """Does all that there is to do: errors do not propagate.  Notes which positions may be null."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._propagates = self.error_propagation
        self.error_propagation = False
        self._may_be_null: dict[Position, bool] = {(): True}

    def complete_value(
        self, return_type: Any, field_details_list: Any, info: Any, path: Path, *rest: Any
    ) -> Any:
        self._note(return_type, path)
        return super().complete_value(return_type, field_details_list, info, path, *rest)

    def handle_field_error(
        self, raw_error: Exception, return_type: Any, field_details_list: Any, path: Path
    ) -> None:
        self._note(return_type, path)
        super().handle_field_error(raw_error, return_type, field_details_list, path)

    def _note(self, type_: Any, path: Path) -> None:
        self._may_be_null.setdefault(
            tuple(path.as_list()), not (self._propagates and is_non_null_type(type_))
        )

    def faults(self, found: Answer) -> list[Fault]:
        """The errors of its answer with where they are absorbed: the innermost position at or around each
        that may be null; the root may."""
        return [Fault(error, self._absorbed(error.path or ())) for error in found.errors]

    def _absorbed(self, path: Position) -> Position:
        while not self._may_be_null[path]:
            path = path[:-1]
        return path


def in_order(known: Sequence[Fault], data: str) -> list[Fault]:
    """Faults in the order of the document, which is that of the data's keys."""
    values = json.loads(data)

    def place(fault: Fault) -> list[int]:
        places: list[int] = []
        value = values
        for key in fault.error.path or ():
            places.append(key if isinstance(key, int) else list(value).index(key))
            value = value[key]
        return places

    return sorted(known, key=place)


def _null(data: Any, path: Position) -> Position:
    """The first position on a path that is null."""
    for number, key in enumerate(path):
        if data is None:
            return path[:number]
        data = data[key]
    assert data is None, path
    return path


def _is_part(part: Iterable[Error], whole: Iterable[Error]) -> bool:
    """Whether errors stand among others in the same order."""
    rest = iter(whole)
    return all(any(each == other for other in rest) for each in part)
