"""Resolvers that are slow, late or never return, and operations that must end all the same."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

from graphql import ExecutionResult, GraphQLObjectType, GraphQLSchema, parse

from gateway.execution import execute
from tests.gateway.execution.strict import ending, no_warnings, nothing_left

NO = ValueError("no")
NULL = "Cannot return null for non-nullable field {}."


TEXT = """
interface Node { n: Int }
type Item implements Node {
  n: Int  must: Int!  slow: Int  item: Item  node: Node  items: [Item]  needed: [Item!]  musts: [Int!]
  grid: [[Int!]!]
}
type Query { item: Item  items: [Item]  needed: [Item!]  n: Int  must: Int!  musts: [Int!]  node: Node }
type Mutation { item: Item  n: Int  must: Int! }
"""


class Slow:
    """A resolver that never returns, and knows how often it has begun and was cancelled."""

    def __init__(self) -> None:
        self.begun = 0
        self.cancelled = 0

    async def __call__(self, *_: Any, **__: Any) -> Any:
        self.begun += 1
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def stream(self, *_: Any) -> AsyncIterator[Any]:
        """A list that never ends, after one item."""
        yield {"n": 1}
        await self()


def told(result: ExecutionResult) -> tuple[Any, list[str]]:
    """The data of a result, and the messages of its errors."""
    return result.data, [each.message for each in result.errors or ()]


def field(schema: GraphQLSchema, type_: str, name: str) -> Any:
    return cast(GraphQLObjectType, schema.type_map[type_]).fields[name]


async def done(schema: GraphQLSchema, query: str, root: Any) -> ExecutionResult:
    """The result of an operation that must end, and leave nothing."""
    with no_warnings():
        async with nothing_left():
            result: Any = execute(schema, parse(query), root)
            if not isinstance(result, ExecutionResult):
                result = await ending(result)
    return result


def later(value: Any, ticks: int = 1) -> Callable[..., Any]:
    """A resolver that gives or raises a value after some turns of the loop."""

    async def resolve(*_: Any, **__: Any) -> Any:
        for _ in range(ticks):
            await asyncio.sleep(0)
        if isinstance(value, BaseException):
            raise value
        return value

    return resolve


def batched(function: Callable[..., Any]) -> Callable[..., Any]:
    """A resolver with a batch function, that is never called itself."""

    def resolve(*_: Any, **__: Any) -> Any:
        raise AssertionError("the batch function should have been called")

    cast(Any, resolve).__batch__ = function
    return resolve
