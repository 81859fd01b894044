"""The explorer in a browser that is cut off from every network: what it shows, and what it asks for."""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from gateway.explorer import DEMO_EXAMPLES, examples
from tests.explorer.driver import Script

OPERATION = re.compile(r"^query (\w+)", re.MULTILINE)
EXAMPLES = [OPERATION.findall(example["query"])[0] for example in examples(DEMO_EXAMPLES)]
"""The names of the example queries, which are the titles of their tabs."""

SUBGRAPH = """query Around {
  subgraph(around: ["kqZFbnRpdHmxbWlzc2lvbi9hcG9sbG8tMTE"], depth: 1, validAt: "1969-07-20T20:17:40Z") {
    entities { id name type }
    facts { id predicate subject { id name } object { id name } }
  }
}"""

CREW = """query Crew {
  entity(key: "mission/apollo-13") {
    id
    name
    facts(direction: IN, includeInvalidated: true, first: 50) {
      nodes { id predicate subject { id name } object { id name } }
    }
  }
}"""

AT = "1970-04-09T00:00:00Z"

MOMENT = """query Moment($at: DateTime) {
  snapshot(validAt: $at) {
    entity(key: "mission/apollo-13") {
      id
      name
      facts(direction: IN, first: 50) {
        nodes { id predicate statement subject { id name } object { id name } validFrom validTo }
      }
    }
  }
}"""


@pytest.fixture(scope="module")
async def loaded(script: Script, url: str) -> dict[str, Any]:
    """What was told of the page once it is loaded, and its first example run."""
    return await script("load.js", url)


async def test_loads_from_one_origin_under_a_strict_policy(loaded: dict[str, Any]) -> None:
    assert loaded["title"] == "Memory Gateway"
    assert loaded["headers"]["content-type"].startswith("text/html")
    policy = {
        words[0]: words[1:]
        for words in map(str.split, loaded["headers"]["content-security-policy"].split(";"))
        if words
    }
    assert policy["default-src"] in (["'none'"], ["'self'"])
    for directive in ("script-src", "connect-src", "worker-src"):
        assert set(policy.get(directive, policy["default-src"])) <= {"'self'", "'none'"}


async def test_examples_are_tabs_and_the_first_runs(loaded: dict[str, Any]) -> None:
    assert _titles(loaded["tabs"]) == EXAMPLES
    answer = loaded["run"]["answer"]
    assert loaded["run"]["asked"]["operationName"] == EXAMPLES[0]
    assert answer["extensions"]["trace"]["calls"]
    assert answer["data"]["search"]["edges"]
    assert loaded["begins"].startswith('{"data":{"search":')  # and nothing but data, to the end
    assert loaded["ends"].endswith("}}")


async def test_completes_the_name_of_a_field(script: Script, url: str) -> None:
    told = await script("completion.js", url)
    assert any(row.startswith("latencyMs") for row in told["suggested"])
    assert re.search(r"stores \{ latencyMs\s+\} \}", told["written"])
    assert "latencyMs" in told["asked"]
    assert told["errors"] is None


async def test_runs_a_subscription_until_it_is_stopped(script: Script, url: str) -> None:
    told = await script("subscription.js", url)
    assert told["shown"] == {"data": {"storeStatusChanged": {"name": "embedded", "status": "UP"}}}
    sent = told["seen"]["frames"]
    assert (sent[:2], sent[-1]) == (["connection_init", "subscribe"], "complete")


async def test_draws_a_bar_for_each_call_of_the_answer(script: Script, url: str) -> None:
    told = await script("waterfall.js", url)
    assert told["header"] == "1"
    assert len(told["nested"]["trace"]["calls"]) > len(told["small"]["trace"]["calls"]) > 0
    for drawn in (told["nested"], told["small"]):
        calls = drawn["trace"]["calls"]
        named = [
            f"{call['store']} · {call['role']}.{call['method']} × {call['size']}" for call in calls
        ]
        texts = [" ".join(text.split()) for text in drawn["calls"]]
        assert len(texts) == len(calls)
        assert sorted(named) == sorted(
            next((name for name in named if name in text), text) for text in texts
        )
        totals = " ".join(drawn["totals"])
        assert "embedded" in totals
        assert f"{len(calls)} call" in totals


async def test_says_that_the_gateway_does_not_trace(script: Script, url_untraced: str) -> None:
    told = await script("waterfall.js", url_untraced)
    for drawn in (told["nested"], told["small"]):
        assert (drawn["trace"], drawn["calls"]) == (None, [])
        assert "http.trace" in drawn["text"]


@pytest.mark.parametrize(
    ("query", "way"), [(SUBGRAPH, "click"), (CREW, "key")], ids=["subgraph", "facts"]
)
async def test_draws_the_graph_of_an_answer(script: Script, url: str, query: str, way: str) -> None:
    told = await script("graph.js", url, query, way)
    entities, facts = _graph(told["answer"])
    assert len(facts) > 1
    assert sorted(told["names"]) == sorted(told["texts"]) == sorted(entities)
    assert told["edges"] == len(facts)
    first, opened = told["names"][0], told["opened"]
    assert opened["more"] == 1
    assert "node(id:" in opened["written"]
    assert opened["asked"]["variables"] == {"id": entities[first]}
    assert opened["answer"]["data"]["node"]["name"] == first


async def test_draws_the_graph_of_the_example(script: Script, url: str) -> None:
    """Its entities have keys and names, but no ids."""
    [query] = [each["query"] for each in examples(DEMO_EXAMPLES) if "subgraph(" in each["query"]]
    told = await script("graph.js", url, query, "click")
    graph = told["answer"]["data"]["subgraph"]
    assert sorted(told["names"]) == sorted(entity["name"] for entity in graph["entities"])
    assert told["edges"] == len(graph["facts"])
    [found] = told["opened"]["answer"]["data"].values()
    assert found["name"] == told["names"][0]


async def test_moves_an_operation_in_time(script: Script, url: str) -> None:
    told = await script("slider.js", url, _fragment(MOMENT, json.dumps({"at": AT})), "Moment")
    assert told["first"]["asked"]["variables"] == {"at": AT}
    steps = ("back", "forth", "before all")
    back, forth, before_all = (told[step]["asked"]["variables"]["at"] for step in steps)
    assert before_all < back < AT < forth
    assert not _held(told["before all"])
    before = _held(told["first"])
    for step in steps:
        after = _held(told[step])
        assert before != after
        assert _listed(told[step]["appeared"]) == after - before
        assert _listed(told[step]["ended"]) == before - after
        before = after


async def test_opens_the_operation_of_a_link(script: Script, url: str) -> None:
    names = {"new": "Linked", "followed": "Followed", "again": "Again"}
    told = await script("links.js", url, *map(_link, names.values()))
    assert _titles(told["new"]["tabs"]) == ["Linked", *EXAMPLES]
    assert _titles(told["followed"]["tabs"]) == ["Linked", *EXAMPLES, "Followed"]
    assert set(_titles(told["again"]["tabs"])) == {*names.values(), *EXAMPLES}
    for step, name in names.items():
        opened = told[step]
        assert _titles([opened["active"]]) == [name]
        assert f"query {name}($key: String!)" in opened["written"]
        assert opened["asked"]["variables"] == {"key": "mission/apollo-13"}
        assert opened["answer"]["data"] == {"entity": {"name": "Apollo 13"}}


async def test_is_dark_where_that_is_preferred_and_needs_no_mouse(script: Script, url: str) -> None:
    told = await script("looks.js", url)
    assert max(told["dark"]) < 128 < min(told["light"])
    assert told["is reached"]
    for way in ("by Enter", "by Ctrl+Enter"):
        assert told[way]["search"]["edges"]


def _titles(tabs: list[str]) -> list[str]:
    """Without what is said of the button that closes a tab."""
    return [tab.removesuffix("close icon") for tab in tabs]


def _link(name: str) -> str:
    query = f"query {name}($key: String!) {{ entity(key: $key) {{ name }} }}"
    return _fragment(query, '{"key": "mission/apollo-13"}')


def _fragment(query: str, variables: str) -> str:
    return f"query={quote(query)}&variables={quote(variables)}"


def _graph(answer: dict[str, Any]) -> tuple[dict[str, str], set[str]]:
    """The ids of an answer's entities by name, and those of its facts."""
    entities: dict[str, str] = {}
    facts: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, list):
            for each in value:
                walk(each)
        elif isinstance(value, dict):
            if "predicate" in value:
                facts.add(value["id"])
            elif "name" in value:
                entities[value["name"]] = value["id"]
            walk(list(value.values()))

    walk(answer["data"])
    return entities, facts


def _held(run: dict[str, Any]) -> set[str]:
    """The statements of the facts of an answer to `MOMENT`."""
    entity = run["answer"]["data"]["snapshot"]["entity"]
    return {fact["statement"] for fact in entity["facts"]["nodes"]}


def _listed(items: list[str]) -> set[str]:
    return set(items) - {"Nothing"}
