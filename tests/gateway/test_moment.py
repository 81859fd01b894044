"""The moment: its boundaries, how it flows down, dated ids, and the property that makes it worth having."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support import DATA, Gateway, fill, running

FACT = {
    "kind": "fact", "key": "f", "subject": "a", "predicate": "LEADS", "object": "b",
    "validFrom": "2010-01-01T00:00:00Z", "validTo": "2015-01-01T00:00:00Z",
    "recordedAt": "2011-01-01T00:00:00Z", "retractedAt": "2016-01-01T00:00:00Z",
}  # fmt: skip
ENDS = [{"kind": "entity", "key": key, "name": key.upper()} for key in "ab"]
SEEN = """query($v: DateTime, $k: DateTime) { snapshot(validAt: $v, knownAt: $k) {
    facts { nodes { validTo retractedAt } } } }"""


def memory_of(*lines: dict[str, Any]) -> str:
    return "\n".join(json.dumps(line) for line in (*ENDS, *lines))


@pytest.mark.parametrize(
    ("valid_at", "known_at", "seen"),
    [
        ("2009-12-31T23:59:59.999999Z", "2020-01-01T00:00:00Z", []),
        ("2010-01-01T00:00:00Z", "2020-01-01T00:00:00Z", ["ended"]),
        ("2014-12-31T23:59:59.999999Z", "2020-01-01T00:00:00Z", ["ended"]),
        ("2015-01-01T00:00:00Z", "2020-01-01T00:00:00Z", []),
        ("2015-01-01T00:00:00Z", "2016-01-01T00:00:00Z", []),
        ("2015-01-01T00:00:00Z", "2015-12-31T23:59:59.999999Z", ["open"]),
        ("2030-01-01T00:00:00Z", "2015-12-31T23:59:59.999999Z", ["open"]),
        ("2012-01-01T00:00:00Z", "2011-01-01T00:00:00Z", ["open"]),
        ("2012-01-01T00:00:00Z", "2010-12-31T23:59:59.999999Z", []),
    ],
)
async def test_a_fact_at_its_boundaries(
    memory: Callable[..., Any], valid_at: str, known_at: str, seen: list[str]
) -> None:
    gateway = await memory(memory_of(FACT))
    data = await gateway.data(SEEN, {"v": valid_at, "k": known_at})
    facts = data["snapshot"]["facts"]["nodes"]
    assert ["ended" if fact["validTo"] else "open" for fact in facts] == seen
    assert all((fact["validTo"] is None) == (fact["retractedAt"] is None) for fact in facts)


async def test_a_withdrawn_fact_holds_until_the_memory_learns_that_it_was_wrong(
    memory: Callable[..., Any],
) -> None:
    wrong = {key: value for key, value in FACT.items() if key != "validTo"}
    gateway = await memory(memory_of(wrong))
    for known_at, count in (("2015-12-31T23:59:59.999999Z", 1), ("2016-01-01T00:00:00Z", 0)):
        data = await gateway.data(SEEN, {"v": "2012-01-01T00:00:00Z", "k": known_at})
        assert len(data["snapshot"]["facts"]["nodes"]) == count
    listed = await gateway.data("{ facts(includeInvalidated: true) { nodes { key } } }")
    assert listed["facts"]["nodes"] == [{"key": "f"}]


async def test_the_innermost_moment_wins_each_clock_on_its_own(memory: Callable[..., Any]) -> None:
    gateway = await memory(memory_of(FACT))
    data = await gateway.data("""{ snapshot(validAt: "2030-01-01T00:00:00Z", knownAt: "2015-06-01T00:00:00Z") {
        entity(key: "a") { outer: facts { totalCount }
          known: facts(knownAt: "2020-01-01T00:00:00Z") { totalCount }
          both: facts(validAt: "2012-01-01T00:00:00Z", knownAt: "2020-01-01T00:00:00Z") { totalCount
            nodes { object { facts { totalCount } } } } } } }""")
    entity = data["snapshot"]["entity"]
    assert [entity[name]["totalCount"] for name in ("outer", "known", "both")] == [1, 0, 1]
    assert entity["both"]["nodes"] == [{"object": {"facts": {"totalCount": 1}}}]


async def test_a_dated_id_keeps_its_moment_and_means_the_plain_thing_as_an_argument(
    memory: Callable[..., Any],
) -> None:
    gateway = await memory(memory_of(FACT))
    data = await gateway.data("""{ plain: entity(key: "a") { id } unset: snapshot { entity(key: "a") { id } }
        then: snapshot(validAt: "2012-01-01T00:00:00Z") { id entity(key: "a") { id facts { totalCount } } } }""")
    dated = data["then"]["entity"]["id"]
    assert data["unset"]["entity"]["id"] == data["plain"]["id"] != dated
    again = await gateway.data(
        """query($id: ID!, $snapshot: ID!) { node(id: $id) { id ... on Entity { facts { totalCount } } }
        moment: node(id: $snapshot) { id ... on Snapshot { validAt entity(key: "a") { id } } }
        now: facts(filter: { subjects: [$id] }) { totalCount } }""",
        {"id": dated, "snapshot": data["then"]["id"]},
    )
    assert again["node"] == {"id": dated, "facts": {"totalCount": 1}}
    assert again["moment"]["validAt"] == "2012-01-01T00:00:00Z"
    assert again["moment"]["entity"]["id"] == dated
    assert again["now"]["totalCount"] == 0


async def test_ids_of_several_moments_are_refused_together(memory: Callable[..., Any]) -> None:
    gateway = await memory(memory_of(FACT))
    data = await gateway.data("""{ plain: entity(key: "a") { id }
        then: snapshot(validAt: "2012-01-01T00:00:00Z") { entity(key: "a") { id } } }""")
    ids = [data["plain"]["id"], data["then"]["entity"]["id"]]
    codes = await gateway.codes("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ids})
    assert codes == ["BAD_USER_INPUT"]


EVERYTHING = """query($k: DateTime!) { snapshot(validAt: $k, knownAt: $k) {
  facts(includeInvalidated: true, first: 200) { totalCount nodes { key validTo retractedAt
    subject { key attributes } object { key attributes } episodes { nodes { key } } } }
  holding: facts(first: 200) { totalCount nodes { key } }
  episodes(first: 200) { totalCount nodes { key recordedAt previous { key } next { key }
    facts(includeInvalidated: true) { nodes { key validTo } } entities { nodes { key } } } }
  entities(first: 200) { nodes { key facts(first: 50) { totalCount nodes { key validTo } }
    neighbors(first: 50) { totalCount edges { node { key } facts { key } } }
    episodes { totalCount nodes { key } } } }
  documents(first: 200) { nodes { key episodes { nodes { key } } } }
  search(query: "alice bob text", kinds: [FACT, EPISODE], first: 200) { nodes {
    ... on Fact { key validTo } ... on Episode { key } } } } }"""
MOMENTS = ["2003-06-01T00:00:00Z", "2009-07-02T00:00:00.000002Z", "2012-12-14T00:00:00Z",
           "2014-05-31T23:59:59.999999Z", "2016-01-01T00:00:00Z"]  # fmt: skip


def known_by(line: str, known_at: datetime) -> str | None:
    """The line of a memory that stopped learning at a time: gone, or without what it learnt later."""
    record = json.loads(line)
    recorded, retracted = (instant(record.get(name)) for name in ("recordedAt", "retractedAt"))
    if recorded is not None and recorded > known_at:
        return None
    if retracted is not None and retracted > known_at:
        record["validTo"] = record["retractedAt"] = None
    return json.dumps(record)


def instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@pytest.mark.parametrize("moment", MOMENTS)
async def test_the_answer_known_at_k_is_that_of_a_memory_that_stopped_learning_at_k(
    odd: Gateway, tmp_path: Path, moment: str
) -> None:
    known_at = datetime.fromisoformat(moment)
    for file in (DATA / "odd").glob("*.jsonl"):
        lines = file.read_text(encoding="utf-8").strip().split("\n")
        kept = [known_by(line, known_at) for line in lines]
        text = "\n".join(line for line in kept if line is not None)
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    await fill(tmp_path / "memory.db", tmp_path)
    async with running(tmp_path / "memory.db") as stopped:
        then = await stopped.data(EVERYTHING, {"k": moment})
    now = await odd.data(EVERYTHING, {"k": moment})
    for data in (then, now):  # ranks apart
        data["snapshot"]["search"]["nodes"].sort(key=str)
    assert now == then
