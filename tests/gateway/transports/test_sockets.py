"""graphql-transport-ws, spoken frame by frame: what is wrong with an operation ends that operation, what breaks
the protocol closes the socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support import running, serving

Cache = Callable[[], AbstractContextManager[object]]

PROTOCOL = "graphql-transport-ws"
NAMES = "{ stores { name } }"
NAMED = {"data": {"stores": [{"name": "file"}, {"name": "cache"}]}}
CACHE = 'subscription { it: storeStatusChanged(names: ["cache"]) { status } }'
SECONDS = 5


class Socket:
    """A client's end."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, kind: str, key: str | None = None, payload: Any = None) -> None:
        """Send a message."""
        given = {"type": kind, "id": key, "payload": payload}
        message = {name: value for name, value in given.items() if value is not None}
        await self.connection.send(json.dumps(message))

    async def ask(self, key: str, query: str, **more: Any) -> None:
        """Begin an operation."""
        await self.say("subscribe", key, {"query": query, **more})

    async def hear(self) -> dict[str, Any]:
        """The next message."""
        return json.loads(await asyncio.wait_for(self.connection.recv(), SECONDS))

    async def hear_of(self, key: str) -> list[Any]:
        """All messages of an operation up to its end, the only one that runs: types and payloads."""
        heard: list[Any] = []
        while not heard or heard[-1][0] == "next":
            message = await self.hear()
            assert message["id"] == key
            heard.append((message["type"], message.get("payload")))
        return heard

    async def closed(self) -> tuple[int, str]:
        """Hears on until the socket is closed: the code and the reason."""
        with pytest.raises(ConnectionClosed) as raised:
            while True:
                await self.hear()
        assert raised.value.rcvd is not None
        return raised.value.rcvd.code, raised.value.rcvd.reason


@asynccontextmanager
async def opened(url: str, *, is_greeted: bool = True, **options: Any) -> AsyncIterator[Socket]:
    """A socket, which has been greeted unless it is not to be."""
    chosen: dict[str, Any] = {"subprotocols": [PROTOCOL], **options}
    async with connect(url.replace("http://", "ws://"), **chosen) as connection:
        socket = Socket(connection)
        if is_greeted:
            await socket.say("connection_init")
            assert await socket.hear() == {"type": "connection_ack"}
        yield socket


async def test_a_query_is_answered_and_complete(url: str) -> None:
    async with opened(url) as socket:
        await socket.ask("1", NAMES)
        assert await socket.hear_of("1") == [("next", NAMED), ("complete", None)]


async def test_a_subscription_goes_on_until_it_is_completed(url: str, cache: Cache) -> None:
    async with opened(url) as socket:
        await socket.ask("1", CACHE)
        down = {"type": "next", "id": "1", "payload": {"data": {"it": {"status": "DOWN"}}}}
        assert await socket.hear() == down
        with cache():
            assert (await socket.hear())["payload"] == {"data": {"it": {"status": "UP"}}}
            await socket.say("complete", "1")
            await socket.ask("1", NAMES)  # the id is free at once
            assert await socket.hear_of("1") == [("next", NAMED), ("complete", None)]


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{ stores"}, "GRAPHQL_PARSE_FAILED"),
        ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
        ({"query": NAMES, "operationName": "Other"}, "BAD_USER_INPUT"),
        ({"query": NAMES, "variables": 5}, "BAD_USER_INPUT"),
        ({"query": 5}, "BAD_USER_INPUT"),
        ({}, "BAD_USER_INPUT"),
        (5, "BAD_USER_INPUT"),
        (None, "BAD_USER_INPUT"),
        ({"query": "query ($k: String!) { entity(key: $k) { key } }"}, "BAD_USER_INPUT"),
        ({"query": "subscription ($n: [String!]!) { storeStatusChanged(names: $n) { name } }"},
         "BAD_USER_INPUT"),
        ({"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "0"}}},
         "PERSISTED_QUERY_NOT_FOUND"),
        ({"query": NAMES, "variables": {"a": "x" * 300_000}}, "LIMIT_EXCEEDED"),
    ],
)  # fmt: skip
async def test_what_is_wrong_with_an_operation_ends_it_alone(
    url: str, payload: Any, code: str
) -> None:
    async with opened(url) as socket:
        await socket.say("subscribe", "bad", payload)
        [(kind, errors)] = await socket.hear_of("bad")
        assert kind == "error"
        assert [error["extensions"]["code"] for error in errors] == [code]
        await socket.ask("good", NAMES)
        assert await socket.hear_of("good") == [("next", NAMED), ("complete", None)]


async def test_operations_run_beside_one_another_up_to_a_number(url: str) -> None:
    async with opened(url) as socket:
        for key in ("1", "2", "3"):
            await socket.ask(key, CACHE)
            assert (await socket.hear())["id"] == key
        await socket.ask("4", NAMES)
        [(kind, errors)] = await socket.hear_of("4")
        assert (kind, errors[0]["extensions"]["code"]) == ("error", "LIMIT_EXCEEDED")
        await socket.say("complete", "2")
        await socket.ask("4", NAMES)
        assert await socket.hear_of("4") == [("next", NAMED), ("complete", None)]


async def test_a_ping_is_answered_and_a_pong_is_not(url: str) -> None:
    async with opened(url, is_greeted=False) as socket:
        await socket.say("pong")
        await socket.say("ping", payload={"any": "thing"})
        assert await socket.hear() == {"type": "pong"}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("nonsense", 4400),
        ('{"type": 5}', 4400),
        ("[]", 4400),
        ("null", 4400),
        ('{"type": "start", "id": "1"}', 4400),
        ('{"id": "1"}', 4400),
        ('{"type": "subscribe", "payload": {"query": "{ stores { name } }"}}', 4400),
        ('{"type": "subscribe", "id": "", "payload": {"query": "{ stores { name } }"}}', 4400),
        (b"\x00\xff", 4400),
        ("[" * 10_000, 4400),
        ('{"type": "connection_init"}', 4429),
    ],
)
async def test_what_breaks_the_protocol_closes_the_socket(
    url: str, frame: str | bytes, code: int
) -> None:
    async with opened(url) as socket:
        await socket.connection.send(frame)
        closed, reason = await socket.closed()
        assert closed == code
        assert reason


async def test_two_operations_cannot_have_one_id(url: str) -> None:
    async with opened(url) as socket:
        await socket.ask("1", CACHE)
        await socket.ask("1", NAMES)
        assert await socket.closed() == (4409, "Subscriber for 1 already exists")


async def test_nothing_is_answered_before_the_greeting(url: str) -> None:
    async with opened(url, is_greeted=False) as socket:
        await socket.ask("1", NAMES)
        assert await socket.closed() == (4401, "Unauthorized")


async def test_who_does_not_greet_in_time_is_closed(url: str) -> None:
    async with opened(url, is_greeted=False) as socket:
        assert (await socket.closed())[0] == 4408


async def test_who_asks_nothing_is_closed_after_a_while_and_who_listens_is_not(url: str) -> None:
    async with opened(url) as silent, opened(url) as listening:
        await listening.ask("1", CACHE)
        assert await silent.closed() == (1000, "idle")
        await listening.ask("2", NAMES)
        assert {(await listening.hear())["id"] for _ in range(2)} == {"1", "2"}


@pytest.mark.parametrize("protocols", [None, ["graphql-ws"]])
async def test_another_protocol_is_not_spoken(url: str, protocols: list[Any] | None) -> None:
    async with opened(url, is_greeted=False, subprotocols=protocols) as socket:
        assert (await socket.closed())[0] == 4406


async def test_there_may_be_so_many_sockets_and_who_leaves_makes_room(url: str) -> None:
    async with opened(url), opened(url) as second:
        async with opened(url, is_greeted=False) as third:
            code, reason = await third.closed()
            assert code == 1013
            assert "streams.connections" in reason
        await second.connection.close()
        async with opened(url) as fourth:
            await fourth.ask("1", NAMES)
            assert await fourth.hear_of("1") == [("next", NAMED), ("complete", None)]


async def test_a_page_of_another_origin_is_refused(url: str) -> None:
    with pytest.raises(InvalidStatus) as raised:
        async with opened(url, origin="https://evil.example"):
            pass
    assert raised.value.response.status_code == 403


async def test_a_page_of_ours_or_of_a_chosen_origin_is_welcome(tmp_path: Path, url: str) -> None:
    own = url.removesuffix("/graphql")
    async with opened(url, origin=own):
        pass
    chosen = {"cors_origins": ["https://app.example"]}
    async with (
        serving(tmp_path / "m.db", http=chosen) as elsewhere,
        opened(elsewhere, origin="https://app.example"),
    ):
        pass


async def test_a_message_that_is_too_large_closes_the_socket(tmp_path: Path) -> None:
    async with (
        serving(tmp_path / "m.db", limits={"body_bytes": 1_000}) as url,
        opened(url) as socket,
    ):
        await socket.ask("1", NAMES + " " * 1_000)
        assert (await socket.closed())[0] == 1009


async def test_a_client_that_vanishes_leaves_nothing_running(url: str) -> None:
    for _ in range(3):  # more than may be open at once
        async with opened(url) as socket:
            await socket.ask("1", CACHE)
            await socket.hear()
            socket.connection.transport.abort()
        await asyncio.sleep(0.2)


async def test_a_server_that_ends_says_so(tmp_path: Path) -> None:
    async with serving(tmp_path / "m.db") as url:
        opening = opened(url)
        socket = await opening.__aenter__()
        await socket.ask("1", "subscription { storeStatusChanged { name } }")
        await socket.hear()
    assert (await socket.closed())[0] in (1001, 1012)  # going away, or to be restarted
    await opening.__aexit__(None, None, None)


async def test_an_upgrade_that_is_none_is_an_ordinary_request(tmp_path: Path) -> None:
    async with running(tmp_path / "m.db") as gateway:
        response = await gateway.client.get(
            "/graphql", params={"query": NAMES}, headers={"upgrade": "websocket"}
        )
        assert isinstance(response, httpx.Response)
        assert response.status_code == 200
