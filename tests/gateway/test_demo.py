"""The demo memory: what it must hold, questions with answers written by hand, examples that run."""

import json
from collections import Counter
from typing import Any

import pytest

from gateway.explorer import DEMO_EXAMPLES, examples
from tests.gateway.cases import check
from tests.support import DATA, DEMO, Gateway

QUESTIONS = [
    json.loads(line)
    for line in (DATA / "demo_questions.jsonl").read_text(encoding="utf-8").strip().split("\n")
]


def lines(stem: str) -> list[dict[str, Any]]:
    text = (DEMO / f"{stem}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.strip().split("\n")]


@pytest.mark.parametrize("asked", QUESTIONS, ids=lambda asked: asked["question"][:60])
async def test_answers_a_question(demo: Gateway, asked: dict[str, Any]) -> None:
    case = {"operation": asked["query"], "variables": asked["variables"], "data": asked["answer"]}
    await check(demo, case)


@pytest.mark.parametrize("example", examples(DEMO_EXAMPLES), ids=lambda example: example["title"])
async def test_an_example_gives_an_answer_without_errors_or_gaps(
    demo: Gateway, example: dict[str, str]
) -> None:
    data = await demo.data(example["query"])
    assert all(value not in (None, []) for value in data.values())


def test_it_is_as_large_as_promised() -> None:
    assert sum(len(each["text"].split()) >= 200 for each in lines("documents")) >= 30
    assert len(lines("entities")) >= 120
    facts = lines("facts")
    assert len(facts) >= 350
    assert sum(bool(fact.get("validTo") or fact.get("retractedAt")) for fact in facts) >= 60
    assert len(lines("episodes")) >= 100
    assert len(QUESTIONS) == 20


def test_the_episodes_of_a_fact_mention_both_its_ends() -> None:
    mentioned: dict[str, set[str]] = {}
    for mention in lines("mentions"):
        if "episode" in mention:
            mentioned.setdefault(mention["episode"], set()).add(mention["entity"])
    for fact in lines("facts"):
        assert fact["episodes"], fact["key"]
        told = set[str]().union(*(mentioned[episode] for episode in fact["episodes"]))
        assert {fact["subject"], fact["object"]} <= told, fact


def test_nothing_dangles_and_no_key_is_used_twice() -> None:
    keys: dict[str, set[str]] = {}
    for stem in ("documents", "chunks", "entities", "facts", "episodes"):
        counted = Counter(each["key"] for each in lines(stem))
        assert [key for key, count in counted.items() if count > 1] == []
        keys[stem] = set(counted)
    for fact in lines("facts"):
        assert {fact["subject"], fact["object"]} <= keys["entities"]
        assert set(fact["episodes"]) <= keys["episodes"]
    for mention in lines("mentions"):
        assert mention["entity"] in keys["entities"]
        assert mention.get("chunk", mention.get("episode")) in keys["chunks"] | keys["episodes"]
