"""Operations that relay-compiler makes, asked by Relay and read from its store."""

import hashlib
from typing import Any

import pytest

from tests.clients.generated.conftest import Project

EARLY = ["Alan Bean", "David Scott", "James McDivitt", "Pete Conrad"]
EARLY_NEXT = ["Richard Gordon", "Rusty Schweickart"]
LATE = ["Buzz Aldrin", "Frank Borman", "Fred Haise", "Jim Lovell"]
"""Who was to fly on Apollo 8, or in reserve, before and after two crews changed places."""
CHANGED = "1968-08-19T00:00:00Z"


@pytest.fixture(scope="session")
async def answers(relay: Project, url: str) -> list[Any]:
    """What the program read: pages, one operation of several moments, several operations."""
    relay.tool("tsc")
    return relay.lines("built/program.js", url)


async def test_a_page_joins_the_one_before_it_in_the_store(answers: list[Any]) -> None:
    pages = answers[0]
    assert pages["first"]["names"] == ["Frank Borman", "Jim Lovell"]
    assert pages["first"]["more"]
    assert pages["second"]["names"] == ["Frank Borman", "Jim Lovell", "William Anders"]
    assert not pages["second"]["more"]


async def test_moments_of_one_operation_never_mix_in_the_store(answers: list[Any]) -> None:
    early, hindsight, late = (answers[1][name] for name in ("early", "hindsight", "late"))
    assert len({early["id"], hindsight["id"], late["id"]}) == 3
    assert (early["names"], early["ends"]) == (EARLY + EARLY_NEXT, [None])  # two pages
    assert (hindsight["names"], hindsight["ends"]) == (EARLY, [CHANGED])
    assert (late["names"], late["ends"]) == (LATE, [None])


async def test_moments_of_several_operations_never_mix_in_the_store(answers: list[Any]) -> None:
    early, hindsight, late = (answers[2][name] for name in ("early", "hindsight", "late"))
    assert (early["names"], early["ends"]) == (EARLY, [None])
    assert (hindsight["names"], hindsight["ends"]) == (EARLY, [CHANGED])
    assert (late["names"], late["ends"]) == (LATE, [None])


async def test_a_refetch_by_a_dated_id_stays_in_its_moment(answers: list[Any]) -> None:
    assert answers[2]["refetched"] == answers[2]["early"]


async def test_the_manifest_names_each_document_by_its_hash(relay: Project) -> None:
    manifest = relay.manifest("persisted.json")
    hashes = [hashlib.sha256(text.encode()).hexdigest() for text in manifest.values()]
    assert len(manifest) == 5
    assert list(manifest) == hashes
