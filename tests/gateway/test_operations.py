"""Operations: which executor runs them, how long they may take, and what ends when a client goes away."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backends.sql.documents import SqlDocuments
from backends.trace import recording
from gateway.app import create_app
from gateway.execution.unsupported import fallbacks
from gateway.settings import load_settings
from tests.support import DATA, Gateway, fill, running

ASK = "{ documents(first: 1) { nodes { key } } }"


@pytest.fixture
async def odd_file(tmp_path: Path) -> Path:
    """A file of the odd memory, for applications of a test's own."""
    await fill(tmp_path / "memory.db", DATA / "odd")
    return tmp_path / "memory.db"


class Stalled:
    """A store's call that never ends of itself."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, *_: object, **__: object) -> Any:
        self.began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise


@pytest.fixture
def stalled(monkeypatch: pytest.MonkeyPatch) -> Stalled:
    """Documents that are never found."""
    call = Stalled()
    monkeypatch.setattr(SqlDocuments, "find", lambda *_, **__: call())
    return call


@pytest.fixture(params=["breadth_first", "graphql_core"])
async def either(request: pytest.FixtureRequest, odd_file: Path) -> AsyncIterator[Gateway]:
    """A gateway with one executor, then with the other."""
    async with running(odd_file, execution=request.param) as gateway:
        yield gateway


async def test_either_executor_answers_and_counts_the_same_store_calls(either: Gateway) -> None:
    query = "{ documents(first: 3) { nodes { key chunks(first: 2) { nodes { key } } } } }"
    data, calls = await either.calls(query)
    assert len(data["documents"]["nodes"]) == 3
    assert [call.role for call in calls] == ["documents", "chunks"]


async def test_introspection_is_left_to_graphql_core_and_counted(
    odd: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    before = fallbacks["introspection"]
    with caplog.at_level(logging.INFO, "memory_gateway.execution"):
        await odd.data("query Types { __schema { queryType { name } } }")
    assert fallbacks["introspection"] == before + 1
    assert any("Types" in line and "introspection" in line for line in caplog.messages)


async def test_an_ordinary_query_is_not_left_to_graphql_core(odd: Gateway) -> None:
    before = fallbacks.total()
    await odd.data(
        "query($s: Boolean!) { documents { nodes { key @skip(if: $s) title } } }", {"s": True}
    )
    assert fallbacks.total() == before


async def test_an_operation_that_takes_too_long_is_cancelled_and_says_so(
    odd_file: Path, stalled: Stalled
) -> None:
    async with running(odd_file, limits={"seconds": 0.2}) as gateway:
        answer = await gateway.answer(ASK)
        await asyncio.wait_for(stalled.cancelled.wait(), 10)
        assert await gateway.data("{ stores { name } }") == {"stores": [{"name": "embedded"}]}
    (error,) = answer["errors"]
    assert answer["data"] is None
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert "0.2 seconds (limits.seconds)" in error["message"]


async def test_what_is_done_for_a_client_that_goes_away_ends(
    odd_file: Path, stalled: Stalled
) -> None:
    app = create_app(load_settings(database=odd_file))
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    body = json.dumps({"query": ASK}).encode()
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await stalled.began.wait()
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    async with app.router.lifespan_context(app):
        await asyncio.wait_for(app(scope, receive, send), 10)
        await asyncio.wait_for(stalled.cancelled.wait(), 10)
    assert sent[0]["status"] == 499


async def test_a_slow_store_holds_back_no_other_branch(odd_file: Path, stalled: Stalled) -> None:
    """While documents are awaited, entities are answered and their children are asked for."""
    query = """{
        documents { nodes { key } }
        entities(first: 2) { nodes { facts { nodes { key } } } } }"""
    async with running(odd_file) as gateway, asyncio.timeout(30):
        with recording() as calls:
            asking = asyncio.create_task(gateway.answer(query))
            await stalled.began.wait()
            while "facts" not in (roles := [call.role for call in calls]):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.001)
            assert not asking.done()
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        assert set(roles) == {"documents", "entities", "facts"}
        await asyncio.wait_for(stalled.cancelled.wait(), 10)


async def test_an_answer_with_too_many_objects_is_cut_off_field_by_field(odd_file: Path) -> None:
    async with running(odd_file, limits={"objects": 20}) as gateway:
        few = "{ documents(first: 2) { nodes { key } } }"
        assert (await gateway.data(few))["documents"]["nodes"]
        answer = await gateway.answer("{ documents { nodes { key } } stores { name } }")
    assert answer["data"] == {"documents": None, "stores": [{"name": "embedded"}]}
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert "20 objects" in error["message"]
