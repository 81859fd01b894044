"""Documents by their hash (automatic persisted queries), by clients as they come: sent once, then only named."""

from typing import Any

import pytest

from tests.clients.conftest import Script
from tests.clients.test_clients import WHOLE

TYPED = {"entity": WHOLE["entity"] | {"__typename": "Entity"}}
"""As Apollo Client asks."""

NAMED = ("GET", False)
"""By the method, and whether the document itself was sent."""


@pytest.mark.parametrize(
    ("name", "data", "method"),
    [("apollo_persisted.js", TYPED, "POST"), ("urql_persisted.js", WHOLE, "GET")],
)
async def test_a_document_is_sent_once(
    script: Script, url: str, name: str, data: dict[str, Any], method: str
) -> None:
    asked = dict(script(name, url))
    assert asked["first"]["data"] == asked["second"]["data"] == data
    assert sent(asked["first"]) == [(*NAMED, 400), (method, True, 200)]
    assert sent(asked["second"]) == [(*NAMED, 200)]
    requests = asked["first"]["requests"] + asked["second"]["requests"]
    assert len({request["hash"] for request in requests}) == 1
    assert requests[0]["hash"] is not None


def sent(asked: dict[str, Any]) -> list[tuple[str, bool, int]]:
    """The requests of an operation: by what method, whether with the document, and the status of the answer."""
    return [(each["method"], each["hasQuery"], each["status"]) for each in asked["requests"]]
