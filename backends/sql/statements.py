"""Statements that are built once for each shape of a call, and run with the values of each.

Building a statement costs more than SQLite takes to run it.  So it is written as a function of what is
asked, and handed over unbuilt:

    def _of_keys(scope: Scope, keys: Sequence[str]) -> Select[Any]:
        return select(_C.text).where(_C.tenant == scope.tenant, one_of(_C.key, keys))

    await engine.rows(partial(_of_keys, scope, keys))

The function is called with a `Slot` for every text, number, time and list in its arguments (and in the
records among them), and its statement kept for all calls of that shape: whatever else they hold, such
as what is missing, empty, true or a member of an enumeration.  A `partial` among the arguments is a part
of the statement that the function builds in its turn.  As no function is ever given a value, none can
stay in a statement; one that wants to look at a value, to branch on it, fails when it is first called.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import Enum
from functools import cache, lru_cache, partial
from types import NoneType
from typing import Any, NoReturn, cast

import msgspec
from sqlalchemy import BindParameter, ClauseElement, ColumnElement, Executable, bindparam, literal
from sqlalchemy.types import TypeEngine

KEPT = 400
"""Statements that one engine keeps; SQLAlchemy keeps the compiled form of 500."""


class Slot:
    """A value of a call to come, as a statement's function sees it."""

    def __init__(self, place: int) -> None:
        self._place = place
        self.names: list[str] = []
        """The parameters that stand for it, one for each use."""

    def parameter(self, kind: TypeEngine[Any] | None = None) -> BindParameter[Any]:
        """A parameter of this type, by default the type of what it is compared to."""
        self.names.append(f"v{self._place}_{len(self.names)}")
        return bindparam(self.names[-1], type_=kind)

    def __clause_element__(self) -> BindParameter[Any]:
        return self.parameter()

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError(
            "the function of a statement cannot look at a value of a call: it is called once for many; "
            "bind the value, or decide before the call"
        )

    __bool__ = __eq__ = __hash__ = __iter__ = __len__ = __str__ = __format__ = _refuse


def bound(value: Any, kind: TypeEngine[Any]) -> ColumnElement[Any]:
    """A value, of this call or of those to come, as a parameter of this type."""
    return value.parameter(kind) if isinstance(value, Slot) else literal(value, kind)


class Template(msgspec.Struct, frozen=True):
    """A statement, and for each of its parameters the place of the value among those of a call."""

    statement: Executable
    parameters: tuple[tuple[str, int], ...]


class Statements:
    """The statements of one engine: those of the shapes used last."""

    def __init__(self, kept: int = KEPT) -> None:
        self._template = lru_cache(kept)(_template)

    def made(self, call: partial[Any]) -> tuple[Executable, dict[str, Any]]:
        """The statement that a function makes of its arguments, and its parameters."""
        shape: list[Any] = []
        values: list[Any] = []
        _take_apart(call, shape, values)
        template = self._template(tuple(shape))
        return template.statement, {name: values[place] for name, place in template.parameters}

    @property
    def built(self) -> int:
        """How often a statement had to be built."""
        return self._template.cache_info().misses

    @property
    def kept(self) -> int:
        """How many there are."""
        return self._template.cache_info().currsize


# A shape is a call in prefix notation: for a record its class and the shapes of its fields, for a tuple
# of records its length and their shapes, for a part its function and the shapes of its arguments.

Take = Callable[[Any, list[Any], list[Any]], None]
"""Appends an argument's shape to the first list, and its values to the second."""


def _take_apart(argument: Any, shape: list[Any], values: list[Any]) -> None:
    _way(argument.__class__)(argument, shape, values)


@cache
def _way(kind: type[Any]) -> Take:
    """How arguments of a class are taken apart."""
    for kinds, way in _WAYS.items():
        if issubclass(kind, kinds):
            return way
    known = ", ".join(each.__name__ for kinds in _WAYS for each in kinds)
    raise TypeError(f"a statement cannot be made of a {kind.__name__}, only of {known}")


def _take_shape(argument: Any, shape: list[Any], _: list[Any]) -> None:
    shape.append(argument)


def _take_value(argument: Any, shape: list[Any], values: list[Any]) -> None:
    shape.append(Slot)
    values.append(argument)


def _take_record(record: msgspec.Struct, shape: list[Any], values: list[Any]) -> None:
    shape.append(type(record))
    for name in record.__struct_fields__:
        _take_apart(getattr(record, name), shape, values)


def _take_part(part: partial[Any], shape: list[Any], values: list[Any]) -> None:
    shape += (partial, part.func, len(part.args), tuple(part.keywords))
    for argument in (*part.args, *part.keywords.values()):
        _take_apart(argument, shape, values)


def _take_list(items: Sequence[Any], shape: list[Any], values: list[Any]) -> None:
    if not items:
        shape.append(())
    elif isinstance(items[0], msgspec.Struct):
        shape += (tuple, len(items))
        for each in items:
            _take_apart(each, shape, values)
    else:
        _take_value(items, shape, values)


_WAYS: dict[tuple[type[Any], ...], Take] = {
    (NoneType, bool, Enum, frozenset, ClauseElement): _take_shape,
    (str, int, float, datetime): _take_value,
    (msgspec.Struct,): _take_record,
    (partial,): _take_part,
    (list, tuple): _take_list,
}
"""The first that fits: a bool is an int too."""


def _template(shape: tuple[Any, ...]) -> Template:
    """Build the statement of a shape."""
    values: list[Slot] = []
    call = _put_together(iter(shape), values)
    statement = call()
    parameters = ((name, place) for place, value in enumerate(values) for name in value.names)
    return Template(statement, tuple(parameters))


def _put_together(shape: Iterator[Any], values: list[Slot]) -> Any:
    """The next argument of a shape, with `values` to come."""
    head: Any = next(shape)
    if head is Slot:
        values.append(Slot(len(values)))
        return values[-1]
    if head is tuple:
        return tuple(_put_together(shape, values) for _ in range(next(shape)))
    if head is partial:
        function, count = next(shape), next(shape)
        names: tuple[str, ...] = next(shape)
        if getattr(function, "__closure__", None):
            raise TypeError(f"{function.__qualname__} holds values of one call: pass them to it")
        given = [_put_together(shape, values) for _ in range(count)]
        return partial(function, *given, **{name: _put_together(shape, values) for name in names})
    if isinstance(head, type):
        record = cast("type[msgspec.Struct]", head)
        return record(**{name: _put_together(shape, values) for name in record.__struct_fields__})
    return head
