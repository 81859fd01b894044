"""The contract of `Vectors`: the nearest by cosine, filter and moment inside, one space a kind."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.errors import VectorSpaceMismatch
from backends.records import (
    Hit,
    Kind,
    Moment,
    Scope,
    SearchEntry,
    SearchFilter,
    VectorSpace,
)
from backends.roles import Keywords, Store, Vector, Vectors
from tests.contract.samples import (
    EVER,
    LATEST,
    MICROSECOND,
    STRANGE,
    day,
    modest,
    new_scope,
    numbered,
    shuffled,
)
from tests.contract.test_keywords import FILTERS, IS_1, NO_FILTER, dated, filtered, kinds

SPACE = VectorSpace("model", 4)
DEEP = 200
CLOSE = 1e-5
"""What float32 may be off by."""


def unit(*numbers: float) -> Vector:
    """A vector of length 1."""
    vector = np.array(numbers, dtype=np.float64)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


EAST, NORTH = unit(1, 0, 0, 0), unit(0, 1, 0, 0)
WEST, NORTHEAST = unit(-1, 0, 0, 0), unit(3, 4, 0, 0)
COMPASS = {"east": EAST, "north": NORTH, "west": WEST, "northeast": NORTHEAST}
"""From the east: 1, 0, −1 and 0.6."""


def entry(key: str, kind: Kind = Kind.CHUNK, **given: Any) -> SearchEntry:
    return SearchEntry(kind=kind, key=key, body=key, **given)


async def indexed(
    vectors: Vectors,
    placed: dict[str, Vector],
    kind: Kind = Kind.CHUNK,
    scope: Scope | None = None,
) -> Scope:
    """A tenant with these vectors, written in no order."""
    scope = scope or new_scope()
    keys = shuffled(list(placed))
    await index(vectors, scope, [entry(key, kind) for key in keys], [placed[key] for key in keys])
    return scope


async def index(
    vectors: Vectors,
    scope: Scope,
    entries: Sequence[SearchEntry],
    given: Sequence[Vector | None],
    digests: Sequence[str] | None = None,
) -> None:
    chosen = digests or [f"digest of {each.key}" for each in entries]
    await vectors.index_many(scope, entries, given, chosen, SPACE)


async def found(
    vectors: Vectors,
    scope: Scope,
    vector: Vector = EAST,
    kind: Kind = Kind.CHUNK,
    where: SearchFilter = NO_FILTER,
    at: Moment = EVER,
    depth: int = DEEP,
) -> list[str]:
    """The keys of the nearest, nearest first; their scores must say the same."""
    hits = await vectors.search(scope, kind, vector, SPACE, where, at, depth)
    check_order(hits)
    return [hit.key for hit in hits]


def check_order(hits: Sequence[Hit]) -> None:
    assert list(hits) == sorted(hits, key=lambda hit: (-hit.score, hit.key))
    assert len({hit.key for hit in hits}) == len(hits)
    assert all(-1 <= hit.score <= 1 for hit in hits)


def scores(hits: Sequence[Hit]) -> dict[str, float]:
    return {hit.key: pytest.approx(hit.score, abs=CLOSE) for hit in hits}


@kinds
async def test_the_nearest_come_first_with_their_cosine(vectors: Vectors, kind: Kind) -> None:
    scope = await indexed(vectors, COMPASS, kind)
    hits = await vectors.search(scope, kind, EAST, SPACE, NO_FILTER, EVER, DEEP)
    assert [hit.key for hit in hits] == ["east", "northeast", "north", "west"]
    assert scores(hits) == {"east": 1, "northeast": 0.6, "north": 0, "west": -1}


async def test_equal_scores_go_by_key(vectors: Vectors) -> None:
    scope = await indexed(vectors, dict.fromkeys(STRANGE, NORTHEAST))
    assert await found(vectors, scope) == sorted(STRANGE)
    assert await found(vectors, scope, depth=3) == sorted(STRANGE)[:3]
    (similar,) = await vectors.similar(scope, Kind.CHUNK, ["plain"], NO_FILTER, 3, None)
    assert [hit.key for hit in similar] == [key for key in sorted(STRANGE) if key != "plain"][:3]


async def test_cosine_does_not_depend_on_length(vectors: Vectors) -> None:
    long = {key: vector * np.float32(3) for key, vector in COMPASS.items()}
    scope = await indexed(vectors, long)
    query = EAST * np.float32(0.25)
    hits = await vectors.search(scope, Kind.CHUNK, query, SPACE, NO_FILTER, EVER, DEEP)
    assert scores(hits) == {"east": 1, "northeast": 0.6, "north": 0, "west": -1}
    (similar,) = await vectors.similar(scope, Kind.CHUNK, ["east"], NO_FILTER, 9, None)
    assert scores(similar) == {"northeast": 0.6, "north": 0, "west": -1}


numbers = st.integers(-3, 3)
points = st.tuples(numbers, numbers, numbers, numbers).filter(any)


@modest
@given(placed=st.lists(points, min_size=1, max_size=12), query=points, depth=st.integers(0, 13))
async def test_any_vectors_are_ranked_as_the_reference_ranks_them(
    vectors: Vectors, placed: list[tuple[int, ...]], query: tuple[int, ...], depth: int
) -> None:
    """As far as float32 tells them apart."""
    every = {f"k{number}": unit(*point) for number, point in enumerate(placed)}
    scope = await indexed(vectors, every)
    target = unit(*query)
    cosines = {key: float(np.dot(vector.astype(float), target)) for key, vector in every.items()}
    hits = await vectors.search(scope, Kind.CHUNK, target, SPACE, NO_FILTER, EVER, depth)
    check_order(hits)
    best = sorted(cosines.values(), reverse=True)[:depth]
    assert [hit.score for hit in hits] == pytest.approx(best, abs=CLOSE)
    assert {hit.key: hit.score for hit in hits} == {
        hit.key: pytest.approx(cosines[hit.key], abs=CLOSE) for hit in hits
    }


async def test_depth_limits_the_hits(vectors: Vectors) -> None:
    scope = await indexed(vectors, COMPASS)
    every = ["east", "northeast", "north", "west"]
    for depth in (0, 1, 3, 4, 5):
        assert await found(vectors, scope, depth=depth) == every[:depth]


@pytest.mark.parametrize("name", FILTERS)
@kinds
async def test_filters_pass_what_they_say(vectors: Vectors, kind: Kind, name: str) -> None:
    where, wanted = FILTERS[name]
    scope, entries = new_scope(), filtered("text", kind)
    await index(vectors, scope, entries, [EAST for _ in entries])
    assert await found(vectors, scope, kind=kind, where=where) == list(wanted)
    (similar,) = await vectors.similar(scope, kind, ["e"], where, 9, None)
    assert [hit.key for hit in similar] == [key for key in wanted if key != "e"]


async def test_filters_are_applied_before_the_depth(vectors: Vectors, scope: Scope) -> None:
    near = [entry(key, source="out") for key in numbered("k", 300)]
    far = entry("in", source="in")
    await index(vectors, scope, [*near, far], [*(EAST for _ in near), WEST])
    where = SearchFilter(sources=("in",))
    assert await found(vectors, scope, where=where, depth=3) == ["in"]
    (similar,) = await vectors.similar(scope, Kind.CHUNK, ["k00000"], where, 3, None)
    assert [hit.key for hit in similar] == ["in"]


@pytest.mark.parametrize(
    ("at", "hidden"),
    [
        (Moment(day(1) - MICROSECOND, day(3)), {"begins"}),
        (Moment(day(1), day(3)), set()),
        (Moment(day(1), day(3) - MICROSECOND), {"recorded"}),
        (Moment(day(2), day(4) - MICROSECOND), {"ends"}),
        (Moment(day(2) - MICROSECOND, day(4)), {"withdrawn"}),
        (Moment(day(2), day(4)), {"ends", "unheard end", "withdrawn"}),
    ],
)
async def test_facts_are_found_while_they_hold(
    vectors: Vectors, scope: Scope, at: Moment, hidden: set[str]
) -> None:
    entries = dated("text", Kind.FACT)
    await index(vectors, scope, entries, [EAST for _ in entries])
    hits = await found(vectors, scope, kind=Kind.FACT, at=at)
    assert set(hits) == {each.key for each in entries} - hidden


async def test_the_moment_is_applied_before_the_depth(vectors: Vectors, scope: Scope) -> None:
    gone = [entry(key, Kind.FACT, valid_to=day(1)) for key in numbered("k", 300)]
    still = entry("still", Kind.FACT)
    await index(vectors, scope, [*gone, still], [*(EAST for _ in gone), WEST])
    at = Moment(day(1), day(1))
    assert await found(vectors, scope, kind=Kind.FACT, at=at, depth=3) == ["still"]


async def test_episodes_are_found_once_recorded(vectors: Vectors, scope: Scope) -> None:
    entries = [entry("a", Kind.EPISODE), entry("b", Kind.EPISODE, recorded_at=day(1))]
    await index(vectors, scope, entries, [EAST, EAST])
    for known_at, wanted in ((day(1) - MICROSECOND, ["a"]), (day(1), ["a", "b"])):
        at = Moment(valid_at=LATEST, known_at=known_at)
        assert await found(vectors, scope, kind=Kind.EPISODE, at=at) == wanted


@pytest.mark.parametrize("kind", [Kind.CHUNK, Kind.DOCUMENT, Kind.ENTITY])
async def test_what_is_not_versioned_is_found_at_every_moment(vectors: Vectors, kind: Kind) -> None:
    scope = new_scope()
    await index(vectors, scope, [entry("a", kind, created_at=day(5))], [EAST])
    assert await found(vectors, scope, kind=kind, at=Moment(day(0), day(0))) == ["a"]


# Similar


async def test_similar_is_never_the_item_itself(vectors: Vectors) -> None:
    scope = await indexed(vectors, COMPASS | {"twin": EAST})
    asked = ["east", "gap", "west", "twin", "east"]
    east, gap, west, twin, again = await vectors.similar(
        scope, Kind.CHUNK, asked, NO_FILTER, 2, None
    )
    assert [hit.key for hit in east] == ["twin", "northeast"]
    assert [hit.key for hit in twin] == ["east", "northeast"]
    assert [hit.key for hit in west] == ["north", "northeast"]
    assert (gap, again) == ([], east)
    for hits in (east, west, twin):
        check_order(hits)


async def test_similar_gives_no_more_than_asked(vectors: Vectors) -> None:
    scope = await indexed(vectors, COMPASS)
    for first in range(6):
        (hits,) = await vectors.similar(scope, Kind.CHUNK, ["east"], NO_FILTER, first, None)
        assert [hit.key for hit in hits] == ["northeast", "north", "west"][:first]
    assert await vectors.similar(scope, Kind.CHUNK, [], NO_FILTER, 5, None) == []


@pytest.mark.parametrize(
    ("least", "wanted"),
    [
        (1.0, ["twin"]),
        (0.6, ["twin", "northeast"]),
        (0.61, ["twin"]),
        (0.0, ["twin", "northeast", "north"]),
        (0.01, ["twin", "northeast"]),
        (-1.0, ["twin", "northeast", "north", "west"]),
        (-0.99, ["twin", "northeast", "north"]),
    ],
)
async def test_the_least_score_is_inclusive(
    vectors: Vectors, least: float, wanted: list[str]
) -> None:
    scope = await indexed(vectors, COMPASS | {"twin": EAST})
    (hits,) = await vectors.similar(scope, Kind.CHUNK, ["east"], NO_FILTER, 9, least)
    assert [hit.key for hit in hits] == wanted


async def test_similar_to_the_only_item_is_nothing(vectors: Vectors, scope: Scope) -> None:
    asked = ["only", "gap"]
    assert await vectors.similar(scope, Kind.CHUNK, asked, NO_FILTER, 5, None) == [[], []]
    await indexed(vectors, {"only": EAST}, scope=scope)
    assert await vectors.similar(scope, Kind.CHUNK, asked, NO_FILTER, 5, None) == [[], []]
    assert await vectors.similar(scope, Kind.FACT, asked, NO_FILTER, 5, None) == [[], []]


async def test_an_item_without_a_vector_is_like_nothing(vectors: Vectors, scope: Scope) -> None:
    entries = [entry("blank"), entry("east"), entry("north")]
    await index(vectors, scope, entries, [None, EAST, NORTH])
    blank, east = await vectors.similar(scope, Kind.CHUNK, ["blank", "east"], NO_FILTER, 5, None)
    assert blank == []
    assert [hit.key for hit in east] == ["north"]
    assert await found(vectors, scope) == ["east", "north"]


async def test_the_item_itself_need_not_pass_the_filter(vectors: Vectors, scope: Scope) -> None:
    entries = [entry("out", source="out"), entry("in", source="in")]
    await index(vectors, scope, entries, [EAST, NORTH])
    where = SearchFilter(sources=("in",))
    (hits,) = await vectors.similar(scope, Kind.CHUNK, ["out"], where, 5, None)
    assert [hit.key for hit in hits] == ["in"]


# By key


async def test_vectors_and_digests_come_in_the_order_of_the_keys(
    vectors: Vectors, scope: Scope
) -> None:
    entries = [entry(key) for key in COMPASS]
    await index(vectors, scope, [*entries, entry("blank")], [*COMPASS.values(), None])
    asked = ["west", "gap", "east", "blank", "west"]
    embeddings = await vectors.get_many(scope, Kind.CHUNK, asked)
    wanted = [COMPASS.get(key) for key in asked]
    assert [each is None for each in embeddings] == [each is None for each in wanted]
    for each, vector in zip(embeddings, wanted, strict=True):
        if each is not None and vector is not None:
            assert (each.dtype, each.shape) == (np.float32, (4,))
            np.testing.assert_allclose(each, vector, atol=CLOSE)
    assert await vectors.digests(scope, Kind.CHUNK, asked) == [
        f"digest of {key}" if key in COMPASS else None for key in asked
    ]
    assert await vectors.get_many(scope, Kind.CHUNK, []) == []
    assert await vectors.digests(scope, Kind.CHUNK, []) == []
    assert await vectors.digests(scope, Kind.FACT, ["west"]) == [None]


async def test_any_key_has_its_vector(vectors: Vectors, scope: Scope) -> None:
    placed = {key: unit(1, number, 0, 0) for number, key in enumerate(STRANGE)}
    await indexed(vectors, placed, scope=scope)
    for key, each in zip(STRANGE, await vectors.get_many(scope, Kind.CHUNK, STRANGE), strict=True):
        assert each is not None
        np.testing.assert_allclose(each, placed[key], atol=CLOSE)
    for key, hits in zip(
        STRANGE,
        await vectors.similar(scope, Kind.CHUNK, STRANGE, NO_FILTER, DEEP, None),
        strict=True,
    ):
        assert {hit.key for hit in hits} == {*STRANGE} - {key}


async def test_ten_thousand_keys_are_one_call(vectors: Vectors, scope: Scope) -> None:
    every = numbered("k", 10_000)
    random = np.random.default_rng(0)  # far apart: an index of near vectors is slow to fill
    placed = {key: unit(*random.normal(size=4)) for key in every}
    await indexed(vectors, placed, scope=scope)
    asked = [*shuffled(every), "gap"]
    digests = await vectors.digests(scope, Kind.CHUNK, asked)
    assert digests == [*(f"digest of {key}" for key in asked[:-1]), None]
    embeddings = await vectors.get_many(scope, Kind.CHUNK, asked)
    assert [each is not None for each in embeddings] == [True] * 10_000 + [False]
    assert len(await found(vectors, scope, depth=10_001)) == 10_000
    await vectors.remove_many(scope, Kind.CHUNK, every[1:])
    assert await found(vectors, scope) == every[:1]


# Indexing


@kinds
async def test_an_entry_indexed_again_is_replaced(vectors: Vectors, kind: Kind) -> None:
    scope = await indexed(vectors, COMPASS, kind)
    assert await found(vectors, scope, kind=kind, depth=1) == ["east"]
    changed = entry("east", kind, source="s", tokens=IS_1.tokens)
    await index(vectors, scope, [changed], [NORTH], ["another"])
    assert await found(vectors, scope, kind=kind) == ["northeast", "east", "north", "west"]
    where = SearchFilter(sources=("s",), metadata=(IS_1,))
    assert await found(vectors, scope, kind=kind, where=where) == ["east"]
    assert await vectors.digests(scope, kind, ["east"]) == ["another"]


async def test_no_vector_keeps_the_one_there_if_its_text_is_the_same(
    vectors: Vectors, scope: Scope
) -> None:
    await index(vectors, scope, [entry("a"), entry("b")], [EAST, EAST], ["same", "old"])
    changed = [entry("a", source="s"), entry("b", source="s"), entry("c", source="s")]
    await index(vectors, scope, changed, [None, None, None], ["same", "new", "newer"])
    assert await vectors.digests(scope, Kind.CHUNK, ["a", "b", "c"]) == ["same", None, None]
    assert await found(vectors, scope) == ["a"]
    assert await found(vectors, scope, where=SearchFilter(sources=("s",))) == ["a"]
    (_, b, c) = await vectors.get_many(scope, Kind.CHUNK, ["a", "b", "c"])
    assert (b, c) == (None, None)


async def test_the_last_of_a_key_wins(vectors: Vectors, scope: Scope) -> None:
    twice = [entry("a", source="first"), entry("a", source="second")]
    await index(vectors, scope, twice, [WEST, EAST], ["first", "second"])
    assert await vectors.digests(scope, Kind.CHUNK, ["a"]) == ["second"]
    hits = await vectors.search(scope, Kind.CHUNK, EAST, SPACE, NO_FILTER, EVER, 9)
    assert scores(hits) == {"a": 1}
    assert await found(vectors, scope, where=SearchFilter(sources=("first",))) == []


@kinds
async def test_an_entry_taken_out_is_found_no_more(vectors: Vectors, kind: Kind) -> None:
    other = Kind.FACT if kind is Kind.CHUNK else Kind.CHUNK
    scope = await indexed(vectors, COMPASS, kind)
    await indexed(vectors, COMPASS, other, scope)
    assert len(await found(vectors, scope, kind=kind)) == 4
    await vectors.remove_many(scope, kind, ["east", "gap", "north", "east"])
    assert await found(vectors, scope, kind=kind) == ["northeast", "west"]
    assert await vectors.digests(scope, kind, ["east", "west"]) == [None, "digest of west"]
    assert await vectors.similar(scope, kind, ["east"], NO_FILTER, 5, None) == [[]]
    (similar,) = await vectors.similar(scope, kind, ["west"], NO_FILTER, 5, None)
    assert [hit.key for hit in similar] == ["northeast"]
    assert len(await found(vectors, scope, kind=other)) == 4
    await vectors.remove_many(scope, kind, [])
    await indexed(vectors, {"east": EAST}, kind, scope)
    assert await found(vectors, scope, kind=kind) == ["east", "northeast", "west"]


async def test_one_call_may_index_several_kinds(vectors: Vectors, scope: Scope) -> None:
    entries = [entry("a", kind) for kind in Kind]
    await index(vectors, scope, entries, [EAST for _ in entries])
    for kind in Kind:
        assert await found(vectors, scope, kind=kind) == ["a"]
    assert await vectors.spaces(scope) == dict.fromkeys(Kind, SPACE)


@pytest.mark.usefixtures("atomic")
async def test_what_a_rolled_back_batch_indexed_is_found_no_more(
    store: Store, vectors: Vectors
) -> None:
    """Not even by what a search within the batch remembered."""
    scope = await indexed(vectors, {"before": EAST})

    async def index_and_fail() -> None:
        async with store.batch():
            await indexed(vectors, {"undone": EAST}, scope=scope)
            assert await found(vectors, scope) == ["before", "undone"]
            raise LookupError

    with pytest.raises(LookupError):
        await index_and_fail()
    await indexed(vectors, {"after": EAST}, scope=scope)
    assert await found(vectors, scope) == ["after", "before"]


async def test_an_entry_taken_out_of_the_words_is_here_whole_or_not_at_all(
    vectors: Vectors, keywords: Keywords
) -> None:
    """One store may keep one entry for both search roles; its answers must agree."""
    scope = await indexed(vectors, COMPASS)
    assert len(await found(vectors, scope)) == 4
    await keywords.remove_many(scope, Kind.CHUNK, ["east", "north"])
    digests = await vectors.digests(scope, Kind.CHUNK, list(COMPASS))
    there = [key for key, digest in zip(COMPASS, digests, strict=True) if digest is not None]
    assert sorted(await found(vectors, scope)) == sorted(there)


# Spaces


@pytest.mark.parametrize("other", [VectorSpace("another", 4), VectorSpace("model", 3)], ids=str)
async def test_a_space_that_does_not_fit_is_refused(
    store: Store, vectors: Vectors, other: VectorSpace
) -> None:
    scope = await indexed(vectors, COMPASS)
    vector = np.ones(other.dimension, dtype=np.float32)
    with pytest.raises(VectorSpaceMismatch) as refused:
        await vectors.search(scope, Kind.CHUNK, vector, other, NO_FILTER, EVER, 5)
    assert refused.value.store == store.name
    with pytest.raises(VectorSpaceMismatch, match="model"):
        await vectors.index_many(scope, [entry("new")], [vector], ["digest"], other)
    assert await vectors.digests(scope, Kind.CHUNK, ["new"]) == [None]
    assert len(await found(vectors, scope)) == 4
    assert await vectors.spaces(scope) == {Kind.CHUNK: SPACE}


async def test_each_kind_and_tenant_has_a_space_of_its_own(vectors: Vectors, scope: Scope) -> None:
    assert await vectors.spaces(scope) == {}
    await indexed(vectors, COMPASS, scope=scope)
    other = VectorSpace("another", SPACE.dimension)
    await vectors.index_many(scope, [entry("f", Kind.FACT)], [EAST], ["digest"], other)
    assert await vectors.spaces(scope) == {Kind.CHUNK: SPACE, Kind.FACT: other}
    hits = await vectors.search(scope, Kind.FACT, EAST, other, NO_FILTER, EVER, 5)
    assert scores(hits) == {"f": 1}
    theirs = new_scope()
    await vectors.index_many(theirs, [entry("c")], [EAST], ["digest"], other)
    assert await vectors.spaces(theirs) == {Kind.CHUNK: other}


async def test_another_dimension_is_kept_apart_or_refused_whole(
    vectors: Vectors, scope: Scope
) -> None:
    """A store whose collections have one dimension may refuse: then nothing of it is there."""
    other = VectorSpace("another", 2)
    two = np.array([1, 0], dtype=np.float32)
    try:
        await vectors.index_many(scope, [entry("f", Kind.FACT)], [two], ["digest"], other)
    except VectorSpaceMismatch:
        assert await vectors.spaces(scope) == {}
        assert await vectors.get_many(scope, Kind.FACT, ["f"]) == [None]
        return
    assert await vectors.spaces(scope) == {Kind.FACT: other}
    hits = await vectors.search(scope, Kind.FACT, two, other, NO_FILTER, EVER, 5)
    assert scores(hits) == {"f": 1}


@pytest.mark.parametrize("bad", [[float("nan")] * 4, [0.0] * 4, [float("inf"), 0, 0, 0]])
async def test_a_vector_without_direction_takes_the_old_one_away(
    vectors: Vectors, scope: Scope, bad: list[float]
) -> None:
    await indexed(vectors, {"it": EAST}, scope=scope)
    made = np.array(bad, dtype=np.float32)
    await vectors.index_many(scope, [entry("it")], [made], ["another text"], SPACE)
    assert await vectors.get_many(scope, Kind.CHUNK, ["it"]) == [None]
    assert await vectors.digests(scope, Kind.CHUNK, ["it"]) == [None]
    assert await found(vectors, scope) == []


async def test_a_kind_that_holds_nothing_finds_nothing(vectors: Vectors, scope: Scope) -> None:
    assert await found(vectors, scope) == []
    assert await vectors.get_many(scope, Kind.CHUNK, ["a"]) == [None]
    await vectors.remove_many(scope, Kind.CHUNK, ["a"])


async def test_nothing_of_another_tenant_is_seen(vectors: Vectors) -> None:
    ours, theirs = await indexed(vectors, COMPASS), await indexed(vectors, {"theirs": EAST})
    assert await found(vectors, theirs) == ["theirs"]
    assert len(await found(vectors, ours)) == 4
    assert await vectors.get_many(theirs, Kind.CHUNK, ["east"]) == [None]
    assert await vectors.digests(theirs, Kind.CHUNK, ["east"]) == [None]
    assert await vectors.similar(theirs, Kind.CHUNK, ["east", "theirs"], NO_FILTER, 5, None) == [
        [],
        [],
    ]
    await vectors.remove_many(theirs, Kind.CHUNK, list(COMPASS))
    assert len(await found(vectors, ours)) == 4
