"""Two moments of one thing in one cache that normalises by id: neither is ever taken for the other."""

from typing import Any

import pytest

from tests.clients.conftest import Script

EARLY, LATE = "1969-07-15T00:00:00Z", "1970-01-01T00:00:00Z"
"""On the one he was to fly Apollo 13, and on the other Apollo 14."""

FIRST, SECOND = (f"fact/alan-shepard-assigned-to-apollo-{number}" for number in (13, 14))
ENDED = ("1969-08-06T00:00:00Z", "1969-08-07T00:00:00Z")
"""When the first of the facts ended, and when the memory learnt of it: between the two."""

SEEN = {
    "early": {"facts": {FIRST: (None, None)}, "fact": (None, None)},
    "late": {"facts": {SECOND: (None, None)}, "fact": ENDED},
    "now": {"facts": {}, "fact": ENDED},
}
"""The facts that hold with their ends, and the ends of the first, at each moment."""


@pytest.fixture(scope="module", params=["apollo", "urql"])
def seen(request: pytest.FixtureRequest, script: Script, url: str) -> dict[str, Any]:
    """What a client was answered, and what its cache held, by the way that it asked."""
    return dict(script("moments.js", url, request.param, EARLY, LATE))


@pytest.mark.parametrize("way", ["together", "in turn", "again"])
@pytest.mark.parametrize("source", ["asked", "read"])
async def test_each_moment_keeps_its_own_values(
    seen: dict[str, Any], way: str, source: str
) -> None:
    snapshots = seen[way][source]
    assert {moment: _values(snapshots[moment]) for moment in SEEN} == SEEN


@pytest.mark.parametrize("way", ["together", "in turn", "again"])
async def test_what_is_read_from_the_cache_is_what_was_answered(
    seen: dict[str, Any], way: str
) -> None:
    assert seen[way]["read"] == seen[way]["asked"] == seen["in turn"]["asked"]


async def test_each_moment_has_ids_of_its_own(seen: dict[str, Any]) -> None:
    snapshots = seen["in turn"]["read"].values()
    for of in (lambda it: it, lambda it: it["entity"], lambda it: it["fact"]):
        assert len({of(snapshot)["id"] for snapshot in snapshots}) == len(SEEN)
        assert len({of(snapshot).get("key") for snapshot in snapshots}) == 1


async def test_the_clients_warn_of_nothing(seen: dict[str, Any]) -> None:
    assert seen["warnings"] == []


def _values(snapshot: dict[str, Any]) -> dict[str, Any]:
    facts = [edge["node"] for edge in snapshot["entity"]["facts"]["edges"]]
    beside = [fact["key"] for fact in snapshot["subgraph"]["facts"]]
    assert snapshot["entity"]["facts"]["totalCount"] == len(facts)
    assert beside == [fact["key"] for fact in facts]
    return {"facts": {fact["key"]: _ends(fact) for fact in facts}, "fact": _ends(snapshot["fact"])}


def _ends(fact: dict[str, Any]) -> tuple[str | None, str | None]:
    return fact["validTo"], fact["retractedAt"]
