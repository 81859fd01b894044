"""Subscriptions by the clients that most ask for them, as they come: over a socket, server-sent events and
multipart. A script ends by itself only if every stream of its is ended."""

from typing import Any

import pytest

from tests.clients.conftest import Script
from tests.clients.test_clients import WHOLE, WRONG, errors

EVENT = {"storeStatusChanged": {"name": "embedded", "status": "UP"}}
TYPED = {"storeStatusChanged": EVENT["storeStatusChanged"] | {"__typename": "Store"}}
"""As Apollo Client asks."""

STRAY = (
    "Cannot query field 'nickname' on type 'Store'. Did you mean 'name'?",
    "GRAPHQL_VALIDATION_FAILED",
)
NO_STRING = (
    "Variable '$names' has invalid value at [0]: String cannot represent a non string value: 5",
    "BAD_USER_INPUT",
)
NO_STORE = ("names: there is no store 'nowhere'; there are embedded", "BAD_USER_INPUT")

ENDED = {
    "sent": ["connection_init", "subscribe", "complete"],
    "received": ["connection_ack", "next"],
}
"""What is said about a subscription that the client ends after its first event."""

SILENT: dict[str, list[str]] = {"sent": [], "received": []}

EVENTS = ("text/event-stream", 200)
PARTS = ("multipart/mixed", 200)
ONE = ("application/graphql-response+json", 200)
REFUSED = ("application/graphql-response+json", 400)


async def test_graphql_ws(script: Script, url: str) -> None:
    asked = dict(script("graphql_ws.js", url))
    assert asked["subscription"] == {"data": EVENT}
    assert asked["query"] == asked["query again"] == {"results": [{"data": WHOLE}], "errors": None}
    for name, error in {"wrong": WRONG, "stray": STRAY, "variables": NO_STRING}.items():
        assert (asked[name]["results"], errors(asked[name])) == ([], [error])
    [result] = asked["no store"]["results"]
    assert (result["data"], errors(result), asked["no store"]["errors"]) == (None, [NO_STORE], None)
    # One socket held, whatever was wrong on it.
    assert asked["connections"] == 1
    assert asked["wire"]["closed"] == [{"code": 1000, "wasClean": True}]
    answered = ["next", "complete"]
    assert asked["wire"]["frames"] == {
        "sent": ENDED["sent"] + ["subscribe"] * 6,
        "received": ENDED["received"] + answered + ["error"] * 3 + answered * 2,
    }


async def test_graphql_sse(script: Script, url: str) -> None:
    asked = dict(script("graphql_sse.js", url))
    assert asked["subscription"] == {"data": EVENT}
    assert asked["query"] == [{"data": WHOLE}]
    for name, error in {"wrong": WRONG, "stray": STRAY, "variables": NO_STRING}.items():
        [result] = asked[name]
        assert (result.keys(), errors(result)) == ({"errors"}, [error])
    [result] = asked["no store"]
    assert (result["data"], errors(result)) == (None, [NO_STORE])
    assert answers(asked) == [EVENTS] * 6


@pytest.mark.parametrize("way", ["socket", "multipart"])
async def test_apollo(script: Script, url: str, way: str) -> None:
    asked = dict(script("apollo_streams.js", url, way))
    assert asked["subscription"] == {"data": TYPED, "kind": None, "errors": []}
    for name, error in {"stray": STRAY, "variables": NO_STRING, "no store": NO_STORE}.items():
        assert (asked[name]["data"], errors(asked[name])) == (None, [error])
    # What is wrong with variables is of the protocol where the stream has begun already.
    for name in ("stray", "no store"):
        assert asked[name]["kind"] == "CombinedGraphQLErrors"
    assert answers(asked) == ([PARTS, REFUSED, PARTS, PARTS] if way == "multipart" else [])
    assert said_first(asked) == (ENDED if way == "socket" else SILENT)


@pytest.mark.parametrize("way", ["socket", "http"])
async def test_urql(script: Script, url: str, way: str) -> None:
    asked = dict(script("urql_streams.js", url, way))
    assert asked["subscription"] == {"data": EVENT, "errors": [], "network": None}
    for name, error in {"stray": STRAY, "variables": NO_STRING, "no store": NO_STORE}.items():
        assert (asked[name]["data"], errors(asked[name])) == (None, [error])
        assert asked[name]["network"] is None
    # It says that it reads streams when it asks for a single answer, too.
    assert asked["query"] == {"data": WHOLE, "errors": [], "network": None}
    assert "text/event-stream" in asked["wire"]["requests"][-1]["accept"]
    assert answers(asked) == [*([EVENTS] * 4 if way == "http" else []), ONE]
    assert said_first(asked) == (ENDED if way == "socket" else SILENT)


def answers(asked: dict[str, Any]) -> list[tuple[str, int]]:
    """The media types and statuses that requests were answered with."""
    return [(request["type"], request["status"]) for request in asked["wire"]["requests"]]


def said_first(asked: dict[str, Any]) -> dict[str, list[str]]:
    """The types of the first messages over sockets."""
    return {way: asked["wire"]["frames"][way][: len(said)] for way, said in ENDED.items()}
