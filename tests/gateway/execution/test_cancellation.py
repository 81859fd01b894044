"""What is given up ends: when a client goes away, when time is up, when a null bubbles over it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest
from graphql import GraphQLSchema, build_schema, parse

from gateway.execution import execute
from tests.gateway.execution.pending import (
    NO,
    NULL,
    TEXT,
    Slow,
    batched,
    done,
    field,
    later,
    told,
)
from tests.gateway.execution.strict import TICKS, no_warnings, nothing_left


@pytest.fixture
def schema() -> GraphQLSchema:
    return build_schema(TEXT)


# The whole operation


def pending_roots(slow: Slow) -> dict[str, tuple[str, dict[str, Any]]]:
    """Operations in which something is pending, by where it is."""
    return {
        "a field": ("{ n }", {"n": slow}),
        "fields": ("{ n item { slow n } }", {"n": slow, "item": {"slow": slow, "n": slow}}),
        "items": ("{ items { n } }", {"items": lambda _: [slow(), slow(), {"n": slow}]}),
        "a stream": ("{ items { n } }", {"items": slow.stream}),
        "beneath a stream": ("{ items { n } n }", {"items": later([{"n": slow}] * 3), "n": 1}),
        "a mutation": ("mutation { n must }", {"n": slow, "must": slow}),
    }


@pytest.mark.parametrize("where", pending_roots(Slow()))
async def test_a_client_that_goes_away_ends_all_resolvers(
    schema: GraphQLSchema, where: str
) -> None:
    slow = Slow()
    query, root = pending_roots(slow)[where]
    with no_warnings():
        async with nothing_left():
            result: Any = execute(schema, parse(query), root)
            task = asyncio.ensure_future(result)
            for _ in range(TICKS):
                await asyncio.sleep(0)
            assert slow.begun > 0
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert slow.cancelled == slow.begun


@pytest.mark.parametrize("where", pending_roots(Slow()))
async def test_an_operation_whose_time_is_up_ends_all_resolvers(
    schema: GraphQLSchema, where: str
) -> None:
    slow = Slow()
    query, root = pending_roots(slow)[where]
    with no_warnings():
        async with nothing_left():
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.01):
                    await cast(Any, execute(schema, parse(query), root))
    assert slow.begun > 0
    assert slow.cancelled == slow.begun


async def test_a_cancelled_batch_is_cancelled_once(schema: GraphQLSchema) -> None:
    slow = Slow()
    field(schema, "Item", "n").resolve = batched(slow)
    root = {"items": [{}, {}, {}]}
    with no_warnings():
        async with nothing_left():
            task = asyncio.ensure_future(cast(Any, execute(schema, parse("{items{n}}"), root)))
            for _ in range(TICKS):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert (slow.begun, slow.cancelled) == (1, 1)


# A null that bubbles

BUBBLING: dict[str, tuple[str, Callable[[Slow], dict[str, Any]], Any, str]] = {
    "at the root": (
        "{ n must }", lambda slow: {"n": slow, "must": later(NO)},
        None, "no",
    ),
    "at once": (
        "{ n must }", lambda slow: {"n": slow, "must": None},
        None, NULL.format("Query.must"),
    ),
    "within": (
        "{ item { slow must } }", lambda slow: {"item": {"slow": slow, "must": later(NO)}},
        {"item": None}, "no",
    ),
    "within what comes later": (
        "{ item { slow must } }", lambda slow: {"item": later({"slow": slow, "must": later(NO)})},
        {"item": None}, "no",
    ),
    "far beneath": (
        "{ item { slow item { slow needed { slow must } } } n }",
        lambda slow: {
            "n": later(1, 5),
            "item": later({"slow": 2, "item": later({"slow": 3, "needed": [
                {"slow": slow, "must": later(1)}, {"slow": slow, "must": later(NO, 3)},
            ]})}),
        },
        {"item": {"slow": 2, "item": {"slow": 3, "needed": None}}, "n": 1}, "no",
    ),
    "a value that does not fit": (
        "{ item { slow must } }", lambda slow: {"item": {"slow": slow, "must": later("one")}},
        {"item": None}, "Int cannot represent non-integer value: 'one'",
    ),
    "an exception that is given": (
        "{ musts n }", lambda slow: {"n": 1, "musts": lambda _: [later(NO)(), slow()]},
        {"musts": None, "n": 1}, "no",
    ),
    "an item that is null": (
        "{ musts }", lambda slow: {"musts": lambda _: [slow(), later(None)(), slow()]},
        {"musts": None}, NULL.format("Query.musts"),
    ),
    "an item that is known to be null": (
        "{ musts }", lambda slow: {"musts": lambda _: [slow(), None, slow()]},
        {"musts": None}, NULL.format("Query.musts"),
    ),
    "an item that does not fit": (
        "{ musts }", lambda slow: {"musts": lambda _: [slow(), later("one")(), slow()]},
        {"musts": None}, "Int cannot represent non-integer value: 'one'",
    ),
    "an item of a stream": (
        "{ musts }", lambda slow: {"musts": lambda _: streamed(None, slow)},
        {"musts": None}, NULL.format("Query.musts"),
    ),
    "an item of a stream that does not fit": (
        "{ musts }", lambda slow: {"musts": lambda _: streamed("one", slow)},
        {"musts": None}, "Int cannot represent non-integer value: 'one'",
    ),
    "beside a stream": (
        "{ item { items { n } must } }",
        lambda slow: {"item": {"items": slow.stream, "must": later(NO, 4)}},
        {"item": None}, "no",
    ),
    "in a mutation": (
        "mutation { item { slow must } n }",
        lambda slow: {"item": {"slow": slow, "must": later(NO)}, "n": later(1)},
        {"item": None, "n": 1}, "no",
    ),
    "at once in a mutation": (
        "mutation { item { slow must } n }",
        lambda slow: {"item": {"slow": slow, "must": None}, "n": later(1)},
        {"item": None, "n": 1}, NULL.format("Item.must"),
    ),
}  # fmt: skip
"""Where a null bubbles over something that never returns: the query, its root, the data and the error."""


async def streamed(first: Any, slow: Slow) -> AsyncIterator[Any]:
    yield first
    await slow()


@pytest.mark.parametrize("where", BUBBLING)
async def test_an_error_that_bubbles_waits_for_no_sibling(
    schema: GraphQLSchema, where: str
) -> None:
    query, root, data, message = BUBBLING[where]
    slow = Slow()
    result = await done(schema, query, root(slow))
    assert told(result) == (data, [message])
    assert slow.cancelled == slow.begun


async def test_an_item_that_is_lost_does_not_end_what_another_waits_for(
    schema: GraphQLSchema,
) -> None:
    slow = Slow()
    root = {
        "items": [
            {"must": later(NO), "slow": slow, "item": {"n": slow}},
            {"must": later(1), "slow": later(2, 9), "item": {"n": later(3, 12)}},
        ]
    }
    result = await done(schema, "{ items { slow item { n } must } }", root)
    assert result.data == {"items": [None, {"slow": 2, "item": {"n": 3}, "must": 1}]}
    assert [each.path for each in result.errors or ()] == [["items", 0, "must"]]
    assert slow.cancelled == slow.begun


async def test_an_error_that_bubbles_ends_a_batch_that_only_lost_parents_wait_for(
    schema: GraphQLSchema,
) -> None:
    slow = Slow()
    field(schema, "Item", "slow").resolve = batched(slow)
    field(schema, "Item", "must").resolve = batched(later([1, NO], 3))
    result = await done(schema, "{ needed { slow must } n }", {"needed": [{}, {}], "n": 1})
    assert result.data == {"needed": None, "n": 1}
    assert (slow.begun, slow.cancelled) == (1, 1)


async def test_a_batch_that_others_wait_for_goes_on(schema: GraphQLSchema) -> None:
    field(schema, "Item", "slow").resolve = batched(later([7, 8], 20))
    field(schema, "Item", "must").resolve = batched(later([1, NO], 3))
    result = await done(schema, "{ items { slow must } }", {"items": [{}, {}]})
    assert result.data == {"items": [{"slow": 7, "must": 1}, None]}
    assert [each.path for each in result.errors or ()] == [["items", 1, "must"]]


async def test_what_was_given_up_is_not_asked_for_what_is_beneath(schema: GraphQLSchema) -> None:
    """The type of an object comes when nobody waits for the object any more."""
    slow = Slow()
    cast(Any, schema.type_map["Item"]).is_type_of = later(True, 9)
    cast(Any, schema.type_map["Node"]).resolve_type = later("Item", 9)
    root = {"item": {"item": {"n": slow}, "node": {"n": slow}, "must": later(NO, 3)}}
    result = await done(schema, "{ item { item { n } node { n } must } }", root)
    assert told(result) == ({"item": None}, ["no"])
    assert slow.begun == 0


@pytest.mark.parametrize("number", range(3))
async def test_a_type_that_cannot_be_told_ends_the_types_of_other_items(
    schema: GraphQLSchema, number: int
) -> None:
    slow = Slow()

    async def is_type_of(value: dict[str, Any], _: Any) -> bool:
        if value["n"] == number:
            raise NO
        return await slow()

    cast(Any, schema.type_map["Item"]).is_type_of = is_type_of
    result = await done(
        schema, "{ needed { n } n }", {"needed": [{"n": n} for n in range(3)], "n": 4}
    )
    assert told(result) == ({"needed": None, "n": 4}, ["no"])
    assert slow.cancelled == slow.begun


async def test_a_future_that_fields_share_goes_on_for_the_others(schema: GraphQLSchema) -> None:
    shared: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    root = {
        "item": {"slow": lambda _: shared, "must": later(NO, 2)},
        "items": [{"n": lambda _: shared}, {"n": lambda _: shared}],
        "n": lambda _: shared,
    }
    task = asyncio.ensure_future(
        cast(Any, execute(schema, parse("{item{slow must} items{n} n}"), root))
    )
    for _ in range(TICKS):
        await asyncio.sleep(0)
    shared.set_result(7)
    result = await task
    assert told(result) == ({"item": None, "items": [{"n": 7}, {"n": 7}], "n": 7}, ["no"])


@pytest.mark.parametrize("makes_a_task", [False, True])
async def test_a_future_that_was_given_up_may_fail(
    schema: GraphQLSchema, makes_a_task: bool
) -> None:
    def slow(_: Any) -> Any:
        if makes_a_task:
            return asyncio.ensure_future(later(ValueError("late"), 3)())
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_exception, ValueError("late"))
        return future

    result = await done(schema, "{ item { slow must } }", {"item": {"slow": slow, "must": None}})
    assert told(result) == ({"item": None}, [NULL.format("Item.must")])


async def coroutines(ticks: int) -> list[Any]:
    """A list of coroutines, after some turns of the loop."""
    await later(None, ticks)()
    return [later(1)(), later(2, 2)()]


async def stream_of_coroutines(*_: Any) -> AsyncIterator[Any]:
    for each in await coroutines(0):
        yield each
    await asyncio.Event().wait()


GIVEN_UP: dict[str, Callable[[], dict[str, Any]]] = {
    "a field": lambda: {"n": lambda _: later(1, 20)()},
    "a list that has not come": lambda: {"musts": lambda _: coroutines(20)},
    "a list that has come": lambda: {"musts": lambda _: coroutines(0)},
    "lists of which one has come": lambda: {"grid": lambda _: [coroutines(0), coroutines(20)]},
    "a list that was there": lambda: {"musts": lambda _: [later(1, 20)(), later(2, 20)()]},
    "lists that were there": lambda: {
        "grid": lambda _: [[later(1, 20)()], coroutines(20), [later(2, 20)()]]
    },
    "lists that were there, of which one is null": lambda: {
        "grid": lambda _: [[later(1, 20)()], later(None, 0)(), [later(2, 20)()], coroutines(9)]
    },
    "a stream": lambda: {"musts": stream_of_coroutines},
}
"""Fields of an item that hold coroutines."""


@pytest.mark.parametrize("when", ["at once", "soon", "later", "never"])
@pytest.mark.parametrize("what", GIVEN_UP)
async def test_coroutines_that_were_given_up_are_closed(
    schema: GraphQLSchema, what: str, when: str
) -> None:
    fields = GIVEN_UP[what]()
    must: Any = {
        "at once": None,
        "soon": later(None, 0),
        "later": later(None, 4),
        "never": later(1, 4),
    }
    root = {"items": [{**fields, "must": must[when]}, {"n": 5, "must": 1}], "must": later(None, 12)}
    names = " ".join(fields)
    result = await done(schema, f"{{ items {{ {names} must }} must }}", root)
    assert result.data is None


@pytest.mark.parametrize("name", ["item", "node"])
async def test_a_row_that_is_lost_does_not_take_the_type_of_another(
    schema: GraphQLSchema, name: str
) -> None:
    """Some rows have nothing whose type could be asked."""
    cast(Any, schema.type_map["Item"]).is_type_of = later(True, 9)
    cast(Any, schema.type_map["Node"]).resolve_type = later("Item", 9)
    root = {
        "items": [
            {name: None, "must": 1},
            {name: {"n": 1}, "must": later(NO, 3)},
            {name: {"n": 2}, "must": 3},
        ]
    }
    result = await done(schema, f"{{ items {{ {name} {{ n }} must }} }}", root)
    data = {"items": [{name: None, "must": 1}, None, {name: {"n": 2}, "must": 3}]}
    assert told(result) == (data, ["no"])


@pytest.mark.xfail(strict=True, reason="the cells of a column wait for one another")
async def test_an_item_that_is_lost_by_its_field_does_not_wait_for_other_items(
    schema: GraphQLSchema,
) -> None:
    slow = Slow()
    root = {"needed": lambda _: [later({"must": None})(), slow()]}
    result = await done(schema, "{ needed { must } }", root)
    assert told(result) == ({"needed": None}, [NULL.format("Item.must")])
