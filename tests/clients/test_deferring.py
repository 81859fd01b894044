"""@defer, through the clients that read answers in parts, in either format."""

import pytest

from tests.clients.conftest import Script

SHEPARD = "person/alan-shepard"


@pytest.mark.parametrize("client", ["apollo", "apollo 2022", "urql"])
async def test_the_first_part_is_there_before_the_rest(
    script: Script, url: str, client: str
) -> None:
    told = dict(script("deferring.js", url, client))
    assert set(told["types"]) == {"multipart/mixed"}
    first, *_, last = [each["data"] for each in told["deferred"] if each["data"]]
    assert first["entity"]["key"] == last["entity"]["key"] == SHEPARD
    assert first["entity"].get("facts") is None
    assert len(last["entity"]["facts"]["nodes"]) == 2


@pytest.mark.parametrize("client", ["apollo", "apollo 2022", "urql"])
async def test_an_error_of_the_rest_reaches_the_client(
    script: Script, url: str, client: str
) -> None:
    told = dict(script("deferring.js", url, client))
    last = told["failing"][-1]
    assert [error["extensions"]["code"] for error in last["errors"]] == ["BAD_USER_INPUT"]
    assert last["data"]["entity"]["key"] == SHEPARD
