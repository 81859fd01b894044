"""Where the values of a field come from, for all parents of a layer at once.

    TypeName    __typename
    Attribute   an attribute of the parent
    Batch       a batch function, called once: `async (parents, info, **arguments) -> list`
    Each        the function of a Strawberry resolver, called for each parent without Strawberry's wrappers
    Resolver    graphql-core's resolver of the field, called for each parent: permissions, extensions, all
    Guarded     Batch or Each behind extensions that do not look at the parent: they run once

A resolver carries its batch function as its attribute `__batch__`.  A Strawberry extension, or each class of
a PermissionExtension, says that it does not look at the parent by `independent_of_source = True`.
"""

from collections.abc import Awaitable, Callable
from functools import partial, reduce
from keyword import iskeyword
from typing import TYPE_CHECKING, Any, Protocol, cast

import strawberry
from graphql import GraphQLField, GraphQLSchema
from strawberry.permission import PermissionExtension
from strawberry.types.base import StrawberryOptional
from strawberry.types.field import StrawberryField
from strawberry.utils.await_maybe import await_maybe

from gateway.execution.core import STRAWBERRY_FIELD, convert_arguments, extension_resolvers
from gateway.execution.errors import each

if TYPE_CHECKING:
    from gateway.execution.plan import Field
    from gateway.execution.running import Run

Raw = list[Any] | Awaitable[Any]
"""A value, exception or awaitable for each parent; or what all of them are to be awaited from."""


class Source(Protocol):
    """Where the values of a field come from."""

    def resolve(self, run: "Run", field: "Field", parents: list[Any]) -> Raw:
        """The values for the parents; an exception that is raised fails all of them."""
        ...


class TypeName:
    """The name of the parents' type."""

    def resolve(self, run: "Run", field: "Field", parents: list[Any]) -> Raw:
        """The same for all."""
        return [field.parent_type.name] * len(parents)


class Attribute:
    """An attribute of the parents."""

    def __init__(self, name: str) -> None:
        self._name = name
        # Code of its own reads an attribute 1.6 times as fast as operator.attrgetter: the interpreter
        # specialises it for the class that it meets.  The name is the schema's, an identifier, not a client's.
        self._read: Callable[[list[Any]], list[Any]] = eval(
            f"lambda parents: [parent.{name} for parent in parents]"
        )

    def resolve(self, run: "Run", field: "Field", parents: list[Any]) -> Raw:
        """Read in one go; one by one only if one of them cannot be read."""
        try:
            return self._read(parents)
        except Exception:  # noqa: BLE001 - whichever it is, its own cell says so below
            return each(lambda parent: getattr(parent, self._name), parents)


class Resolver:
    """The resolver that graphql-core would call."""

    def resolve(self, run: "Run", field: "Field", parents: list[Any]) -> Raw:
        """Called for each parent."""
        function = field.definition.resolve or run.executor.field_resolver
        arguments, info = run.arguments(field), run.info(field)
        return each(lambda parent: function(parent, info, **arguments), parents)


class Batch:
    """The batch function of a resolver of graphql-core."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def resolve(self, run: "Run", field: "Field", parents: list[Any]) -> Raw:
        """Called once; where nothing may be awaited, the resolver is called for each parent."""
        if run.is_sync:
            return Resolver().resolve(run, field, parents)
        return self._function(parents, run.info(field), **run.arguments(field))


class StrawberrySource:
    """A Strawberry resolver without Strawberry's wrappers."""

    def __init__(self, schema: Any, field: StrawberryField) -> None:
        self._schema = schema
        self._field = field
        resolver = cast("Any", field.base_resolver)
        self._function: Callable[..., Any] = resolver.wrapped_func
        self._batch: Callable[..., Any] | None = getattr(self._function, "__batch__", None)
        self._takes_self = resolver.self_parameter is not None
        parent = resolver.parent_parameter or resolver.root_parameter
        self._parent = parent.name if parent else None
        info = resolver.info_parameter
        self._info = info.name if info else None
        self._names = _names_of_plain(schema, field)
        """The Python names of the arguments, where converting them is no more than renaming them."""

    def resolve(self, run: "Run", field: "Field", parents: list[Any]) -> Raw:
        """The batch function called once, or the function for each parent."""
        if self._batch is not None and run.is_sync:
            return Resolver().resolve(run, field, parents)
        info, arguments = self.prepare(run, field)
        return self.call(parents, info, arguments)

    def prepare(self, run: "Run", field: "Field") -> tuple[Any, dict[str, Any]]:
        """Strawberry's info, and the arguments as Strawberry converts them."""
        info = self._schema.config.info_class(_raw_info=run.info(field), _field=self._field)
        given = run.arguments(field)
        if self._names is not None:
            return info, {self._names[name]: value for name, value in given.items()}
        _, arguments = convert_arguments(
            field=self._field,
            source=None,
            info=info,
            kwargs=dict(given),
            config=self._schema.config,
            scalar_registry=self._schema.schema_converter.scalar_registry,
        )
        for name in (self._parent, self._info):
            if name is not None:
                arguments.pop(name, None)
        return info, arguments

    def call(self, parents: list[Any], info: Any, arguments: dict[str, Any]) -> Raw:
        """The values for the parents."""
        if self._batch is not None:
            return self._batch(parents, info, **arguments)
        if self._info is not None:
            arguments = {**arguments, self._info: info}
        function = partial(self._function, **arguments) if arguments else self._function
        if self._takes_self:
            return each(function, parents)
        if self._parent is not None:
            name = self._parent
            return each(lambda parent: function(**{name: parent}), parents)
        return each(lambda _: function(), parents)


class Guarded:
    """A source behind extensions that do not look at the parent: they run once for all parents."""

    def __init__(self, inner: StrawberrySource, field: StrawberryField) -> None:
        self._inner = inner
        self._is_async = field.is_async
        self._extensions: list[Any] = extension_resolvers(field)

    def resolve(self, run: "Run", field: "Field", parents: list[Any]) -> Raw:
        """What the extensions let through; what they answer instead stands for every parent."""
        if run.is_sync:
            return Resolver().resolve(run, field, parents)
        info, arguments = self._inner.prepare(run, field)

        def values(_: Any, info: Any, **arguments: Any) -> Any:
            called = self._inner.call(parents, info, arguments)
            return _await_all(called) if self._is_async else _All(called)

        chain = reduce(lambda inner, outer: partial(outer, inner), self._extensions, values)
        ask = partial(chain, None, info, **arguments)
        if self._is_async:
            return _unpack_later(ask, len(parents))  # which asks only when it is awaited
        return _unpack(ask(), len(parents))


class _All:
    """The values for all parents, on their way through extensions that expect one."""

    def __init__(self, values: Any) -> None:
        self.values = values


async def _await_all(values: Raw) -> _All:
    return _All(await await_maybe(values))


def _unpack(result: Any, size: int) -> Any:
    return result.values if isinstance(result, _All) else [result] * size


async def _unpack_later(ask: Callable[[], Awaitable[Any]], size: int) -> Any:
    return _unpack(await ask(), size)


PLAIN_TYPES = (str, int, float, bool, strawberry.ID)


def _names_of_plain(schema: Any, field: StrawberryField) -> dict[str, str] | None:
    """The Python name of each argument, if Strawberry converts none of them."""
    names: dict[str, str] = {}
    for argument in field.arguments:
        type_: Any = argument.type
        if type(type_) is StrawberryOptional:
            type_ = type_.of_type
        if type_ not in PLAIN_TYPES or field.extensions:
            return None
        names[schema.config.name_converter.from_argument(argument)] = argument.python_name
    return names


def source_of(schema: GraphQLSchema, name: str, definition: GraphQLField) -> Source:
    """The cheapest source that means the same as the field's resolver."""
    if name == "__typename":
        return TypeName()
    strawberry_schema = getattr(schema, "_strawberry_schema", None)
    field: Any = (definition.extensions or {}).get(STRAWBERRY_FIELD)
    if isinstance(field, StrawberryField) and strawberry_schema is not None:
        return _strawberry_source(strawberry_schema, field)
    batch = getattr(definition.resolve, "__batch__", None)
    return Resolver() if batch is None else Batch(batch)


def _strawberry_source(schema: Any, field: StrawberryField) -> Source:
    if type(field).get_result is not StrawberryField.get_result:
        return Resolver()
    if field.is_subscription or getattr(schema.schema_converter, "exception_handlers", None):
        # Of a subscription it is the event that is resolved, not the function called.
        return Resolver()
    if field.is_basic_field:
        name = field.python_name
        is_plain = name.isidentifier() and not iskeyword(name)
        return Attribute(name) if field.default_resolver is getattr and is_plain else Resolver()
    if not field.extensions:
        return StrawberrySource(schema, field)
    if all(_is_independent(extension) for extension in field.extensions):
        return Guarded(StrawberrySource(schema, field), field)
    return Resolver()


def _is_independent(extension: Any) -> bool:
    if isinstance(extension, PermissionExtension):
        return all(
            getattr(permission, "independent_of_source", False)
            for permission in extension.permissions
        )
    return bool(getattr(extension, "independent_of_source", False))
