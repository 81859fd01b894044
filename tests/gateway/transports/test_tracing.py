"""`extensions.trace`: for who asks, where it is allowed; and what the calls in it say."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from backends.trace import StoreCall, recording
from gateway.transports.tracing import list_calls
from tests.support import DATA, Gateway, fill, running

ASK = {"x-memory-gateway-trace": "1"}
NESTED = "{ documents(first: 2) { nodes { key chunks(first: 2) { nodes { key entities { nodes { name } } } } } } }"


@pytest.fixture(scope="module")
async def allowing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """A gateway that tells of its calls."""
    database = tmp_path_factory.mktemp("tracing") / "memory.db"
    await fill(database, DATA / "odd")
    async with running(database, http={"trace": True}) as gateway:
        yield gateway


async def asked(gateway: Gateway, query: str, **headers: str) -> dict[str, Any]:
    """The answer to a query with these headers."""
    response = await gateway.client.post("/graphql", json={"query": query}, headers=headers)
    return response.json()


async def test_it_tells_every_call_in_the_order_in_which_they_began(allowing: Gateway) -> None:
    with recording() as expected:
        plain = await asked(allowing, NESTED)
    traced = await asked(allowing, NESTED, **ASK)
    trace = traced["extensions"]["trace"]
    assert traced["data"] == plain["data"]
    assert [(call["role"], call["method"], call["size"]) for call in trace["calls"]] == [
        (call.role, call.method, call.size) for call in expected
    ]
    assert [call["level"] for call in trace["calls"]] == [1, 2, 3]
    assert all(call["store"] == "embedded" for call in trace["calls"])
    assert all(call["error"] is call["hits"] is None for call in trace["calls"])


async def test_its_parts_are_within_the_whole(allowing: Gateway) -> None:
    trace = (await asked(allowing, NESTED, **ASK))["extensions"]["trace"]
    assert sum(trace["stages"].values()) == pytest.approx(trace["ms"], abs=0.01)
    for call in trace["calls"]:
        assert 0 <= call["start"] <= call["start"] + call["ms"] <= trace["ms"]


async def test_errors_and_what_was_not_executed_have_it_beside_them(allowing: Gateway) -> None:
    wrong = await asked(allowing, '{ node(id: "nonsense") { id } }', **ASK)
    assert list(wrong) == ["data", "errors", "extensions"]
    never = await asked(allowing, "query ($k: String!) { entity(key: $k) { key } }", **ASK)
    assert list(never) == ["errors", "extensions"]
    assert never["extensions"]["trace"]["calls"] == []
    assert list(await asked(allowing, "{ nothing }", **ASK)) == ["errors"]


async def test_it_is_kept_by_no_cache(allowing: Gateway) -> None:
    response = await allowing.client.get("/graphql", params={"query": NESTED}, headers=ASK)
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers


async def test_who_does_not_ask_is_not_told(allowing: Gateway) -> None:
    assert list(await asked(allowing, NESTED)) == ["data"]


async def test_where_it_is_not_allowed_nobody_is_told(odd: Gateway) -> None:
    assert list(await asked(odd, NESTED, **ASK)) == ["data"]


async def test_a_cache_tells_how_many_keys_it_had(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text(
        f"""
        [stores.file]
        kind = "sql"
        path = "{tmp_path / "memory.db"}"
        [stores.near]
        kind = "memory"
        [roles]
        texts = "file"
        graph = "file"
        keywords = "file"
        vectors = "file"
        cache = "near"
        [http]
        trace = true
        """
    )
    await fill(tmp_path / "memory.db", DATA / "odd")
    query = '{ entity(key: "e:24") { key name } }'
    async with running(config=config) as gateway:
        first, again = [
            (await asked(gateway, query, **ASK))["extensions"]["trace"] for _ in range(2)
        ]
    assert next(call["hits"] for call in first["calls"] if call["method"] == "get_many") == 0
    assert [(call["store"], call["size"], call["hits"]) for call in again["calls"]] == [
        ("near", 1, 1)
    ]


def test_a_call_is_one_level_beneath_those_that_had_ended() -> None:
    def call(role: str, started: float, seconds: float) -> StoreCall:
        return StoreCall("s", role, "m", 1, started, seconds)

    calls = [call("a", 10, 2), call("b", 10.5, 5), call("c", 12, 1), call("d", 15.5, 1)]
    assert [(each.role, each.level) for each in list_calls(calls, 10)] == [
        ("a", 1), ("b", 1), ("c", 2), ("d", 3),
    ]  # fmt: skip
    assert list_calls([], 0) == []
