"""Equal reads in flight are one call: who shares it, who does not, and what becomes of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.batch import batch
from backends.coalescing import Flights, coalesced
from backends.errors import StoreTimeout
from backends.records import (
    DocumentFilter,
    Edges,
    Moment,
    PageRequest,
    Scope,
)
from backends.trace import recording
from tests.contract.samples import EVER, day
from tests.support import DATA, Gateway, fill, running

ONE, OTHER = Scope("one"), Scope("other")


class Slow:
    """A role whose calls wait until they are let go, and are counted."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.cancelled = 0
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def get_many(self, *arguments: Any) -> object:
        self.calls.append(arguments)
        answer = object()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return answer

    async def count(self, *arguments: Any) -> object:
        return await self.get_many(*arguments)

    async def upsert_many(self, *arguments: Any) -> str:
        return "written"


@pytest.fixture
def slow() -> Slow:
    return Slow()


@pytest.fixture
def flights() -> Flights:
    return Flights()


@pytest.fixture
def role(slow: Slow, flights: Flights) -> Any:
    return coalesced(slow, flights)


async def started(*calls: Any) -> list["asyncio.Task[Any]"]:
    """The calls as tasks that have got as far as they can."""
    tasks = [asyncio.create_task(call) for call in calls]
    for _ in range(5):
        await asyncio.sleep(0)
    return tasks


async def test_equal_reads_at_a_time_are_one_call(slow: Slow, role: Any, flights: Flights) -> None:
    tasks = await started(*(role.get_many(ONE, ["a", "b"], frozenset({"x"})) for _ in range(1_000)))
    assert len(slow.calls) == 1
    slow.go.set()
    answers = await asyncio.gather(*tasks)
    assert len(set(answers)) == 1
    assert len(flights) == 0


async def test_a_list_and_a_tuple_of_the_same_keys_are_equal(slow: Slow, role: Any) -> None:
    tasks = await started(role.get_many(ONE, ["a"]), role.get_many(ONE, ("a",)))
    assert len(slow.calls) == 1
    slow.go.set()
    await asyncio.gather(*tasks)


async def test_the_store_gets_the_arguments_as_they_were_given(slow: Slow, role: Any) -> None:
    slow.go.set()
    await role.get_many(ONE, ["a"], ("b",))
    assert slow.calls == [(ONE, ["a"], ("b",))]


async def test_reads_that_differ_in_anything_are_calls_of_their_own(
    slow: Slow, role: Any, flights: Flights
) -> None:
    page = PageRequest(first=5)
    other_role = coalesced(Slow(), flights)
    arguments: Sequence[tuple[Any, ...]] = [
        (ONE, ["a"], page),
        (OTHER, ["a"], page),
        (ONE, ["a", "a"], page),
        (ONE, ["b"], page),
        (ONE, ["a"], PageRequest(first=6)),
        (ONE, ["a"], DocumentFilter()),
        (ONE, ["a"], Edges()),
        (ONE, ["a"], EVER),
        (ONE, ["a"], Moment(valid_at=day(1), known_at=day(2))),
        (ONE, ["a"], None),
        (ONE, ["a"]),
    ]
    tasks = await started(
        *(role.get_many(*each) for each in arguments),
        role.count(*arguments[0]),
        other_role.get_many(*arguments[0]),
    )
    assert len(slow.calls) == len(arguments) + 1
    assert len(flights) == len(arguments) + 2
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(flights) == 0


async def test_nothing_is_kept_after_the_answer(slow: Slow, role: Any) -> None:
    slow.go.set()
    first = await role.get_many(ONE, ["a"])
    second = await role.get_many(ONE, ["a"])
    assert first is not second
    assert len(slow.calls) == 2


async def test_an_error_reaches_all_and_is_not_kept(slow: Slow, role: Any) -> None:
    slow.error = StoreTimeout("store", "late")
    tasks = await started(*(role.get_many(ONE, ["a"]) for _ in range(3)))
    slow.go.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert answers == [slow.error] * 3
    slow.error = None
    await role.get_many(ONE, ["a"])
    assert len(slow.calls) == 2


async def test_who_waits_can_leave_without_harm_to_the_others(slow: Slow, role: Any) -> None:
    tasks = await started(*(role.get_many(ONE, ["a"]) for _ in range(4)))
    tasks[1].cancel()
    tasks[3].cancel()
    slow.go.set()
    first, second, third, fourth = await asyncio.gather(*tasks, return_exceptions=True)
    assert first is third
    assert isinstance(second, asyncio.CancelledError)
    assert isinstance(fourth, asyncio.CancelledError)
    assert len(slow.calls) == 1


async def test_if_who_asked_first_leaves_the_next_asks_for_all(slow: Slow, role: Any) -> None:
    tasks = await started(*(role.get_many(ONE, ["a"]) for _ in range(4)))
    tasks[0].cancel()
    for _ in range(5):
        await asyncio.sleep(0)
    assert (len(slow.calls), slow.cancelled) == (2, 1)
    slow.go.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert len(set(answers[1:])) == 1
    assert len(slow.calls) == 2


async def test_when_all_have_left_the_call_is_cancelled(
    slow: Slow, role: Any, flights: Flights
) -> None:
    tasks = await started(*(role.get_many(ONE, ["a"]) for _ in range(3)))
    for task in reversed(tasks):
        task.cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in answers)
    assert (len(slow.calls), slow.cancelled, len(flights)) == (1, 1, 0)


async def test_a_read_after_a_write_joins_no_call_that_began_before_it(
    slow: Slow, role: Any
) -> None:
    tasks = await started(role.get_many(ONE, ["a"]), role.get_many(ONE, ["a"]))
    assert await role.upsert_many(ONE, ["record"]) == "written"
    tasks += await started(role.get_many(ONE, ["a"]), role.get_many(ONE, ["a"]))
    assert len(slow.calls) == 2
    slow.go.set()
    before, joined, after, joined_after = await asyncio.gather(*tasks)
    assert before is joined
    assert after is joined_after
    assert before is not after


async def test_within_a_batch_everyone_asks_for_themselves(slow: Slow, role: Any) -> None:
    outside = await started(role.get_many(ONE, ["a"]))
    async with batch():
        inside = await started(role.get_many(ONE, ["a"]), role.get_many(ONE, ["a"]))
        assert len(slow.calls) == 3
        await role.upsert_many(ONE, ["record"])
        slow.go.set()
        await asyncio.gather(*inside)
    await asyncio.gather(*outside)


async def test_after_a_batch_nobody_joins_a_call_that_began_before_its_end(
    slow: Slow, role: Any
) -> None:
    tasks: list[asyncio.Task[Any]] = []
    began, over = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with batch():
            await role.upsert_many(ONE, ["record"])
            began.set()
            await over.wait()

    writer = asyncio.create_task(write())
    await began.wait()
    tasks += await started(role.get_many(ONE, ["a"]), role.get_many(ONE, ["a"]))
    assert len(slow.calls) == 1
    over.set()
    await writer
    tasks += await started(role.get_many(ONE, ["a"]))
    assert len(slow.calls) == 2
    slow.go.set()
    await asyncio.gather(*tasks)


async def test_what_cannot_be_compared_is_asked_each_time(slow: Slow, role: Any) -> None:
    vector = np.array([1.0, 0.0], dtype=np.float32)
    tasks = await started(*(role.get_many(ONE, vector) for _ in range(3)))
    tasks += await started(*(role.get_many(ONE, ["a"], [["nested"]]) for _ in range(2)))
    assert len(slow.calls) == 5
    slow.go.set()
    await asyncio.gather(*tasks)


# Through the gateway


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    await fill(tmp_path / "memory.db", DATA / "odd")
    async with running(tmp_path / "memory.db") as gateway:
        yield gateway


async def test_equal_queries_at_a_time_share_their_store_calls(gateway: Gateway) -> None:
    query = "{ documents(first: 50) { nodes { title chunks(first: 3) { nodes { text } } } } }"
    alone, calls = await gateway.calls(query)
    with recording() as shared:
        answers = await asyncio.gather(*(gateway.data(query) for _ in range(10)))
    assert answers == [alone] * 10
    assert len(shared) < 10 * len(calls)
