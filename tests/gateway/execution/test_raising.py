"""Whatever resolvers raise: exceptions, exits, cancellations, what cannot say what it is."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema, parse

from gateway.execution import execute
from tests.gateway.execution.pending import (
    TEXT,
    Slow,
    batched,
    done,
    field,
    later,
)
from tests.gateway.execution.strict import no_warnings, nothing_left


@pytest.fixture
def schema() -> GraphQLSchema:
    return build_schema(TEXT)


class Odd(BaseException):
    """Neither an exception nor an exit."""


class Unreadable(Exception):
    """It cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.parametrize("error", [Odd(), asyncio.CancelledError(), Unreadable()])
@pytest.mark.parametrize("how", ["at once", "awaited", "in a batch", "of an item", "of a stream"])
async def test_whatever_is_raised_fails_its_field_alone(
    schema: GraphQLSchema, error: BaseException, how: str
) -> None:
    def now(*_: Any) -> Any:
        raise error

    async def stream(*_: Any) -> AsyncIterator[Any]:
        yield 1
        raise error

    root: dict[str, Any] = {"item": {"n": 1, "slow": later(2, 3)}, "n": later(3)}
    name = "n"
    match how:
        case "at once":
            root["item"]["n"] = now
        case "awaited":
            root["item"]["n"] = later(error)
        case "in a batch":
            field(schema, "Item", "n").resolve = batched(later(error))
        case "of an item":
            root["item"]["musts"] = lambda _: [later(1)(), later(error)()]
            name = "musts"
        case _:
            root["item"]["musts"] = stream
            name = "musts"
    result = await done(schema, f"{{ item {{ slow {name} }} n }}", root)
    assert result.data == {"item": {"slow": 2, name: None}, "n": 3}
    (found,) = result.errors or ()
    assert (found.path or [])[:2] == ["item", name]
    assert found.message


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
async def test_an_exit_ends_the_operation(schema: GraphQLSchema, error: BaseException) -> None:
    def now(*_: Any) -> Any:
        raise error

    slow = Slow()
    with no_warnings():
        async with nothing_left():
            with pytest.raises(type(error)):
                execute(schema, parse("{ n must }"), {"n": slow, "must": now})
    assert slow.begun == 0


async def test_a_resolver_may_await_what_another_has_cancelled(schema: GraphQLSchema) -> None:
    async def waits(*_: Any) -> Any:
        task = asyncio.ensure_future(later(1, 50)())
        asyncio.get_running_loop().call_soon(task.cancel)
        return await task

    result = await done(schema, "{ n item { n } }", {"n": waits, "item": {"n": later(1, 9)}})
    assert result.data == {"n": None, "item": {"n": 1}}
    assert [each.path for each in result.errors or ()] == [["n"]]
