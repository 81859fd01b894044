"""Several requests in one body, and the limits of one."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import Gateway, running

NAMES = "{ stores { name } }"
NAMED = {"data": {"stores": [{"name": "embedded"}]}}


@pytest.fixture
async def batching(tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway that takes three requests at once."""
    async with running(tmp_path / "m.db", limits={"batch": 3}) as gateway:
        yield gateway


async def test_each_request_has_its_own_answer_in_their_order(batching: Gateway) -> None:
    ask = "query ($k: String!) { entity(key: $k) { key } }"
    batch = [{"query": NAMES}, {"query": "{ nothing }"}, {"query": ask, "variables": {"k": "a"}}]
    response = await batching.client.post("/graphql", json=batch)
    assert response.status_code == 200
    first, second, third = response.json()
    assert first == NAMED
    assert second["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert third == {"data": {"entity": None}}


async def test_one_that_cannot_be_answered_costs_no_other(batching: Gateway) -> None:
    batch: list[dict[str, Any]] = [
        {"query": "subscription { storeStatusChanged { name } }"},
        {"query": NAMES, "variables": 5},
        {"query": NAMES},
    ]
    first, second, third = (await batching.client.post("/graphql", json=batch)).json()
    assert "cannot be one of several" in first["errors"][0]["message"]
    assert second["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert third == NAMED


async def test_a_batch_is_no_larger_than_may_be(batching: Gateway) -> None:
    response = await batching.client.post("/graphql", json=[{"query": NAMES}] * 4)
    assert response.status_code == 413
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert "limits.batch" in error["message"]


@pytest.mark.parametrize("body", ["[]", "[1]", '[{"query": 1}]', "[[]]", " [", "[{}, null]"])
async def test_a_list_of_anything_else_is_400(batching: Gateway, body: str) -> None:
    response = await batching.client.post(
        "/graphql", content=body, headers={"content-type": "application/json"}
    )
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_without_the_setting_a_list_is_not_taken(odd: Gateway) -> None:
    response = await odd.client.post("/graphql", json=[{"query": NAMES}])
    assert response.status_code == 400
    assert "limits.batch" in response.json()["errors"][0]["message"]


async def test_variables_are_no_larger_than_may_be(tmp_path: Path) -> None:
    query = "query ($k: String!) { entity(key: $k) { key } }"
    async with running(tmp_path / "m.db", limits={"variables_bytes": 100}) as gateway:
        room = 100 - len('{"k":""}')
        fits = f'{{"query":"{query}","variables":{{"k":"{"x" * room}"}}}}'
        larger = fits.replace("xxx", "xxxx", 1)
        headers = {"content-type": "application/json"}
        response = await gateway.client.post("/graphql", content=fits, headers=headers)
        assert response.json() == {"data": {"entity": None}}
        for response in (
            await gateway.client.post("/graphql", content=larger, headers=headers),
            await gateway.client.get(
                "/graphql", params={"query": query, "variables": json.dumps({"k": "x" * 100})}
            ),
        ):
            assert response.status_code == 413
            assert "limits.variables_bytes" in response.json()["errors"][0]["message"]
