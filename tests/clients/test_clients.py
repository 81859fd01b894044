"""The clients that most ask with, as they come: answers, errors with their codes, answers in part."""

from typing import Any

import pytest

from tests.clients.conftest import Script

WHOLE = {"entity": {"key": "person/alan-shepard", "name": "Alan Shepard"}}
PARTLY = WHOLE | {"node": None}

UNREADABLE = ("id 'nonsense' cannot be read; use an id that this API gave", "BAD_USER_INPUT")
WRONG = (
    "Cannot query field 'nickname' on type 'Entity'. Did you mean 'name'?",
    "GRAPHQL_VALIDATION_FAILED",
)


async def test_graphql_request(script: Script, url: str) -> None:
    asked = dict(script("graphql_request.js", url))
    assert asked["whole"] == asked["by GET"] == WHOLE
    assert (asked["partly"]["data"], errors(asked["partly"])) == (PARTLY, [UNREADABLE])
    assert (asked["all"]["data"], errors(asked["all"])) == (PARTLY, [UNREADABLE])
    assert (asked["wrong"]["data"], errors(asked["wrong"])) == (None, [WRONG])
    [(message, code)] = errors(asked["variable"])
    assert "'$key'" in message
    assert code == "BAD_USER_INPUT"


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_urql(script: Script, url: str, method: str) -> None:
    asked = dict(script("urql.js", url, method))
    assert asked["methods"] == [method] * 3
    assert asked["whole"] == {"data": WHOLE, "errors": [], "network": None}
    assert (asked["partly"]["data"], errors(asked["partly"])) == (PARTLY, [UNREADABLE])
    assert (asked["wrong"]["data"], errors(asked["wrong"])) == (None, [WRONG])
    assert asked["partly"]["network"] is asked["wrong"]["network"] is None


async def test_apollo(script: Script, url: str) -> None:
    asked = dict(script("apollo.js", url))
    assert asked["whole"] == {"data": WHOLE, "message": None, "errors": []}
    assert (asked["none"]["data"], errors(asked["none"])) == (None, [UNREADABLE])
    assert (asked["all"]["data"], errors(asked["all"])) == (PARTLY, [UNREADABLE])
    assert asked["all"]["message"] == UNREADABLE[0]
    assert asked["ignore"] == {"data": PARTLY, "message": None, "errors": []}
    assert (asked["wrong"]["data"], errors(asked["wrong"])) == (None, [WRONG])


def errors(asked: dict[str, Any]) -> list[tuple[str, str]]:
    """The messages and codes of what a client was told is wrong."""
    return [(error["message"], error["extensions"]["code"]) for error in asked["errors"]]
