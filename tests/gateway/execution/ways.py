"""Ways in which the same values arrive: at once, awaited one by one, in batches, as streams, all mixed."""

import asyncio
import types
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, cast

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    Undefined,
    build_schema,
)

from tests.gateway.execution.schemas import ABSTRACT, OBJECTS, ROOTS, Schema
from tests.gateway.execution.values import Items, Numbers, Raised, value_at


class Way(Enum):
    """How values arrive."""

    AT_ONCE = "at once"
    AWAITED = "awaited one by one"
    BATCHED = "in batches"
    STREAMED = "as streams"
    MIXED = "mixed"

    @property
    def has_batches(self) -> bool:
        """Whether it is for the schema with batch functions."""
        return self in (Way.BATCHED, Way.MIXED)


@dataclass
class World:
    """What resolvers get as context."""

    numbers: Numbers
    way: Way
    asked: list[str] = field(default_factory=list[str])
    """The root fields that were asked for, in order."""


def built(schema: Schema, *, has_batches: bool) -> GraphQLSchema:
    """A schema whose resolvers give the values of their `World`; with batches, every other field that has
    a resolver has a batch function, too."""
    made = build_schema(schema.text, assume_valid=True, assume_valid_sdl=True)
    _make_odd(cast(GraphQLScalarType, made.type_map["Odd"]))
    for name in (*OBJECTS, *ROOTS):
        type_ = cast(GraphQLObjectType, made.type_map[name])
        if name in schema.predicates:
            # graphql-core's own type resolver leaves what it has asked for unawaited if it is given up
            has_functions = all(
                abstract in schema.functions for abstract in ABSTRACT if name in ABSTRACT[abstract]
            )
            type_.is_type_of = _predicate(name, may_be_awaited=has_functions)
        for number, (key, definition) in enumerate(type_.fields.items()):
            if key in schema.bare:
                continue
            definition.resolve = _resolver(definition.type)
            if has_batches and number % 2 == 0:
                cast(Any, definition.resolve).__batch__ = _batch(definition.type)
    for name in schema.functions:
        cast(Any, made.type_map[name]).resolve_type = _resolve_type
    assert set(ABSTRACT) <= set(made.type_map)
    return made


def _make_odd(scalar: GraphQLScalarType) -> None:
    """A scalar that may fail in each way that there is, out and in."""

    def out(value: Any) -> Any:
        if isinstance(value, str) and value in ("none", "undefined"):
            return None if value == "none" else Undefined
        return into(value)

    def into(value: Any) -> Any:
        if value == "raise":
            raise GraphQLError("the odd scalar", extensions={"odd": True})
        return value

    scalar.coerce_output_value = out
    scalar.coerce_input_value = into
    scalar.parse_value = into


# Fields


def _resolver(type_: GraphQLOutputType) -> Callable[..., Any]:
    def resolve(parent: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
        _note(info, parent)
        return _deliver(info.context, *_asked(parent, info, type_, arguments))

    return resolve


def _batch(type_: GraphQLOutputType) -> Callable[..., Any]:
    async def batch(parents: list[Any], info: GraphQLResolveInfo, **arguments: Any) -> list[Any]:
        column = f"{info.parent_type}.{info.field_name}"
        _note(info, parents[0])
        await _ticks(info.context.numbers.at(f"{column} ticks") % 3)
        if info.context.numbers.at(column) >= 190:
            raise ValueError(f"all of {column}")
        cells: list[Any] = []
        for parent in parents:
            try:
                _, value = _asked(parent, info, type_, arguments)
            except Exception as error:  # noqa: BLE001 - an exception in a cell fails one parent
                cells.append(error)
                continue
            cells.append(value.error if isinstance(value, Raised) else _whole(value))
        return cells

    return batch


def _note(info: GraphQLResolveInfo, parent: Any) -> None:
    if parent is None:
        info.context.asked.append(info.field_name)


def _asked(
    parent: Any, info: GraphQLResolveInfo, type_: GraphQLOutputType, arguments: Any
) -> tuple[str, Any]:
    """The place of a field of a parent, and what it gives."""
    numbers = info.context.numbers
    column = f"{info.parent_type}.{info.field_name}"
    if numbers.at(column) >= 190:
        return column, Raised(ValueError(f"all of {column}"))
    where = f"{parent.place}." if parent is not None else ""
    place = f"{where}{info.field_name}{arguments or ''}"
    return place, value_at(info.schema, numbers, place, type_)


def _deliver(world: World, place: str, value: Any) -> Any:
    """The value, as it arrives in this way."""
    number = world.numbers.at(f"{place} arrives")
    match world.way:
        case Way.AT_ONCE | Way.BATCHED:
            return _whole(value)
        case Way.STREAMED:
            return _streamed(world, place, value, awaits=False)
        case Way.AWAITED:
            return _later(partial(_awaited_items, world, place, value), number % 6)
        case Way.MIXED:
            return _mixed(world, place, value, number)


def _mixed(world: World, place: str, value: Any, number: int) -> Any:
    """At once or as any kind of awaitable."""
    if number % 4 == 0:
        return _future(value)
    if number % 4 == 1:
        return asyncio.ensure_future(_later(partial(_whole, value), number % 3))
    make = (
        partial(_whole, value),
        partial(_streamed, world, place, value, awaits=True),
        partial(_awaited_items, world, place, value),
    )[number % 3]
    match world.numbers.at(f"{place} somehow") % 4:
        case 0 | 1:
            return make()
        case 2:
            return _as_generator(make)
        case _:
            return _later(make, number % 4)


async def _later(make: Callable[[], Any], ticks: int) -> Any:
    """What is made after a while; not before, so that nothing is left over if nobody waits for it."""
    await _ticks(ticks)
    return make()


@types.coroutine
def _as_generator(make: Callable[[], Any]) -> Generator[None, None, Any]:
    yield
    return make()


def _future(value: Any) -> "asyncio.Future[Any]":
    """A future of somebody else."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Any] = loop.create_future()

    def come() -> None:
        if future.done():
            return
        try:
            future.set_result(_whole(value))
        except Exception as error:  # noqa: BLE001 - what the value raises
            future.set_exception(error)

    loop.call_soon(come)
    return future


async def _ticks(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


# Lists


def _whole(value: Any) -> Any:
    """A value; lists in one of their forms."""
    if isinstance(value, Raised):
        raise value.error
    if not isinstance(value, Items):
        return value
    items = [_whole(each) for each in value.values]
    if value.error is not None or value.form == 3:
        return _iterating(items, value.error)
    return (list, tuple, lambda each: dict(enumerate(each)).values())[value.form](items)


def _iterating(items: list[Any], error: Exception | None) -> Iterator[Any]:
    yield from items
    if error is not None:
        raise error


def _streamed(world: World, place: str, value: Any, *, awaits: bool) -> Any:
    """A list as an asynchronous iterable, its items, too; with `awaits`, of awaitables."""
    if not isinstance(value, Items):
        return _whole(value)
    return _streaming(world, place, value, awaits=awaits)


async def _streaming(world: World, place: str, items: Items, *, awaits: bool) -> AsyncIterator[Any]:
    for index, each in enumerate(items.values):
        where = f"{place}[{index}]"
        number = world.numbers.at(f"{where} arrives")
        await _ticks(number % 2)
        make = partial(_streamed, world, where, each, awaits=awaits)
        yield _later(make, number % 3) if awaits and number % 2 else make()
    if items.error is not None:
        raise items.error


def _awaited_items(world: World, place: str, value: Any) -> Any:
    """A list, some of whose items are awaitable."""
    if not isinstance(value, Items):
        return _whole(value)
    if value.error is None:
        return list(_each_awaited(world, place, value))
    return _each_awaited(
        world, place, value
    )  # made as it is iterated: nothing is left over if it never is


def _each_awaited(world: World, place: str, items: Items) -> Iterator[Any]:
    for index, each in enumerate(items.values):
        where = f"{place}[{index}]"
        number = world.numbers.at(f"{where} arrives")
        make = partial(_awaited_items, world, where, each)
        yield _later(make, number % 3) if number % 3 else make()
    if items.error is not None:
        raise items.error


# Types


def _type_of(
    thing: Any, info: GraphQLResolveInfo, name: str, answer: Any, *, may_be_awaited: bool = True
) -> Any:
    """An answer about a type, or what is raised in its place."""
    world = info.context
    number = world.numbers.at(f"{thing} is {name}")
    make = partial(_whole, Raised(ValueError(f"the type of {thing}")) if number >= 190 else answer)
    is_awaited = world.way is Way.AWAITED or (world.way is Way.MIXED and number % 2 == 1)
    return _later(make, number % 8) if is_awaited and may_be_awaited else make()


def _predicate(name: str, *, may_be_awaited: bool) -> Callable[..., Any]:
    def is_type_of(thing: Any, info: GraphQLResolveInfo) -> Any:
        if getattr(thing, "kind", None) != name:
            return False
        return _type_of(thing, info, name, True, may_be_awaited=may_be_awaited)

    return is_type_of


def _resolve_type(thing: Any, info: GraphQLResolveInfo, abstract: Any) -> Any:
    return _type_of(thing, info, "anything", thing.kind)
