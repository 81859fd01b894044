"""Questions to the real memory of the PEPs, whose answers are worked out from its lines."""

import asyncio
from collections import defaultdict
from functools import reduce
from operator import getitem
from typing import Any

import pytest

from tests.gateway.pep_truth import (
    LISTS,
    PLAIN,
    At,
    Keep,
    Line,
    Truth,
    chained,
    just_before,
    keys,
    picked,
    shown,
)
from tests.support import SHARED, Gateway

pytestmark = pytest.mark.peps

TODAY = "2027-01-01T00:00:00Z"
NOW = At(TODAY, TODAY)
FACT = f"{' '.join(PLAIN)} subject {{ key }} object {{ key }}"
Strings = list[str] | None
PAGE = "totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
FORWARD, BACKWARD = (
    f"""query(${cursor}: String) {{
        chunks({way}: 200, {cursor}: ${cursor}) {{ nodes {{ key }} {PAGE} }} }}"""
    for way, cursor in (("first", "after"), ("last", "before"))
)
MOMENT = "validAt: $v, knownAt: $k"
PEOPLE = ["AUTHORED", "DECIDED", "DELEGATE_OF", "SPONSORED"]
TURNING = ["pep-0002", "pep-0232", "pep-0405", "pep-0432", "pep-0517", "pep-0572", "pep-8001"]


@pytest.fixture(scope="module")
def truth(peps: Gateway) -> Truth:
    return Truth(SHARED / "peps")


# Statuses: what held when, and what was known of it when.


@pytest.mark.parametrize("pep", TURNING)
async def test_a_status_holds_from_its_instant_and_not_a_microsecond_before(
    peps: Gateway, truth: Truth, pep: str
) -> None:
    before: list[Line] = []
    for status in truth.statuses(pep):
        start = status["validFrom"]
        there, earlier = await statuses(peps, pep, At(start, TODAY), At(just_before(start), TODAY))
        assert there == shown([status])
        assert earlier == shown(before)
        before = [status]


@pytest.mark.parametrize("pep", TURNING)
async def test_a_status_is_what_was_known_of_what_held(
    peps: Gateway, truth: Truth, pep: str
) -> None:
    """Every pair of a day in the world and a day of the memory, on and just before each change."""
    changes = [fact["validFrom"] for fact in truth.statuses(pep)]
    days = [day for change in changes[:4] for day in (just_before(change), change)] + [TODAY]
    grid = [[At(valid, known) for valid in days] for known in days]
    answers = await asyncio.gather(*(statuses(peps, pep, *row) for row in grid))
    for row, answer in zip(grid, answers, strict=True):
        assert answer == [shown(truth.status_at(at, pep)) for at in row]


@pytest.mark.parametrize(
    ("pep", "day", "status"),
    [
        ("PEP 572", "2018-07-01", "Draft"),
        ("PEP 572", "2018-07-31", "Accepted"),
        ("PEP 572", "2023-01-01", "Final"),
        ("PEP 308", "2004-01-01", "Rejected"),
        ("PEP 308", "2005-10-01", "Accepted"),
        ("PEP 401", "2009-04-02", "Accepted"),
        ("PEP 401", "2009-05-01", "April Fool!"),
        ("PEP 484", "2015-06-01", "Accepted"),
        ("PEP 703", "2023-11-01", "Accepted"),
        ("PEP 8016", "2018-12-18", "Accepted"),
    ],
)
async def test_history_is_told_as_it_was(peps: Gateway, pep: str, day: str, status: str) -> None:
    query = """query($v: DateTime!, $pep: String!) { snapshot(validAt: $v, knownAt: $v) {
        entity(name: $pep) { facts(predicates: ["HAS_STATUS"]) { nodes { object { name } } } }
    } }"""
    data = await peps.data(query, {"v": f"{day}T12:00:00Z", "pep": pep})
    assert data["snapshot"]["entity"]["facts"]["nodes"] == [{"object": {"name": status}}]


@pytest.mark.parametrize("day", ["2001-01-01", "2008-12-03", "2016-02-29", "2026-01-01"])
async def test_the_proposals_of_each_status_on_a_day(peps: Gateway, truth: Truth, day: str) -> None:
    at = At(f"{day}T00:00:00Z", TODAY)
    query = f"""query($v: DateTime!, $k: DateTime!) {{ snapshot({MOMENT}) {{
        entities(filter: {{types: ["Status"]}}, first: 50) {{ nodes {{ key
            neighbors(direction: IN, first: 200) {{ totalCount nodes {{ key }} }} }} }} }} }}"""
    data = await peps.data(query, moment(at))
    answered = {each["key"]: each["neighbors"] for each in data["snapshot"]["entities"]["nodes"]}
    assert answered.keys() == {k for k, e in truth.entities.items() if e["type"] == "Status"}
    for status, proposals in answered.items():
        there = list(truth.neighbors_at(at, status))
        assert proposals["totalCount"] == len(there)
        assert keys(proposals["nodes"]) == there[:200]


@pytest.mark.parametrize("pep", TURNING)
async def test_a_fact_and_its_episode_are_unheard_of_before_they_are_recorded(
    peps: Gateway, truth: Truth, pep: str
) -> None:
    query = f"""query($v: DateTime!, $k: DateTime!, $fact: String!, $episode: String!) {{
        snapshot({MOMENT}) {{ fact(key: $fact) {{ {FACT} }} episode(key: $episode) {{ key }} }}
    }}"""
    for fact in truth.statuses(pep)[:-1]:
        names = {"fact": fact["key"], "episode": fact["episodes"][0]}
        ended, open_ended = shown([fact, fact | {"validTo": None, "retractedAt": None}])
        for known, seen in [
            (just_before(fact["recordedAt"]), None),
            (fact["recordedAt"], open_ended),
            (just_before(fact["retractedAt"]), open_ended),
            (fact["retractedAt"], ended),
        ]:
            data = (await peps.data(query, moment(At(TODAY, known)) | names))["snapshot"]
            assert data["fact"] == seen
            assert data["episode"] == (seen and {"key": names["episode"]})


@pytest.mark.parametrize("known", ["2017-06-01T00:00:00Z", "2018-07-08T01:50:57Z", TODAY])
@pytest.mark.parametrize("pep", ["pep-0002", "pep-0484", "pep-0517", "python:3.8"])
async def test_a_timeline_is_every_fact_heard_of(
    peps: Gateway, truth: Truth, pep: str, known: str
) -> None:
    query = f"""query($key: String!, $v: DateTime!, $k: DateTime!, $after: String) {{
        entity(key: $key) {{ facts({MOMENT}, includeInvalidated: true, first: 7, after: $after)
            {{ nodes {{ {FACT} }} {PAGE} }} }} }}"""
    at = At("2001-01-01T00:00:00Z", known)
    found = await walk(peps, query, "entity", "facts", key=pep, **moment(at))
    assert found == shown(truth.facts_at(at, pep, every=True))


async def test_a_dated_id_brings_its_moment_back(peps: Gateway, truth: Truth) -> None:
    days = [At("2018-07-01T00:00:00Z", TODAY), At("2018-07-31T00:00:00Z", "2018-07-31T00:00:00Z")]
    dated = f"""query($v: DateTime!, $k: DateTime!) {{
        snapshot({MOMENT}) {{ entity(key: "pep-0572") {{ id }} }} }}"""
    again = f"""query($id: ID!) {{ node(id: $id) {{ ... on Entity {{
        facts(predicates: ["HAS_STATUS"]) {{ nodes {{ {FACT} }} }} }} }} }}"""
    for at in days:
        entity = (await peps.data(dated, moment(at)))["snapshot"]["entity"]
        data = await peps.data(again, {"id": entity["id"]})
        assert data["node"]["facts"]["nodes"] == shown(truth.status_at(at, "pep-0572"))


# People: who wrote, sponsored, was delegate and decided, and when.


async def test_who_decided_what_when_and_how_it_is_known(peps: Gateway, truth: Truth) -> None:
    query = f"""query($v: DateTime!, $k: DateTime!) {{
        facts({MOMENT}, filter: {{predicates: ["DECIDED"]}}, first: 200) {{ totalCount nodes {{
            {FACT} episodes {{ nodes {{ key content occurredAt document {{ key title }} }} }}
        }} }} }}"""
    data = (await peps.data(query, moment(NOW)))["facts"]
    decisions = truth.facts_at(NOW, predicates=["DECIDED"])
    assert data["totalCount"] == len(decisions)
    for answered, fact in zip(data["nodes"], decisions, strict=True):
        assert answered.pop("episodes")["nodes"] == [
            picked(line, "key", "content", "occurredAt")
            | {"document": picked(truth.documents[line["document"]], "key", "title")}
            for line in truth.sources(fact)
        ]
        assert [answered] == shown([fact])


async def test_beneath_each_delegation_stand_the_decisions_of_its_proposal(
    peps: Gateway, truth: Truth
) -> None:
    query = f"""query($v: DateTime!, $k: DateTime!) {{
        facts({MOMENT}, filter: {{predicates: ["DELEGATE_OF"]}}, first: 200) {{ nodes {{
            subject {{ key }} object {{ key facts(direction: IN, predicates: ["DECIDED"])
                {{ nodes {{ subject {{ key }} validFrom }} }} }} }} }} }}"""
    found = (await peps.data(query, moment(NOW)))["facts"]["nodes"]
    decided: dict[str, list[Line]] = defaultdict(list)
    for fact in truth.facts_at(NOW, predicates=["DECIDED"]):
        decision = {"subject": {"key": fact["subject"]}, "validFrom": fact["validFrom"]}
        decided[fact["object"]].append(decision)
    assert [(each["subject"]["key"], each["object"]) for each in found] == [
        (fact["subject"], {"key": fact["object"], "facts": {"nodes": decided[fact["object"]]}})
        for fact in truth.facts_at(NOW, predicates=["DELEGATE_OF"])
    ]
    undecided = [each for each in found if not each["object"]["facts"]["nodes"]]
    assert 0 < len(undecided) < len(found)


@pytest.mark.parametrize(
    ("pep", "predicate", "names"),
    [
        ("PEP 20", "AUTHORED", {"Tim Peters"}),
        ("PEP 8", "AUTHORED", {"Guido van Rossum", "Barry Warsaw", "Alyssa Coghlan"}),
        ("PEP 484", "AUTHORED", {"Guido van Rossum", "Jukka Lehtosalo", "Łukasz Langa"}),
        ("PEP 484", "DECIDED", {"Mark Shannon"}),
        ("PEP 517", "DELEGATE_OF", {"Alyssa Coghlan"}),
        ("PEP 703", "SPONSORED", {"Łukasz Langa"}),
    ],
)
async def test_people_are_known_for_what_they_did(
    peps: Gateway, pep: str, predicate: str, names: set[str]
) -> None:
    query = """query($pep: String!, $p: [String!]) { entity(name: $pep) {
        facts(direction: IN, predicates: $p) { nodes { subject { name type } } } } }"""
    data = await peps.data(query, {"pep": pep, "p": [predicate]})
    people = [fact["subject"] for fact in data["entity"]["facts"]["nodes"]]
    assert {person["name"] for person in people} == names
    assert {person["type"] for person in people} == {"Person"}


@pytest.mark.parametrize("day", ["2005-01-01", "2018-07-12"])
@pytest.mark.parametrize("person", ["person:guido-van-rossum", "person:paul-moore"])
async def test_neighbors_carry_the_facts_between(
    peps: Gateway, truth: Truth, person: str, day: str
) -> None:
    at = At(f"{day}T00:00:00Z", f"{day}T00:00:00Z")
    query = f"""query($key: String!, $v: DateTime!, $k: DateTime!, $p: [String!], $after: String) {{
        entity(key: $key) {{ neighbors({MOMENT}, predicates: $p, first: 9, after: $after) {{
            edges {{ node {{ key }} facts {{ {FACT} }} }} nodes {{ key }} {PAGE} }} }} }}"""
    path = ("entity", "neighbors")
    for asked in (None, PEOPLE, ["DECIDED"]):
        edges = await walk(peps, query, *path, of="edges", key=person, p=asked, **moment(at))
        joined = truth.neighbors_at(at, person, predicates=asked)
        assert [(edge["node"]["key"], edge["facts"]) for edge in edges] == [
            (other, shown(facts)) for other, facts in joined.items()
        ]


# Texts: what mentions what, where a fact comes from, what stands before and after.


@pytest.mark.parametrize(
    "entity", ["python:2.7", "person:guido-van-rossum", "pep-0484", "topic:packaging", "pep-0572"]
)
async def test_every_text_that_mentions_an_entity_is_found(
    peps: Gateway, truth: Truth, entity: str
) -> None:
    query = f"""query($key: String!, $after: String) {{ entity(key: $key) {{
        MANY(first: 17, after: $after) {{ nodes {{ key }} {PAGE} }} }} }}"""
    expected = {
        "chunks": truth.chunks_about(entity),
        "documents": truth.documents_about(entity),
        "episodes": truth.episodes_about(entity),
    }
    for field, found in expected.items():
        asked = query.replace("MANY", field)
        assert keys(await walk(peps, asked, "entity", field, key=entity)) == found


@pytest.mark.parametrize("types", [None, ["Person", "Release"], ["Proposal"], ["Topic"]])
@pytest.mark.parametrize("pep", ["pep-0404", "pep-0484", "pep-3000"])
async def test_the_entities_of_a_document_by_type(
    peps: Gateway, truth: Truth, pep: str, types: Strings
) -> None:
    query = f"""query($key: String!, $types: [String!], $after: String) {{ document(key: $key) {{
        entities(types: $types, first: 5, after: $after) {{ nodes {{ key }} {PAGE} }} }} }}"""
    found = await walk(peps, query, "document", "entities", key=pep, types=types)
    assert keys(found) == truth.entities_in(keys(truth.chunks_of[pep]), types)


@pytest.mark.parametrize("pep", ["pep-0572", "pep-0308", "pep-0405"])
async def test_a_fact_leads_to_the_chunks_of_its_sources_and_back(
    peps: Gateway, truth: Truth, pep: str
) -> None:
    query = f"""query($key: String!) {{ fact(key: $key) {{ episodes {{ nodes {{ key content
        entities {{ nodes {{ key }} }} facts(includeInvalidated: true) {{ nodes {{ {FACT} }} }}
        document {{ key title chunks(first: 4) {{ totalCount nodes {{ key text document {{ key }}
            entities(types: ["Person"]) {{ nodes {{ key }} }} }} }} }} }} }} }} }}"""
    for fact in truth.statuses(pep):
        data = (await peps.data(query, {"key": fact["key"]}))["fact"]["episodes"]["nodes"]
        assert data == [truth.provenance(key) for key in fact["episodes"]]


@pytest.mark.parametrize("pep", ["pep-0426", "pep-0649", "pep-0405"])
async def test_episodes_of_a_document_heard_of_by_then_form_one_chain(
    peps: Gateway, truth: Truth, pep: str
) -> None:
    query = f"""query($key: String!, $v: DateTime!, $k: DateTime!, $after: String) {{
        snapshot({MOMENT}) {{ document(key: $key) {{ episodes(first: 4, after: $after) {{ {PAGE}
            nodes {{ key previous {{ key next {{ key }} }} next {{ key }} }} }} }} }} }}"""
    path = ("snapshot", "document", "episodes")
    middle = truth.episodes_at(TODAY, document=pep)[3]["recordedAt"]
    for known, count in [(just_before(middle), 3), (middle, 4), (TODAY, None)]:
        found = await walk(peps, query, *path, key=pep, **moment(At(TODAY, known)))
        assert keys(found) == keys(truth.episodes_at(known, document=pep))
        assert count in (None, len(found))
        assert chained(found)


@pytest.mark.parametrize("pep", ["pep-0817", "pep-0572", "pep-0008"])
async def test_chunks_of_a_document_form_one_chain(peps: Gateway, truth: Truth, pep: str) -> None:
    query = f"""query($key: String!, $after: String) {{ document(key: $key) {{
        chunks(first: 40, after: $after) {{ {PAGE} nodes {{ key position
            previous {{ key next {{ key }} }} next {{ key }} }} }} }} }}"""
    found = await walk(peps, query, "document", "chunks", key=pep)
    assert keys(found) == keys(truth.chunks_in(pep))
    assert chained(found)


# Ways: paths and surroundings.


@pytest.mark.parametrize("day", ["2016-01-01T00:00:00Z", "2019-01-01T00:00:00Z", TODAY])
@pytest.mark.parametrize(
    ("start", "goal"),
    [
        ("person:sam-gross", "person:tim-peters"),
        ("person:carl-meyer", "person:eric-v-smith"),
        ("person:tony-lownds", "person:jukka-lehtosalo"),
        ("person:a-m-kuchling", "person:chris-jerdonek"),
        ("pep-0572", "pep-0308"),
    ],
)
async def test_a_path_is_the_shortest_and_of_those_the_smallest(
    peps: Gateway, truth: Truth, start: str, goal: str, day: str
) -> None:
    query = f"""query($a: ID!, $b: ID!, $max: Int!, $p: [String!], $v: DateTime!, $k: DateTime!) {{
        path(from: $a, to: $b, maxLength: $max, predicates: $p, {MOMENT})
            {{ length entities {{ key }} facts {{ key }} }} }}"""
    ends = {"a": await peps.id("Entity", start), "b": await peps.id("Entity", goal)}
    for longest, asked in [(10, None), (10, ["AUTHORED"]), (6, PEOPLE), (3, None)]:
        at = At(day, TODAY)
        data = await peps.data(query, ends | moment(at) | {"max": longest, "p": asked})
        path, found = data["path"], truth.path_at(at, start, goal, longest, predicates=asked)
        answered = path and (path["length"], keys(path["entities"]), keys(path["facts"]))
        assert answered == (found and (len(found[1]), *found))


@pytest.mark.parametrize("day", ["2018-06-01T00:00:00Z", TODAY])
@pytest.mark.parametrize(
    ("around", "reach", "p"),
    [
        (["pep-0572"], (0, 10), None),
        (["pep-0572", "pep-0484"], (1, 100), None),
        (["pep-0572", "pep-0484"], (2, 50), None),
        (["person:guido-van-rossum"], (2, 1000), ["AUTHORED"]),
        (["person:guido-van-rossum", "pep-3000"], (3, 200), PEOPLE),
        (["status:final"], (1, 1000), None),
        (["topic:typing"], (5, 1000), ["ABOUT", "TARGETS", "REPLACES", "REQUIRES"]),
    ],
)
async def test_a_subgraph_holds_the_nearest_and_the_facts_among_them(
    peps: Gateway, truth: Truth, around: list[str], reach: tuple[int, int], p: Strings, day: str
) -> None:
    query = f"""query($a: [ID!]!, $d: Int, $l: Int, $p: [String!], $v: DateTime, $k: DateTime) {{
        subgraph(around: $a, depth: $d, limit: $l, predicates: $p, {MOMENT})
            {{ entities {{ key }} facts {{ key }} truncated }} }}"""
    at = At(day, day)
    ids = [await peps.id("Entity", key) for key in around]
    asked = {"a": ids, "d": reach[0], "l": reach[1], "p": p}
    data = (await peps.data(query, asked | moment(at)))["subgraph"]
    found = truth.subgraph_at(at, around, *reach, predicates=p)
    assert (keys(data["entities"]), keys(data["facts"]), data["truncated"]) == found


# Lists: filters, orders, counts, and every page of them.


@pytest.mark.parametrize(("field", "asked", "ids", "keep", "order"), LISTS, ids=range(len(LISTS)))
async def test_a_list_is_filtered_ordered_and_counted(
    peps: Gateway, truth: Truth, field: str, asked: str, ids: list[str], keep: Keep, order: str
) -> None:
    """Both ways through, 60 a page; facts with all that ever held."""
    lines = [line for line in getattr(truth, field).values() if keep(line)]
    assert lines
    by = order.removeprefix("-")
    lines.sort(key=lambda line: (line[by], line["key"]), reverse=order != by)
    every = "includeInvalidated: true, " if field == "facts" else ""
    found = [await peps.id("Document" if field == "chunks" else "Entity", key) for key in ids]
    declared = ", $ids: [ID!]" if ids else ""
    for way, cursor in (("first", "after"), ("last", "before")):
        query = f"""query(${cursor}: String{declared}) {{
            {field}({every}{asked} {way}: 60, {cursor}: ${cursor}) {{ nodes {{ key }} {PAGE} }}
        }}"""
        variables = {"ids": found} if ids else {}
        assert keys(await walk(peps, query, field, back=way == "last", **variables)) == keys(lines)


async def test_every_chunk_is_met_once_in_order_of_key_either_way(
    peps: Gateway, truth: Truth
) -> None:
    assert len(truth.chunks) == 17_171
    assert keys(await walk(peps, FORWARD, "chunks")) == list(truth.chunks)
    assert keys(await walk(peps, BACKWARD, "chunks", back=True)) == list(truth.chunks)


async def test_walkers_do_not_disturb_one_another(peps: Gateway, truth: Truth) -> None:
    facts = f"""query($after: String) {{ facts(includeInvalidated: true, first: 100, after: $after)
        {{ nodes {{ {FACT} }} {PAGE} }} }}"""
    texts = f"""query($after: String) {{ documents(first: 50, after: $after) {{ {PAGE} nodes {{ key
        chunks(first: 2) {{ nodes {{ key entities {{ nodes {{ key }} }} }} }} }} }} }}"""
    asked = list(truth.documents)[::3]

    async def ask(part: list[str]) -> list[list[list[Line]]]:
        return [await statuses(peps, pep, NOW) for pep in part]

    forward, backward, all_facts, documents, *answers = await asyncio.gather(
        walk(peps, FORWARD, "chunks"),
        walk(peps, BACKWARD, "chunks", back=True),
        walk(peps, facts, "facts"),
        walk(peps, texts, "documents"),
        *(ask(asked[part::6]) for part in range(6)),
    )
    assert keys(forward) == keys(backward) == list(truth.chunks)
    assert all_facts == shown(truth.facts_at(NOW, every=True))
    assert documents == [truth.first_chunks(key) for key in truth.documents]
    for part, answer in enumerate(answers):
        assert answer == [[shown(truth.status_at(NOW, pep))] for pep in asked[part::6]]


def moment(at: At) -> dict[str, str]:
    return {"v": at.valid, "k": at.known}


async def statuses(gateway: Gateway, pep: str, *moments: At) -> list[list[Line]]:
    """The facts that give a proposal its status, at each moment, in one operation."""
    declared = "".join(f", $v{n}: DateTime!, $k{n}: DateTime!" for n in range(len(moments)))
    asked = "".join(
        f"""at{n}: snapshot(validAt: $v{n}, knownAt: $k{n}) {{ entity(key: $key) {{
            facts(direction: OUT, predicates: ["HAS_STATUS"]) {{ nodes {{ {FACT} }} }} }} }} """
        for n in range(len(moments))
    )
    days = {f"{c}{n}": day for n, at in enumerate(moments) for c, day in moment(at).items()}
    data = await gateway.data(f"query($key: String!{declared}) {{ {asked} }}", {"key": pep} | days)
    return [each["entity"]["facts"]["nodes"] for each in data.values()]


async def walk(
    gateway: Gateway,
    query: str,
    *path: str,
    of: str = "nodes",
    back: bool = False,
    **variables: Any,
) -> list[Any]:
    """All of a list, page by page, in its order; what pages say of themselves must be true."""
    along, against = ("Previous", "Next") if back else ("Next", "Previous")
    found: list[Any] = []
    cursor = None
    while True:
        place = {"before" if back else "after": cursor}
        page = reduce(getitem, path, await gateway.data(query, variables | place))
        info, items = page["pageInfo"], page[of]
        found = items + found if back else found + items
        assert info[f"has{against}Page"] is (cursor is not None)
        if not info[f"has{along}Page"]:
            assert len(found) == page["totalCount"]
            return found
        assert items
        assert len(found) < page["totalCount"]
        cursor = info["startCursor" if back else "endCursor"]
