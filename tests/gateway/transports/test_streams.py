"""Answers that follow one another in one response: server-sent events and multipart, by the type of the
operation and what the client reads."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import serving

Cache = Callable[[], AbstractContextManager[object]]

EVENTS = "text/event-stream"
PARTS = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0'
JSON = "application/json"
APOLLO = f"{PARTS},{JSON}"
URQL = (
    "application/graphql-response+json, application/graphql+json, application/json, "
    "text/event-stream, multipart/mixed"
)
WATCH = "subscription { it: storeStatusChanged { name status } }"
CACHE = 'subscription { it: storeStatusChanged(names: ["cache"]) { status } }'
NAMES = "{ stores { name } }"
NAMED = {"data": {"stores": [{"name": "file"}, {"name": "cache"}]}}


@asynccontextmanager
async def streamed(url: str, accept: str, query: str, **body: Any) -> AsyncIterator[httpx.Response]:
    """The response to a query, to be read as it comes."""
    asked = {"query": query, **body}
    async with (
        httpx.AsyncClient(timeout=10) as client,
        client.stream("POST", url, json=asked, headers={"accept": accept}) as response,
    ):
        yield response


async def pieces(response: httpx.Response) -> AsyncIterator[Any]:
    """The events or parts: the JSON of each, `None` for a heartbeat, "end" for the end."""
    is_events = response.headers["content-type"].startswith(EVENTS)
    separator = "\n\n" if is_events else "--graphql"
    buffer = ""
    async for text in response.aiter_text():
        buffer += text
        while separator in buffer:
            piece, _, buffer = buffer.partition(separator)
            if piece:
                yield _event(piece) if is_events else _part(piece)
        assert is_events or buffer in (
            "",
            "--\r\n",
        )  # a part is sent with the delimiter that ends it
        if buffer:
            yield "end"


def _event(piece: str) -> Any:
    if piece == ":":
        return None
    kind, _, data = piece.partition("\ndata:")
    assert kind in ("event: next", "event: complete")
    return json.loads(data) if data else "end"


def _part(piece: str) -> Any:
    header, _, content = piece.strip().partition("\r\n\r\n")
    assert header == "content-type: application/json"
    return json.loads(content) or None


async def first(response: httpx.Response, count: int) -> list[Any]:
    """So many pieces, heartbeats left out."""
    found: list[Any] = []
    async with aclosing(pieces(response)) as coming:
        async for piece in coming:
            if piece is not None:
                found.append(piece)
            if len(found) == count:
                break
    return found


@pytest.mark.parametrize("accept", [EVENTS, f"{JSON};q=0.1, {EVENTS}"])
async def test_each_store_is_told_as_it_is_and_as_it_changes(
    url: str, cache: Cache, accept: str
) -> None:
    async with streamed(url, accept, WATCH) as response:
        assert response.headers["content-type"].startswith(EVENTS)
        async with aclosing(pieces(response)) as coming:
            told = [await next_of(coming) for _ in range(2)]
            assert told == [
                {"data": {"it": {"name": "file", "status": "UP"}}},
                {"data": {"it": {"name": "cache", "status": "DOWN"}}},
            ]
            with cache():
                up = {"data": {"it": {"name": "cache", "status": "UP"}}}
                assert await next_of(coming) == up
            assert await next_of(coming) == told[1]


async def next_of(coming: Any) -> Any:
    """The next piece that is no heartbeat."""
    while (piece := await anext(coming)) is None:
        pass
    return piece


@pytest.mark.parametrize("accept", [APOLLO, PARTS, "multipart/mixed"])
async def test_apollo_s_parts_hold_a_payload(url: str, accept: str) -> None:
    async with streamed(url, accept, CACHE) as response:
        assert response.headers["content-type"] == PARTS
        assert "content-encoding" not in response.headers
        [part] = await first(response, 1)
        assert part == {"payload": {"data": {"it": {"status": "DOWN"}}}}


async def test_a_stream_shows_that_it_lives(url: str) -> None:
    for accept in (EVENTS, PARTS):
        async with streamed(url, accept, CACHE) as response, aclosing(pieces(response)) as coming:
            assert [await anext(coming) for _ in range(3)][1:] == [None, None]


async def test_the_type_of_the_operation_chooses_the_transport(url: str) -> None:
    async with streamed(url, URQL, NAMES) as response:
        assert response.headers["content-type"] == "application/graphql-response+json"
        await response.aread()
        assert response.json() == NAMED
    async with streamed(url, URQL, WATCH) as response:
        assert response.headers["content-type"].startswith(EVENTS)


async def test_who_reads_only_events_has_any_operation_as_events(url: str) -> None:
    async with streamed(url, EVENTS, NAMES) as response:
        assert await first(response, 9) == [NAMED, "end"]
    async with streamed(url, EVENTS, "{ nothing }") as response:
        assert response.status_code == 200
        error, end = await first(response, 9)
        assert error["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert end == "end"


async def test_an_event_source_asks_by_get(url: str) -> None:
    async with (
        httpx.AsyncClient() as client,
        client.stream("GET", url, params={"query": CACHE}, headers={"accept": EVENTS}) as response,
    ):
        assert await first(response, 1) == [{"data": {"it": {"status": "DOWN"}}}]


@pytest.mark.parametrize("accept", [JSON, "*/*", "application/graphql-response+json"])
async def test_a_subscription_without_a_stream_says_what_it_needs(url: str, accept: str) -> None:
    async with streamed(url, accept, WATCH) as response:
        await response.aread()
        assert response.status_code == 406
        (error,) = response.json()["errors"]
        for way in (EVENTS, "multipart/mixed", "graphql-transport-ws"):
            assert way in error["message"]


async def test_a_query_has_no_parts(url: str) -> None:
    async with streamed(url, "multipart/mixed", NAMES) as response:
        await response.aread()
        assert response.status_code == 406
        assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize("query", [
    'subscription { storeStatusChanged(names: ["file", "nowhere"]) { name } }',
    'subscription { ...A } fragment A on Subscription { storeStatusChanged(names: ["nowhere"]) { name } }',
])  # fmt: skip
async def test_an_error_of_the_source_is_an_event_at_its_field(url: str, query: str) -> None:
    async with streamed(url, EVENTS, query) as response:
        answer, end = await first(response, 9)
        assert answer["data"] is None
        (error,) = answer["errors"]
        assert error["path"] == ["storeStatusChanged"]
        assert "nowhere" in error["message"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert end == "end"


async def test_wrong_variables_of_a_subscription_are_told_in_the_stream(url: str) -> None:
    query = "subscription ($n: [String!]!) { storeStatusChanged(names: $n) { name } }"
    async with streamed(url, EVENTS, query, variables={"n": 5}) as response:
        answer, _ = await first(response, 9)
        assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    async with streamed(url, PARTS, query) as response:
        part, _ = await first(response, 9)
        assert list(part) == ["payload"]
        assert "'$n'" in part["payload"]["errors"][0]["message"]


async def test_there_may_be_so_many_streams_and_who_leaves_makes_room(url: str) -> None:
    async with streamed(url, EVENTS, CACHE), streamed(url, PARTS, CACHE) as second:
        await first(second, 1)
        async with streamed(url, EVENTS, CACHE) as third:
            await third.aread()
            assert third.status_code == 503
            assert third.headers["retry-after"]
            (error,) = third.json()["errors"]
            assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    for _ in range(50):
        async with streamed(url, EVENTS, CACHE) as response:
            if response.status_code == 200:
                return
        await asyncio.sleep(0.1)
    raise AssertionError("who left is still counted")


async def test_a_server_that_ends_ends_its_streams_without_calling_them_complete(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path / "memory.db") as url:
        reading = asyncio.create_task(_read_to_the_end(url))
        await asyncio.sleep(0.5)
    body = await asyncio.wait_for(reading, 5)
    assert body.startswith("event: next\n")
    assert "complete" not in body


async def _read_to_the_end(url: str) -> str:
    async with streamed(url, EVENTS, WATCH) as response:
        return (await response.aread()).decode()
