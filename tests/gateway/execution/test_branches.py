"""Branches of an operation go on by themselves; batch functions give a value for each parent."""

import asyncio
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema

from tests.gateway.execution.pending import (
    NO,
    TEXT,
    batched,
    done,
    field,
    later,
    told,
)


@pytest.fixture
def schema() -> GraphQLSchema:
    return build_schema(TEXT)


@pytest.mark.parametrize(
    "query", ["{ slow: item { n } fast: item { n } }", "{ fast: item { n } slow: item { n } }"]
)
async def test_a_slow_branch_does_not_hold_back_another(schema: GraphQLSchema, query: str) -> None:
    asked = asyncio.Event()

    async def item(_: Any, info: Any) -> Any:
        if info.path.key == "slow":
            await asked.wait()  # until the other branch has asked for what is beneath it
            return {"n": 1}
        return {"n": beneath}

    async def beneath(_: Any) -> int:
        asked.set()
        return 2

    field(schema, "Query", "item").resolve = item
    result = await done(schema, query, {})
    assert result.data == {"slow": {"n": 1}, "fast": {"n": 2}}


async def test_a_slow_branch_does_not_hold_back_another_in_batches(schema: GraphQLSchema) -> None:
    asked = asyncio.Event()

    async def slow(parents: list[Any], _: Any) -> list[Any]:
        await asked.wait()
        return [1 for _ in parents]

    async def fast(parents: list[Any], _: Any) -> list[Any]:
        await asyncio.sleep(0)
        return [{"n": 1, "item": {}} for _ in parents]

    async def beneath(parents: list[Any], _: Any) -> list[Any]:
        asked.set()
        return [2 for _ in parents]

    field(schema, "Item", "slow").resolve = batched(slow)
    field(schema, "Item", "item").resolve = batched(fast)
    field(schema, "Item", "must").resolve = batched(beneath)
    result = await done(schema, "{ items { slow item { must } } }", {"items": [{}, {}]})
    assert result.data == {"items": [{"slow": 1, "item": {"must": 2}}] * 2}


@pytest.mark.parametrize("is_awaited", [False, True])
async def test_a_mutation_ends_with_a_field_that_takes_the_answer_with_it(
    schema: GraphQLSchema, is_awaited: bool
) -> None:
    asked: list[str] = []

    def fails(*_: Any) -> Any:
        asked.append("must")
        return later(NO)() if is_awaited else NO

    root = {"n": lambda _: asked.append("n"), "must": fails}
    result = await done(schema, "mutation { first: n must last: n }", root)
    assert told(result) == (None, ["no"])
    assert asked == ["n", "must"]


# Batch functions


BATCHES: dict[str, tuple[Any, list[int | None], str]] = {
    "a list": ([1, 2], [1, 2], ""),
    "a tuple": ((1, 2), [1, 2], ""),
    "a generator": ((each for each in (1, 2)), [1, 2], ""),
    "too few": ([1], [None, None], "gave 1 values for 2 parents"),
    "too many": ([1, 2, 3], [None, None], "gave 3 values for 2 parents"),
    "none": ([], [None, None], "gave 0 values for 2 parents"),
    "nothing": (None, [None, None], "'NoneType' object is not iterable"),
    "a number": (5, [None, None], "'int' object is not iterable"),
    "an exception in a cell": ([1, NO], [1, None], "no"),
    "an exception": (NO, [None, None], "no"),
}


@pytest.mark.parametrize("what", BATCHES)
async def test_a_batch_gives_a_value_for_each_parent(schema: GraphQLSchema, what: str) -> None:
    value, expected, message = BATCHES[what]
    field(schema, "Item", "n").resolve = batched(later(value))
    result = await done(schema, "{ items { n } n }", {"items": [{}, {}], "n": 3})
    assert result.data == {"items": [{"n": each} for each in expected], "n": 3}
    assert [each.path for each in result.errors or ()] == [
        ["items", place, "n"] for place, each in enumerate(expected) if each is None
    ]
    assert all(message in each.message for each in result.errors or ())


async def test_a_batch_function_need_not_be_asynchronous(schema: GraphQLSchema) -> None:
    field(schema, "Item", "n").resolve = batched(lambda parents, _: [1 for _ in parents])
    result = await done(schema, "{ items { n } }", {"items": [{}, {}]})
    assert told(result) == ({"items": [{"n": 1}, {"n": 1}]}, [])
