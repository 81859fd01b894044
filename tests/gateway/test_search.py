"""Search: legs, fusion and its explanation, filters, pages, degradation, likeness, quality."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from backends.errors import StoreUnavailable
from backends.sql.sqlite.keywords import Fts5Keywords
from backends.sql.sqlite.vectors import ExactVectors
from benchmarks.recall import recall, sentences, titles
from tests.support import SHARED, Gateway

SEARCH = """query($q: String!, $mode: SearchMode, $kinds: [MemoryKind!], $first: Int, $after: String,
    $filter: SearchFilter) {
  search(query: $q, mode: $mode, kinds: $kinds, first: $first, after: $after, filter: $filter) {
    edges { cursor score matches { store method rank score }
      node { __typename ... on Node { id } ... on Chunk { key } ... on Document { key }
        ... on Entity { key } ... on Episode { key } ... on Fact { key } } }
    pageInfo { hasNextPage hasPreviousPage endCursor } degraded { store kind method code } } }"""
WEIGHTS = {"VECTOR": 0.3, "KEYWORD": 1.0}


async def search(gateway: Gateway, q: str, **more: Any) -> dict[str, Any]:
    return (await gateway.data(SEARCH, {"q": q, **more}))["search"]


async def test_scores_are_explained_by_the_matches(demo: Gateway) -> None:
    found = await search(demo, "first footprints on the Moon", first=50)
    scores = [edge["score"] for edge in found["edges"]]
    assert scores == sorted(scores, reverse=True)
    for edge in found["edges"]:
        fused = sum(WEIGHTS[m["method"]] / (60 + m["rank"]) for m in edge["matches"])
        assert edge["score"] == pytest.approx(fused)
        assert {m["store"] for m in edge["matches"]} == {"embedded"}
    assert {edge["node"]["__typename"] for edge in found["edges"]} >= {"Chunk", "Episode", "Fact"}


async def test_ranks_of_a_leg_start_at_one_and_leave_none_out(demo: Gateway) -> None:
    found = await search(demo, "lunar module", mode="KEYWORD", kinds=["CHUNK"], first=20)
    assert [e["matches"][0]["rank"] for e in found["edges"]] == list(
        range(1, len(found["edges"]) + 1)
    )


async def test_pages_never_shift_and_meet_without_gap_or_double(demo: Gateway) -> None:
    whole = await search(demo, "crew of the lander", first=100)
    walked: list[str] = []
    after = None
    while True:
        page = await search(demo, "crew of the lander", first=7, after=after)
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        walked += [edge["node"]["id"] for edge in page["edges"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"] or len(walked) >= 100:
            break
    assert walked[:100] == [edge["node"]["id"] for edge in whole["edges"]]
    assert len(set(walked)) == len(walked)


async def test_a_cursor_of_another_search_is_refused(demo: Gateway) -> None:
    cursor = (await search(demo, "moon", first=1))["pageInfo"]["endCursor"]
    assert await demo.codes(SEARCH, {"q": "earth", "after": cursor}) == ["BAD_USER_INPUT"]
    assert await demo.codes(SEARCH, {"q": "moon", "after": cursor, "mode": "VECTOR"}) == [
        "BAD_USER_INPUT"
    ]


@pytest.mark.parametrize(
    ("where", "kinds"),
    [
        ({"sources": ["mission-report"]}, {"Chunk", "Document", "Episode"}),
        ({"entityTypes": ["Mission"]}, {"Entity"}),
        ({"createdAt": {"from": "2000-01-01T00:00:00Z"}}, {"Document", "Entity"}),
        ({"sources": ["mission-report"], "entityTypes": ["Mission"]}, set()),
        ({"sources": []}, set()),
    ],
)
async def test_a_kind_without_the_property_of_a_filter_is_left_out(
    demo: Gateway, where: dict[str, Any], kinds: set[str]
) -> None:
    found = await search(demo, "Apollo mission report", filter=where, first=200)
    assert {edge["node"]["__typename"] for edge in found["edges"]} <= kinds
    assert bool(found["edges"]) is bool(kinds)
    assert found["degraded"] == []


@pytest.mark.parametrize(
    "q",
    [
        '"',
        "*",
        "NEAR(moon",
        "moon -earth",
        "title:moon",
        "^moon",
        "AND OR NOT",
        "(moon",
        "a\0b",
        "😀",
    ],
)
async def test_operators_are_plain_characters(demo: Gateway, q: str) -> None:
    assert (await search(demo, q, mode="KEYWORD"))["degraded"] == []


async def test_words_are_stemmed_and_any_may_match(demo: Gateway) -> None:
    one = await search(demo, "landings", mode="KEYWORD", kinds=["CHUNK"])
    other = await search(demo, "landing xyzzyplugh", mode="KEYWORD", kinds=["CHUNK"])
    assert [e["node"]["id"] for e in one["edges"]] == [e["node"]["id"] for e in other["edges"]]
    assert one["edges"]


async def test_a_failed_leg_is_named_and_the_others_answer(
    memory: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: Any) -> Any:
        raise StoreUnavailable("embedded", "store embedded: gone")

    monkeypatch.setattr(Fts5Keywords, "search", down)
    gateway = await memory('{"kind":"entity","key":"a","name":"Neil Armstrong"}')
    found = await search(gateway, "Armstrong", kinds=["ENTITY"])
    assert [edge["node"]["key"] for edge in found["edges"]] == ["a"]
    assert found["degraded"] == [
        {"store": "embedded", "kind": "ENTITY", "method": "KEYWORD", "code": "STORE_UNAVAILABLE"}
    ]
    codes = await gateway.codes(SEARCH, {"q": "Armstrong", "mode": "KEYWORD"})
    assert codes == ["STORE_UNAVAILABLE"]


async def test_legs_are_asked_at_the_same_time(
    memory: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each leg answers once all ten were asked: one after the other they would never end."""
    everyone = asyncio.Barrier(10)

    def meeting(original: Callable[..., Any]) -> Callable[..., Any]:
        async def call(self: Any, *arguments: Any) -> Any:
            await everyone.wait()
            return await original(self, *arguments)

        return call

    monkeypatch.setattr(Fts5Keywords, "search", meeting(Fts5Keywords.search))
    monkeypatch.setattr(ExactVectors, "search", meeting(ExactVectors.search))
    gateway = await memory('{"kind":"entity","key":"a","name":"Neil Armstrong"}')
    assert (await search(gateway, "Armstrong"))["degraded"] == []


async def test_similar_is_by_cosine_and_never_the_item_itself(demo: Gateway) -> None:
    data = await demo.data("""{ documents(first: 5) { nodes { key similar(first: 5) { totalCount
        pageInfo { hasNextPage } edges { score node { key } } }
        close: similar(first: 200, minScore: 0.8) { edges { score } } } } }""")
    for document in data["documents"]["nodes"]:
        similar = document["similar"]
        scores = [edge["score"] for edge in similar["edges"]]
        assert len(scores) == 5
        assert scores == sorted(scores, reverse=True)
        assert document["key"] not in [edge["node"]["key"] for edge in similar["edges"]]
        assert (similar["totalCount"], similar["pageInfo"]["hasNextPage"]) == (None, False)
        assert all(edge["score"] >= 0.8 for edge in document["close"]["edges"])


@pytest.mark.peps
@pytest.mark.parametrize("queries", [titles, sentences])
async def test_hybrid_finds_at_least_what_the_better_leg_finds(
    peps: Gateway, queries: Callable[..., Any]
) -> None:
    asked = queries(SHARED / "peps")[::3]
    vector, keyword, hybrid = [
        await recall(peps.client, asked, mode) for mode in ("VECTOR", "KEYWORD", "HYBRID")
    ]
    assert hybrid >= max(vector, keyword)
