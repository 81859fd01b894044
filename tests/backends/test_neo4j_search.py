"""What is particular to search in Neo4j: its indexes, how they are asked, and what is done without them."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.errors import ConfigurationError, StoreRejected, VectorSpaceMismatch
from backends.metadata import value_token
from backends.neo4j import indexes, keywords
from backends.neo4j.engine import Neo4jEngine
from backends.neo4j.entries import LABELS, VECTOR_INDEXES, WORD_INDEXES, outdated, search_schema
from backends.neo4j.indexes import DEEPEST, SPARE, Found, IndexState, SearchIndexes, deepened
from backends.neo4j.keywords import MOST_WORDS, lucene_query, words_of
from backends.neo4j.options import Neo4jOptions
from backends.neo4j.store import Neo4jStore
from backends.records import (
    Hit,
    Kind,
    MetadataMatch,
    Needs,
    Scope,
    SearchEntry,
    SearchFilter,
    VectorSpace,
)
from backends.roles import Vector
from tests.contract.samples import EVER, day, modest, new_scope, new_words, numbered
from tests.servers.neo4j import Neo4j

SPACE = VectorSpace("model", 4)
"""As long as the vectors of the contract, which may have made the indexes already."""

EVERY = frozenset(Kind)
NEEDS = Needs(keywords=EVERY, vectors=EVERY, space=SPACE)
NO_FILTER = SearchFilter()
EAST = np.array([1, 0, 0, 0], dtype=np.float32)
NORTH = np.array([0, 1, 0, 0], dtype=np.float32)

Tenants = Callable[[], Scope]
Asked = list[tuple[str, Mapping[str, Any]]]


@pytest.fixture(scope="module")
async def store(neo4j_server: Neo4j) -> AsyncGenerator[Neo4jStore]:
    """A store with every index; those that other tests made for longer vectors are made anew."""
    store = new_store(neo4j_server)
    await store.open()
    await store.migrate(NEEDS)
    yield store
    await store.close()


@pytest.fixture
async def fresh(neo4j_server: Neo4j, store: Neo4jStore) -> AsyncGenerator[Neo4jStore]:
    """Another store of the same server, which knows nothing of its indexes yet."""
    fresh = new_store(neo4j_server)
    await fresh.open()
    yield fresh
    await fresh.close()


def new_store(server: Neo4j) -> Neo4jStore:
    options = Neo4jOptions(url=server.url, user=server.user, password=server.password)
    return Neo4jStore("graph", options)


def engine_of(store: Neo4jStore) -> Neo4jEngine:
    return store._engine


@pytest.fixture
async def tenants(store: Neo4jStore) -> AsyncGenerator[Tenants]:
    """Makes tenants of the test's own, and takes away what they have: the indexes are those of all."""
    made: list[Scope] = []

    def make() -> Scope:
        made.append(new_scope())
        return made[-1]

    yield make
    for label in LABELS.values():
        query = f"MATCH (n:{label}) WHERE n.tenant IN $tenants AND n.key IS NOT NULL DELETE n"
        await engine_of(store).write(query, {"tenants": [scope.tenant for scope in made]})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The reads that the server is asked, with their parameters."""
    made: Asked = []
    rows = Neo4jEngine.rows

    async def recorded(self: Neo4jEngine, query: str, parameters: Mapping[str, Any]) -> Any:
        made.append((query, parameters))
        return await rows(self, query, parameters)

    monkeypatch.setattr(Neo4jEngine, "rows", recorded)
    return made


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few vectors there are, they count as too many to compare each."""
    monkeypatch.setattr(indexes, "SCANNED_WHOLE", -1)


def how(asked: Asked) -> list[str]:
    """How the server was asked: by which sort of index, how deep, or by a scan."""
    ways: list[str] = []
    for query, parameters in asked:
        if "db.index.vector" in query:
            ways.append(f"nearest {parameters['k']}")
        elif "$options" in query:
            ways.append(f"words {parameters['options']['limit']}")
        elif "db.index.fulltext" in query:
            ways.append("words")
        elif "vector.similarity" in query:
            ways.append("scan")
    return ways


def entry(key: str, body: str = "", kind: Kind = Kind.CHUNK, **given: Any) -> SearchEntry:
    return SearchEntry(kind=kind, key=key, body=body, **given)


async def find(
    store: Neo4jStore,
    scope: Scope,
    query: str,
    where: SearchFilter = NO_FILTER,
    depth: int = 200,
    kind: Kind = Kind.CHUNK,
) -> list[str]:
    hits = await store.keywords.search(scope, kind, query, where, EVER, depth)
    return [hit.key for hit in hits]


async def nearest(
    store: Neo4jStore,
    scope: Scope,
    vector: Vector = EAST,
    where: SearchFilter = NO_FILTER,
    depth: int = 10,
) -> list[Hit]:
    return await store.vectors.search(scope, Kind.CHUNK, vector, SPACE, where, EVER, depth)


async def place(
    store: Neo4jStore, scope: Scope, placed: Mapping[str, Vector | None], **given: Any
) -> None:
    entries = [entry(key, **given) for key in placed]
    digests = [f"digest of {key}" for key in placed]
    await store.vectors.index_many(scope, entries, list(placed.values()), digests, SPACE)


def fan(count: int) -> dict[str, Vector]:
    """Vectors between east and north, the first the nearest to the east."""
    angles = np.linspace(0, np.pi / 2, count)
    return {
        key: np.array([np.cos(angle), np.sin(angle), 0, 0], dtype=np.float32)
        for key, angle in zip(numbered("k", count), angles, strict=True)
    }


# The schema


def test_the_schema_is_of_the_kinds_that_are_needed() -> None:
    assert search_schema(Needs(space=SPACE), "english") == {}
    words = search_schema(Needs(keywords=frozenset({Kind.FACT}), space=SPACE), "english")
    assert set(words) == {"memory_search_fact_key", WORD_INDEXES[Kind.FACT]}
    nearness = search_schema(Needs(vectors=frozenset({Kind.ENTITY}), space=SPACE), "english")
    assert set(nearness) == {
        "memory_search_entity_key",
        "memory_search_space",
        VECTOR_INDEXES[Kind.ENTITY],
    }
    assert all(
        re.match(rf"CREATE (\w+ )+{name} IF NOT EXISTS ", statement)
        for name, statement in (words | nearness).items()
    )
    assert "`vector.dimensions`: 4" in nearness[VECTOR_INDEXES[Kind.ENTITY]]


@pytest.mark.parametrize("language", ["", "no name", "x'}} DROP", "ключ", "1st", "english\n"])
def test_a_language_that_is_no_name_is_refused(language: str) -> None:
    with pytest.raises(ConfigurationError, match="listAvailableAnalyzers"):
        search_schema(NEEDS, language)


@pytest.mark.parametrize(
    ("language", "analyzer"),
    [("english", "english"), ("simple", "standard-no-stop-words"), ("german", "german")],
)
async def test_a_language_is_an_analyzer_that_the_server_has(
    store: Neo4jStore, fresh: Neo4jStore, language: str, analyzer: str
) -> None:
    statement = search_schema(NEEDS, language)[WORD_INDEXES[Kind.CHUNK]]
    assert f"'{analyzer}'" in statement
    rows = await engine_of(fresh).rows("CALL db.index.fulltext.listAvailableAnalyzers()", {})
    assert analyzer in {row[0] for row in rows}


async def test_what_was_migrated_is_not_migrated_again(store: Neo4jStore) -> None:
    assert await store.migrate(NEEDS) == []


async def test_indexes_of_another_dimension_or_analyzer_are_outdated(fresh: Neo4jStore) -> None:
    engine, kinds = engine_of(fresh), frozenset({Kind.FACT, Kind.CHUNK})
    assert await outdated(engine, NEEDS, "english") == {}
    longer = Needs(vectors=kinds, keywords=kinds, space=VectorSpace("model", 5))
    assert await outdated(engine, longer, "english") == {
        VECTOR_INDEXES[kind]: f"DROP INDEX {VECTOR_INDEXES[kind]} IF EXISTS" for kind in kinds
    }
    unstemmed = Needs(vectors=kinds, keywords=kinds, space=SPACE)
    assert set(await outdated(engine, unstemmed, "simple")) == {
        WORD_INDEXES[kind] for kind in kinds
    }


# Words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Zoë's naïve café", ["zoe", "s", "naive", "cafe"]),
        ("snake_case a.b-c", ["snake", "case", "a", "b", "c"]),
        ("x\0y\ud800z😀", ["x", "y", "z"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("한국어 검색", ["한국어", "검색"]),
        ("ΟΔΟΣ Straße", ["οδος", "straße"]),
        ("", []),
        ('+-&&||!(){}[]^"~*?:\\/', []),
    ],
    ids=ascii,
)
def test_a_text_is_cut_into_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(text=st.text())
@settings(deadline=None)
def test_a_query_is_quoted_words_and_nothing_else(text: str) -> None:
    query = lucene_query(Scope("t"), [*words_of(text), "end"], SearchFilter(sources=(text,)))
    word = r'"[^"\\\s]+"'
    group = rf"\({word}( OR {word})*\)"
    assert re.fullmatch(rf"\+marks:{group}\^0 \+marks:{group}\^0 \+text:{group}", query)


@modest
@given(text=st.text())
async def test_any_text_may_be_asked(store: Neo4jStore, text: str) -> None:
    assert await find(store, Scope("nobody"), text) == []


@pytest.mark.parametrize("kind", [Kind.CHUNK, Kind.FACT])
async def test_words_that_the_analyzer_drops_find_nothing(
    store: Neo4jStore, asked: Asked, kind: Kind, tenants: Tenants
) -> None:
    """And do not go through everything that the tenant has."""
    scope, (word,) = tenants(), new_words(1)
    every = numbered("k", 400)
    await store.keywords.index_many(scope, [entry(key, f"the {word}", kind) for key in every])
    asked.clear()
    assert await find(store, scope, "the and of", kind=kind) == []
    assert len(how(asked)) == 1
    assert await find(store, scope, f"the {word}", depth=2, kind=kind) == every[:2]


async def test_a_query_without_spaces_may_be_long(store: Neo4jStore, tenants: Tenants) -> None:
    """A character a word, for the analyzer, and each must stand after the other."""
    scope = tenants()
    line = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(50_000))
    await store.keywords.index_many(scope, [entry("a", line)])
    assert await find(store, scope, line) == ["a"]
    assert await find(store, scope, line[100:110]) == ["a"]
    assert await find(store, scope, line[::-1]) == []


async def test_as_many_words_as_are_looked_up_fit_in_a_query(
    store: Neo4jStore, tenants: Tenants
) -> None:
    scope, words = tenants(), new_words(MOST_WORDS + 1)
    await store.keywords.index_many(
        scope, [entry("last", words[-2], source="s"), entry("beyond", words[-1], source="s")]
    )
    sources = tuple(numbered("s", 399))
    where = SearchFilter(sources=(*sources, "s"))
    assert await find(store, scope, " ".join(words), where) == ["last"]


async def test_a_filter_of_any_length_passes_what_it_says(
    store: Neo4jStore, tenants: Tenants
) -> None:
    scope, (word,) = tenants(), new_words(1)
    await store.keywords.index_many(
        scope, [entry("in", word, source="s01999"), entry("out", word, source="t")]
    )
    where = SearchFilter(sources=tuple(numbered("s", 2_000)))
    assert await find(store, scope, word, where) == ["in"]


# How the words' index is asked


async def test_better_texts_of_others_cost_no_second_question(
    store: Neo4jStore, asked: Asked, tenants: Tenants
) -> None:
    ours, theirs, (word,) = tenants(), tenants(), new_words(1)
    better = [entry(key, f"{word} {word}") for key in numbered("k", 3_000)]
    await store.keywords.index_many(theirs, better)
    await store.keywords.index_many(ours, [entry("ours", f"{word} {'filler ' * 50}")])
    asked.clear()
    assert await find(store, ours, word, depth=3) == ["ours"]
    assert how(asked) == [f"words {3 + SPARE}"]


async def test_filters_cost_no_second_question(
    store: Neo4jStore, asked: Asked, tenants: Tenants
) -> None:
    scope, (word,) = tenants(), new_words(1)
    token = value_token("n", 1)
    better = [entry(key, f"{word} {word}", source="s") for key in numbered("k", 1_500)]
    given = {"source": "s", "document_key": "d", "type": "t", "tokens": (token,)}
    await store.keywords.index_many(scope, [*better, entry("in", word, **given)])
    asked.clear()
    for where in (
        SearchFilter(documents=("d", "gap")),
        SearchFilter(entity_types=("t",)),
        SearchFilter(sources=("s",), metadata=(MetadataMatch(tokens=(token,)),)),
    ):
        assert await find(store, scope, word, where, depth=3) == ["in"]
    assert how(asked) == [f"words {3 + SPARE}"] * 3


async def test_marks_that_coincide_hide_nothing_and_show_nothing(
    store: Neo4jStore, monkeypatch: pytest.MonkeyPatch, tenants: Tenants
) -> None:
    monkeypatch.setattr(keywords, "_mark", lambda name, value: "same")
    ours, theirs, (word,) = tenants(), tenants(), new_words(1)
    token = value_token("n", 1)
    better = [entry(key, f"{word} {word}", source="s") for key in numbered("k", 1_500)]
    await store.keywords.index_many(theirs, better)
    await store.keywords.index_many(
        ours, [entry("a", word, source="s"), entry("b", word, source="t", tokens=(token,))]
    )
    assert await find(store, ours, word) == ["a", "b"]
    assert await find(store, ours, word, SearchFilter(sources=("s",))) == ["a"]
    has = MetadataMatch(tokens=(token,))
    assert await find(store, ours, word, SearchFilter(metadata=(has,))) == ["b"]
    lacks = MetadataMatch(tokens=(token,), negated=True)
    assert await find(store, ours, word, SearchFilter(metadata=(lacks,))) == ["a"]


async def test_equal_scores_at_the_edge_are_asked_for_until_they_are_all_there(
    store: Neo4jStore, asked: Asked, tenants: Tenants
) -> None:
    scope, (word,) = tenants(), new_words(1)
    every = numbered("k", 1_500)
    await store.keywords.index_many(scope, [entry(key, word) for key in reversed(every)])
    asked.clear()
    assert await find(store, scope, word, depth=3) == every[:3]
    assert how(asked) == ["words 103", "words 1030", "words"]


async def test_facts_that_no_longer_hold_cost_a_deeper_question(
    store: Neo4jStore, asked: Asked, tenants: Tenants
) -> None:
    scope, (word,) = tenants(), new_words(1)
    gone = [entry(key, f"{word} {word}", Kind.FACT, valid_to=day(-1)) for key in numbered("k", 120)]
    hold = [entry(key, word, Kind.FACT) for key in numbered("z", 4)]
    await store.keywords.index_many(scope, [*gone, *hold])
    asked.clear()
    assert await find(store, scope, word, depth=4, kind=Kind.FACT) == numbered("z", 4)
    assert how(asked) == ["words 104", "words"]


# How the vectors' index is asked


@pytest.mark.usefixtures("many")
async def test_a_plain_question_asks_the_index_once(
    store: Neo4jStore, asked: Asked, tenants: Tenants
) -> None:
    scope, placed = tenants(), fan(500)
    # Far from what other tests place: the index is one for all tenants.
    turned = {key: np.roll(vector, 2) for key, vector in placed.items()}
    await place(store, scope, turned)
    asked.clear()
    hits = await nearest(store, scope, np.roll(EAST, 2))
    assert [hit.key for hit in hits] == numbered("k", 10)
    found = await store.vectors.similar(scope, Kind.CHUNK, list(placed)[:30], NO_FILTER, 10, None)
    assert [hit.key for hit in found[0]] == numbered("k", 11)[1:]
    assert [len(hits) for hits in found] == [10] * 30
    assert how(asked) == ["nearest 110", "nearest 110"]


@pytest.mark.usefixtures("many")
async def test_nearer_vectors_of_others_leave_nothing_out(
    store: Neo4jStore, asked: Asked, tenants: Tenants
) -> None:
    ours, theirs = tenants(), tenants()
    await place(store, theirs, dict.fromkeys(numbered("k", 3_000), EAST))
    await place(store, ours, {"near": EAST, "far": NORTH})
    asked.clear()
    assert await nearest(store, ours) == [Hit("near", 1.0), Hit("far", 0.0)]
    assert how(asked)[-1] == "scan"
    (similar,) = await store.vectors.similar(ours, Kind.CHUNK, ["near"], NO_FILTER, 5, None)
    assert similar == [Hit("far", 0.0)]


@pytest.mark.usefixtures("many")
async def test_equal_vectors_at_the_edge_come_by_key(store: Neo4jStore, tenants: Tenants) -> None:
    scope, every = tenants(), numbered("k", 1_500)
    await place(store, scope, dict.fromkeys(reversed(every), np.roll(EAST, 3)))
    hits = await nearest(store, scope, np.roll(EAST, 3), depth=3)
    assert hits == [Hit(key, 1.0) for key in every[:3]]
    (similar,) = await store.vectors.similar(scope, Kind.CHUNK, ["k00001"], NO_FILTER, 3, 1.0)
    assert [hit.key for hit in similar] == ["k00000", "k00002", "k00003"]


@pytest.mark.usefixtures("many")
async def test_the_index_finds_nearly_all_that_a_scan_finds(
    store: Neo4jStore, tenants: Tenants
) -> None:
    scope, random = tenants(), np.random.default_rng(7)
    rows = random.standard_normal((1_000, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    keys = numbered("k", len(rows))
    await place(store, scope, dict(zip(keys, rows, strict=True)))
    found = 0
    for vector in rows[::50]:
        best = np.argsort(-(rows @ vector), kind="stable")[:10]
        hits = await nearest(store, scope, vector)
        found += len({keys[each] for each in best} & {hit.key for hit in hits})
    assert found >= 190


@pytest.mark.usefixtures("many")
async def test_deeper_than_an_index_goes_everything_is_scanned(
    store: Neo4jStore, asked: Asked, tenants: Tenants
) -> None:
    scope = tenants()
    await place(store, scope, fan(20))
    asked.clear()
    assert len(await nearest(store, scope, depth=DEEPEST)) == 20
    assert how(asked) == ["scan"]


async def test_few_vectors_are_compared_each(
    store: Neo4jStore, asked: Asked, tenants: Tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = tenants()
    await place(store, scope, fan(50))
    monkeypatch.setattr(indexes, "SCANNED_WHOLE", 10**9)
    asked.clear()
    assert [hit.key for hit in await nearest(store, scope)] == numbered("k", 10)
    (similar,) = await store.vectors.similar(scope, Kind.CHUNK, ["k00000"], NO_FILTER, 2, None)
    assert [hit.key for hit in similar] == ["k00001", "k00002"]
    assert how(asked) == ["scan", "scan"]


# Without an index


@pytest.mark.usefixtures("many")
async def test_without_an_index_vectors_are_found_all_the_same(
    fresh: Neo4jStore, asked: Asked, monkeypatch: pytest.MonkeyPatch, tenants: Tenants
) -> None:
    monkeypatch.setitem(VECTOR_INDEXES, Kind.CHUNK, "no_such_index")
    scope, placed = tenants(), fan(50)
    await place(fresh, scope, placed)
    asked.clear()
    hits = await nearest(fresh, scope)
    assert [hit.key for hit in hits] == numbered("k", 10)
    found = await fresh.vectors.similar(
        scope, Kind.CHUNK, ["k00049", "gap", "k00000"], NO_FILTER, 2, None
    )
    assert [[hit.key for hit in hits] for hits in found] == [
        ["k00048", "k00047"],
        [],
        ["k00001", "k00002"],
    ]
    assert how(asked) == ["scan", "scan"]


@pytest.mark.usefixtures("many")
async def test_an_index_that_went_away_is_done_without(
    store: Neo4jStore, asked: Asked, monkeypatch: pytest.MonkeyPatch, tenants: Tenants
) -> None:
    scope = tenants()
    await place(store, scope, fan(50))
    await nearest(store, scope)
    await store.vectors.similar(scope, Kind.CHUNK, ["k00000"], NO_FILTER, 2, None)
    monkeypatch.setitem(VECTOR_INDEXES, Kind.CHUNK, "no_such_index")

    async def as_it_was(self: SearchIndexes, name: str) -> IndexState:
        return IndexState("ONLINE", SPACE.dimension)

    monkeypatch.setattr(SearchIndexes, "state", as_it_was)
    asked.clear()
    hits = await nearest(store, scope)
    assert [hit.key for hit in hits] == numbered("k", 10)
    (similar,) = await store.vectors.similar(scope, Kind.CHUNK, ["k00000"], NO_FILTER, 2, None)
    assert [hit.key for hit in similar] == ["k00001", "k00002"]
    assert how(asked) == ["nearest 110", "scan", "nearest 102", "scan"]


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("state", ["POPULATING", "FAILED"])
async def test_an_index_that_is_not_ready_is_not_asked(
    fresh: Neo4jStore, asked: Asked, monkeypatch: pytest.MonkeyPatch, state: str, tenants: Tenants
) -> None:
    rows = Neo4jEngine.rows

    async def not_ready(self: Neo4jEngine, query: str, parameters: Mapping[str, Any]) -> Any:
        answer = await rows(self, query, parameters)
        return [[name, state, size] for name, _, size in answer] if "SHOW" in query else answer

    monkeypatch.setattr(Neo4jEngine, "rows", not_ready)
    scope, (word,) = tenants(), new_words(1)
    await place(fresh, scope, fan(50), body=word)
    assert [hit.key for hit in await nearest(fresh, scope)] == numbered("k", 10)
    with pytest.raises(StoreRejected, match=f"{WORD_INDEXES[Kind.CHUNK]} is {state}") as refused:
        await find(fresh, scope, word)
    assert refused.value.store == "graph"
    assert how(asked) == ["scan"]


async def test_words_without_an_index_are_refused_with_advice(
    fresh: Neo4jStore, monkeypatch: pytest.MonkeyPatch, tenants: Tenants
) -> None:
    monkeypatch.setitem(WORD_INDEXES, Kind.CHUNK, "no_such_index")
    with pytest.raises(
        StoreRejected, match=r"no_such_index is MISSING; run memory-gateway migrate"
    ):
        await find(fresh, tenants(), "word")


async def test_indexes_are_looked_up_now_and_then(
    fresh: Neo4jStore, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexes, "LOOK_SOON", 10.0)
    there = SearchIndexes(engine_of(fresh))
    for _ in range(3):
        assert await there.state(VECTOR_INDEXES[Kind.CHUNK]) == IndexState("ONLINE", 4)
    assert (await there.state("no_such_index")).state == "MISSING"
    assert len(asked) == 1
    monkeypatch.setattr(indexes, "LOOK_SOON", 0.0)
    await there.state(VECTOR_INDEXES[Kind.CHUNK])
    assert len(asked) == 1
    await there.state("no_such_index")
    assert len(asked) == 2
    there.forget()
    await there.state(VECTOR_INDEXES[Kind.CHUNK])
    assert len(asked) == 3


# What is kept


@pytest.mark.parametrize(
    "numbers", [(0, 0, 0, 0), (np.nan, 0, 0, 1), (np.inf, 0, 0, 0)], ids=["zero", "NaN", "infinite"]
)
async def test_what_has_no_direction_is_not_kept(
    store: Neo4jStore, numbers: Sequence[float], tenants: Tenants
) -> None:
    scope, nowhere = tenants(), np.array(numbers, dtype=np.float32)
    await place(store, scope, {"a": nowhere, "b": EAST})
    keys = ["a", "b"]
    (a, b) = await store.vectors.get_many(scope, Kind.CHUNK, keys)
    assert a is None
    assert b is not None
    assert await store.vectors.digests(scope, Kind.CHUNK, keys) == [None, "digest of b"]
    assert await nearest(store, scope, nowhere) == []
    changed = [entry("b")]
    await store.vectors.index_many(scope, changed, [nowhere], ["another"], SPACE)
    assert await store.vectors.digests(scope, Kind.CHUNK, ["b"]) == [None]


@pytest.mark.parametrize("shape", [(3,), (5,), (1, 4), ()], ids=str)
async def test_a_vector_of_another_shape_than_its_space_is_refused(
    store: Neo4jStore, shape: tuple[int, ...], tenants: Tenants
) -> None:
    scope, odd = tenants(), np.ones(shape, dtype=np.float32)
    with pytest.raises(VectorSpaceMismatch, match=re.escape(str(shape))):
        await place(store, scope, {"a": EAST, "b": odd})
    assert await store.vectors.spaces(scope) == {}
    await place(store, scope, {"a": EAST})
    with pytest.raises(VectorSpaceMismatch, match="4 dimensions"):
        await nearest(store, scope, odd)


async def test_of_two_who_fill_a_kind_at_first_one_is_refused(
    store: Neo4jStore, fresh: Neo4jStore, tenants: Tenants
) -> None:
    scope = tenants()
    others = VectorSpace("another", 4)

    async def fill(one: Neo4jStore, key: str, space: VectorSpace) -> None:
        await one.vectors.index_many(scope, [entry(key)], [EAST], ["digest"], space)

    results = await asyncio.gather(
        fill(store, "a", SPACE), fill(fresh, "b", others), return_exceptions=True
    )
    refused = [isinstance(each, VectorSpaceMismatch) for each in results]
    assert sorted(refused) == [False, True]
    there = SPACE if refused[1] else others
    assert await store.vectors.spaces(scope) == {Kind.CHUNK: there}
    digests = await store.vectors.digests(scope, Kind.CHUNK, ["a", "b"])
    assert [digest is None for digest in digests] == refused


async def test_the_roles_keep_one_entry_and_leave_each_other_what_is_theirs(
    store: Neo4jStore, tenants: Tenants
) -> None:
    scope, (word,) = tenants(), new_words(1)
    await store.keywords.index_many(scope, [entry("a", word, source="old")])
    await place(store, scope, {"a": EAST}, source="new")
    new = SearchFilter(sources=("new",))
    assert [hit.key for hit in await nearest(store, scope, where=new)] == ["a"]
    assert await find(store, scope, word) == ["a"]
    await store.keywords.index_many(scope, [entry("a", word)])
    assert await store.vectors.digests(scope, Kind.CHUNK, ["a"]) == ["digest of a"]
    assert await nearest(store, scope, where=new) == []
    await store.vectors.remove_many(scope, Kind.CHUNK, ["a"])
    assert await find(store, scope, word) == []


# How deep


@pytest.mark.parametrize(
    ("passing", "depth", "questions"),
    [
        (range(10_000), 200, [300]),
        (range(0, 10_000, 2), 200, [300, 800]),
        (range(0, 10_000, 12), 20, [120, 480]),
        (range(0, 10_000, 100), 200, [300]),
        (range(50), 200, [300, 2_400]),
        ((), 200, [300]),
        (range(10_000), 0, [100]),
        (range(10_000), DEEPEST, []),
        (range(0, 10_000, 9), 1_000, [1_100, 10_000]),
    ],
    ids=str,
)
async def test_an_index_is_asked_as_deep_as_what_passed_promises(
    passing: Sequence[int], depth: int, questions: list[int]
) -> None:
    passed, asked = set(passing), list[int]()

    async def ask(limit: int) -> Found:
        asked.append(limit)
        return [(str(each) if each in passed else None, -each) for each in range(limit)]

    hits = await deepened(ask, depth, whole=True)
    assert asked == questions
    wanted = [str(each) for each in sorted(passed)[:depth]]
    assert hits is None or [hit.key for hit in hits] == wanted


@pytest.mark.parametrize(
    ("every", "held", "questions"),
    [(2, None, [300, 800]), (2, 1_000, [300]), (2, 100_000, [300, 800]), (10, 100_000, [300])],
)
async def test_where_a_scan_is_cheaper_the_index_is_not_asked_again(
    every: int, held: int | None, questions: list[int]
) -> None:
    asked = list[int]()

    async def ask(limit: int) -> Found:
        asked.append(limit)
        return [(None if each % every else str(each), -each) for each in range(limit)]

    hits = await deepened(ask, 200, whole=False, held=held)
    assert asked == questions
    assert (hits is None) is (len(questions) == 1)


async def test_the_server_knows_how_many_entries_there_are(
    fresh: Neo4jStore, asked: Asked, tenants: Tenants
) -> None:
    label, there = LABELS[Kind.EPISODE], SearchIndexes(engine_of(fresh))
    before = await there.held(label)
    await fresh.keywords.index_many(tenants(), [entry("a", kind=Kind.EPISODE)])
    assert await there.held(label) == before
    assert len(asked) == 1
    assert await SearchIndexes(engine_of(fresh)).held(label) > before


@pytest.mark.parametrize("whole", [True, False])
async def test_an_index_that_gives_less_than_asked_has_given_all_or_may_be_broken(
    whole: bool,
) -> None:
    async def ask(limit: int) -> Found:
        return [("b", 1.0), (None, 1.0), ("a", 1.0)]

    hits = await deepened(ask, 5, whole=whole)
    assert hits == ([Hit("a", 1.0), Hit("b", 1.0)] if whole else None)
