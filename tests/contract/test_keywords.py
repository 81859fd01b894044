"""The contract of `Keywords`: plain words, stemmed; filter and moment inside; the best first.

Words to be found are made up for each test (`new_words`): an engine may rank by how rare a word is among
the texts of all tenants.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from backends.metadata import presence_token, value_token
from backends.records import (
    Hit,
    Kind,
    MetadataMatch,
    Moment,
    Scope,
    SearchEntry,
    SearchFilter,
    TimeRange,
)
from backends.roles import Keywords
from tests.contract.samples import (
    EVER,
    LATEST,
    MICROSECOND,
    STRANGE,
    day,
    new_scope,
    new_words,
    numbered,
    shuffled,
)

NO_FILTER = SearchFilter()
DEEP = 200
kinds = pytest.mark.parametrize("kind", Kind)


def entry(key: str, body: str, kind: Kind = Kind.CHUNK, **given: Any) -> SearchEntry:
    return SearchEntry(kind=kind, key=key, body=body, **given)


async def indexed(keywords: Keywords, entries: Sequence[SearchEntry]) -> Scope:
    """A tenant with these entries."""
    scope = new_scope()
    await keywords.index_many(scope, entries)
    return scope


async def found(
    keywords: Keywords,
    scope: Scope,
    query: str,
    kind: Kind = Kind.CHUNK,
    where: SearchFilter = NO_FILTER,
    at: Moment = EVER,
) -> list[str]:
    """The keys of the hits, best first; their scores must say the same."""
    hits = await keywords.search(scope, kind, query, where, at, DEEP)
    assert hits == sorted(hits, key=lambda hit: (-hit.score, hit.key))
    assert len({hit.key for hit in hits}) == len(hits)
    return [hit.key for hit in hits]


@kinds
async def test_a_kind_is_searched_by_itself(keywords: Keywords, kind: Kind) -> None:
    (word,) = new_words(1)
    scope = await indexed(keywords, [entry(f"the {each.value}", word, each) for each in Kind])
    assert await found(keywords, scope, word, kind) == [f"the {kind.value}"]


@kinds
async def test_title_and_body_are_both_searched(keywords: Keywords, kind: Kind) -> None:
    title, body = new_words(2)
    scope = await indexed(keywords, [entry("a", body, kind, title=title)])
    assert await found(keywords, scope, title, kind) == ["a"]
    assert await found(keywords, scope, body, kind) == ["a"]


async def test_any_word_may_match_and_more_words_score_higher(keywords: Keywords) -> None:
    one, two, three = new_words(3)
    scope = await indexed(
        keywords,
        [
            entry("a", f"{one} filler filler"),
            entry("b", f"{one} {two} filler"),
            entry("c", f"{one} {two} {three}"),
            entry("d", "filler filler filler"),
        ],
    )
    assert await found(keywords, scope, f"{three} {one} {two} unheardof") == ["c", "b", "a"]


async def test_rarer_words_score_higher(keywords: Keywords) -> None:
    common, rare = new_words(2)
    others = [entry(key, f"{common} filler") for key in numbered("k", 20)]
    scope = await indexed(keywords, [*others, entry("rare", f"{rare} filler")])
    best, *rest = await found(keywords, scope, f"{common} {rare}")
    assert best == "rare"
    assert rest == numbered("k", 20)


async def test_equal_scores_go_by_key(keywords: Keywords) -> None:
    (word,) = new_words(1)
    scope = await indexed(keywords, [entry(key, word) for key in shuffled(STRANGE)])
    assert await found(keywords, scope, word) == sorted(STRANGE)
    hits = await keywords.search(scope, Kind.CHUNK, word, NO_FILTER, EVER, 5)
    assert [hit.key for hit in hits] == sorted(STRANGE)[:5]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("running", "run"),
        ("run", "running"),
        ("The governors governed", "governing"),
        ("proposals", "Proposal"),
        ("GENERATORS", "generator"),
        ("café", "cafe"),
        ("resume", "résumé"),
        ("re\u0301sume\u0301", "résumé"),
        ("résumé", "re\u0301sume\u0301"),
        ("Zo\u00eb's", "zoe"),
        ("naïve", "NAI\u0308VE"),
        ("e\u0323\u0300ko\u0323\u0301", "\u1eb9\u0300k\u1ecd\u0301"),
        ("\u1eb9\u0300k\u1ecd\u0301", "eko"),
        ("snake_case_name", "case"),
        ("pep-0008", "0008"),
        ("a.b.c(d)", "d"),
        ("ключ", "КЛЮЧ"),
        ("I said: yes!", "yes?"),
    ],
    ids=ascii,
)
async def test_words_are_stemmed_and_folded(keywords: Keywords, text: str, query: str) -> None:
    scope = await indexed(keywords, [entry("a", text), entry("b", "nothing of the kind")])
    assert await found(keywords, scope, query) == ["a"]


@pytest.mark.parametrize(
    "operators",
    [
        '"{0} {1}"',
        '"{0} {1}',
        "{0} AND {1}",
        "{0} NOT {1}",
        "{0} - {1}",
        "-{0} {1}",
        "+{0} {1}",
        "NEAR({0} {1}, 1)",
        "title : {0} {1}",
        "title:{0} body:{1}",
        "{{title body}} : {0} {1}",
        "^{0} {1}",
        "({0}) | !({1})",
        "{0}* & {1}",
        "{0} <-> {1}",
        "{0} <2> {1}:*",
        "{0}~2 {1}^3",
        "/{0}/ {1}",
        "[{0} TO {1}]",
        "{0} && !{1} || \\",
        "{0}'; DROP TABLE document; -- {1}",
        "%{0}% _{1}_",
        "{0}\0{1}",
        "{0}\n{1}\t",
        "{0}\u202e{1}😀",
    ],
)
async def test_operators_in_a_query_are_plain(keywords: Keywords, operators: str) -> None:
    one, two = new_words(2)
    scope = await indexed(keywords, [entry("a", one), entry("b", two), entry("c", "filler")])
    assert sorted(await found(keywords, scope, operators.format(one, two))) == ["a", "b"]


@pytest.mark.parametrize(
    "query", ["", " ", "\t\n", "?!", '"', "*", "()", "😀", "---", "\0", "''", "_"]
)
async def test_a_query_without_words_finds_nothing(keywords: Keywords, query: str) -> None:
    scope = await indexed(keywords, [entry("a", "some * text ? 😀 _")])
    assert await found(keywords, scope, query) == []


@pytest.mark.parametrize("word", ["AND", "or", "NOT", "NEAR", "null"])
async def test_words_that_are_operators_elsewhere_are_words_here(
    keywords: Keywords, word: str
) -> None:
    (other,) = new_words(1)
    scope = await indexed(keywords, [entry("a", other), entry("b", "filler")])
    assert await found(keywords, scope, f"{word} {other}") == ["a"]
    assert await found(keywords, scope, f"{other} {word}") == ["a"]


async def test_a_query_may_be_long(keywords: Keywords) -> None:
    words = new_words(400)
    scope = await indexed(keywords, [entry("a", words[0]), entry("b", words[399])])
    assert sorted(await found(keywords, scope, " ".join(words * 3))) == ["a", "b"]
    assert await found(keywords, scope, "x" * 100_000) == []


async def test_words_that_match_nothing_give_nothing(keywords: Keywords, scope: Scope) -> None:
    assert await found(keywords, scope, "anything") == []
    await keywords.index_many(scope, [entry("a", "some text"), entry("blank", "")])
    assert await found(keywords, scope, *new_words(1)) == []


async def test_depth_limits_the_hits(keywords: Keywords) -> None:
    (word,) = new_words(1)
    scope = await indexed(keywords, [entry(key, word) for key in numbered("k", 30)])
    for depth in (0, 1, 29, 30, 31):
        hits = await keywords.search(scope, Kind.CHUNK, word, NO_FILTER, EVER, depth)
        assert [hit.key for hit in hits] == numbered("k", 30)[:depth]
        assert all(isinstance(hit, Hit) for hit in hits)


IS_1 = MetadataMatch(tokens=(value_token("n", 1),))
HAS_N = MetadataMatch(tokens=(presence_token("n"),))


def filtered(word: str, kind: Kind = Kind.CHUNK) -> list[SearchEntry]:
    """Entries that differ in what filters look at."""
    tokens = (presence_token("n"), value_token("n", 1))
    return [
        entry("a", word, kind, source="s", document_key="d", type="Person", created_at=day(1)),
        entry("b", word, kind, source="S", document_key="D", type="person", created_at=day(2)),
        entry("c", word, kind, source="s", document_key="D", tokens=tokens),
        entry("d", word, kind, source="", type="", created_at=day(2) - MICROSECOND),
        entry("e", word, kind),
    ]


FILTERS: dict[str, tuple[SearchFilter, str]] = {
    "none": (NO_FILTER, "abcde"),
    "sources": (SearchFilter(sources=("s", "", "gap")), "acd"),
    "no sources": (SearchFilter(sources=()), ""),
    "a source that begins another": (SearchFilter(sources=("s\0",)), ""),
    "documents": (SearchFilter(documents=("D", "gap")), "bc"),
    "no documents": (SearchFilter(documents=()), ""),
    "types": (SearchFilter(entity_types=("Person", "")), "ad"),
    "no types": (SearchFilter(entity_types=()), ""),
    "from": (SearchFilter(created_at=TimeRange(start=day(2))), "b"),
    "to": (SearchFilter(created_at=TimeRange(end=day(2))), "ad"),
    "an instant": (
        SearchFilter(created_at=TimeRange(start=day(1), end=day(1) + MICROSECOND)),
        "a",
    ),
    "metadata": (SearchFilter(metadata=(IS_1, HAS_N)), "c"),
    "not": (SearchFilter(metadata=(MetadataMatch(tokens=HAS_N.tokens, negated=True),)), "abde"),
    "together": (SearchFilter(sources=("s",), documents=("D",), metadata=(IS_1,)), "c"),
}
"""Filters, and which of the entries of `filtered` pass."""


@pytest.mark.parametrize("name", FILTERS)
@kinds
async def test_filters_pass_what_they_say(keywords: Keywords, kind: Kind, name: str) -> None:
    where, wanted = FILTERS[name]
    (word,) = new_words(1)
    scope = await indexed(keywords, filtered(word, kind))
    assert await found(keywords, scope, word, kind, where) == list(wanted)


async def test_filters_are_applied_before_the_depth(keywords: Keywords) -> None:
    (word,) = new_words(1)
    better = [entry(key, f"{word} {word}", source="out") for key in numbered("k", 300)]
    worse = [entry("in", f"{word} {'filler ' * 50}", source="in")]
    scope = await indexed(keywords, [*better, *worse])
    where = SearchFilter(sources=("in",))
    hits = await keywords.search(scope, Kind.CHUNK, word, where, EVER, 3)
    assert [hit.key for hit in hits] == ["in"]


def dated(word: str, kind: Kind) -> list[SearchEntry]:
    """Entries that differ in what the moment looks at."""
    return [
        entry("always", word, kind),
        entry("begins", word, kind, valid_from=day(1)),
        entry("ends", word, kind, valid_to=day(2)),
        entry("recorded", word, kind, recorded_at=day(3)),
        entry("unheard end", word, kind, valid_to=day(2), retracted_at=day(4)),
        entry("withdrawn", word, kind, retracted_at=day(4)),
    ]


@pytest.mark.parametrize(
    ("at", "hidden"),
    [
        (Moment(day(1) - MICROSECOND, day(3)), {"begins"}),
        (Moment(day(1), day(3)), set()),
        (Moment(day(1), day(3) - MICROSECOND), {"recorded"}),
        (Moment(day(2) - MICROSECOND, day(4) - MICROSECOND), set()),
        (Moment(day(2), day(4) - MICROSECOND), {"ends"}),
        (Moment(day(2) - MICROSECOND, day(4)), {"withdrawn"}),
        (Moment(day(2), day(4)), {"ends", "unheard end", "withdrawn"}),
        (Moment(day(2), LATEST), {"ends", "unheard end", "withdrawn"}),
    ],
)
async def test_facts_are_found_while_they_hold(
    keywords: Keywords, at: Moment, hidden: set[str]
) -> None:
    (word,) = new_words(1)
    entries = dated(word, Kind.FACT)
    scope = await indexed(keywords, entries)
    hits = await found(keywords, scope, word, Kind.FACT, at=at)
    assert set(hits) == {each.key for each in entries} - hidden


async def test_the_moment_is_applied_before_the_depth(keywords: Keywords) -> None:
    (word,) = new_words(1)
    gone = [entry(key, word, Kind.FACT, valid_to=day(1)) for key in numbered("k", 300)]
    still = entry("z", f"{word} {'filler ' * 50}", Kind.FACT)
    scope = await indexed(keywords, [*gone, still])
    at = Moment(day(1), day(1))
    hits = await keywords.search(scope, Kind.FACT, word, NO_FILTER, at, 3)
    assert [hit.key for hit in hits] == ["z"]


@pytest.mark.parametrize("kind", [Kind.CHUNK, Kind.DOCUMENT, Kind.ENTITY])
async def test_what_is_not_versioned_is_found_at_every_moment(
    keywords: Keywords, kind: Kind
) -> None:
    (word,) = new_words(1)
    entries = [entry("a", word, kind, created_at=day(5)), entry("b", word, kind)]
    scope = await indexed(keywords, entries)
    assert await found(keywords, scope, word, kind, at=Moment(day(0), day(0))) == ["a", "b"]


async def test_episodes_are_found_once_recorded(keywords: Keywords) -> None:
    (word,) = new_words(1)
    scope = await indexed(
        keywords,
        [entry("a", word, Kind.EPISODE), entry("b", word, Kind.EPISODE, recorded_at=day(1))],
    )
    for known_at, wanted in ((day(1) - MICROSECOND, ["a"]), (day(1), ["a", "b"])):
        at = Moment(valid_at=LATEST, known_at=known_at)
        assert await found(keywords, scope, word, Kind.EPISODE, at=at) == wanted


# Indexing


@kinds
async def test_an_entry_indexed_again_is_replaced(keywords: Keywords, kind: Kind) -> None:
    old, new, title = new_words(3)
    scope = await indexed(keywords, [entry("a", old, kind, title=title), entry("b", old, kind)])
    changed = entry("a", new, kind, source="s", tokens=IS_1.tokens)
    for _ in range(2):
        await keywords.index_many(scope, [changed])
        assert await found(keywords, scope, old, kind) == ["b"]
        assert await found(keywords, scope, title, kind) == []
        assert await found(keywords, scope, new, kind) == ["a"]
        where = SearchFilter(sources=("s",), metadata=(IS_1,))
        assert await found(keywords, scope, new, kind, where) == ["a"]


async def test_an_entry_indexed_again_loses_what_it_no_longer_has(
    keywords: Keywords, scope: Scope
) -> None:
    (word,) = new_words(1)
    await keywords.index_many(scope, [entry("a", word, source="s", tokens=IS_1.tokens)])
    await keywords.index_many(scope, [entry("a", word)])
    assert await found(keywords, scope, word) == ["a"]
    assert await found(keywords, scope, word, where=SearchFilter(sources=("s",))) == []
    assert await found(keywords, scope, word, where=SearchFilter(metadata=(IS_1,))) == []


async def test_the_last_of_a_key_wins(keywords: Keywords, scope: Scope) -> None:
    first, second = new_words(2)
    await keywords.index_many(scope, [entry("a", first), entry("a", second)])
    assert await found(keywords, scope, f"{first} {second}") == ["a"]
    assert await found(keywords, scope, first) == []


@kinds
async def test_an_entry_taken_out_is_found_no_more(keywords: Keywords, kind: Kind) -> None:
    (word,) = new_words(1)
    other = Kind.FACT if kind is Kind.CHUNK else Kind.CHUNK
    entries = [entry(key, word, each) for key in "abc" for each in (kind, other)]
    scope = await indexed(keywords, entries)
    await keywords.remove_many(scope, kind, ["a", "gap", "c", "a"])
    assert await found(keywords, scope, word, kind) == ["b"]
    assert await found(keywords, scope, word, other) == ["a", "b", "c"]
    await keywords.index_many(scope, [entry("a", word, kind)])
    assert await found(keywords, scope, word, kind) == ["a", "b"]


async def test_nothing_and_ten_thousand_entries_are_indexed(
    keywords: Keywords, scope: Scope
) -> None:
    (word,) = new_words(1)
    await keywords.index_many(scope, [])
    await keywords.remove_many(scope, Kind.CHUNK, [])
    every = numbered("k", 10_000)
    await keywords.index_many(scope, [entry(key, word) for key in every])
    assert await found(keywords, scope, word) == every[:DEEP]
    await keywords.remove_many(scope, Kind.CHUNK, every[1:])
    assert await found(keywords, scope, word) == every[:1]


async def test_a_long_text_is_indexed(keywords: Keywords) -> None:
    first, last = new_words(2)
    scope = await indexed(keywords, [entry("a", f"{first} {'filler ' * 200_000}{last}")])
    assert await found(keywords, scope, first) == ["a"]


async def test_nothing_of_another_tenant_is_seen(keywords: Keywords) -> None:
    (word,) = new_words(1)
    ours = await indexed(keywords, [entry("a", word, source="s"), entry("b", word)])
    theirs = await indexed(keywords, [entry("a", "filler"), entry("c", word)])
    assert await found(keywords, ours, word) == ["a", "b"]
    assert await found(keywords, theirs, word) == ["c"]
    await keywords.index_many(theirs, [entry("b", "filler", tokens=IS_1.tokens)])
    await keywords.remove_many(theirs, Kind.CHUNK, ["a", "b", "c"])
    assert await found(keywords, ours, word) == ["a", "b"]
    assert await found(keywords, ours, word, where=SearchFilter(metadata=(IS_1,))) == []


async def test_texts_of_another_tenant_do_not_fill_the_depth(keywords: Keywords) -> None:
    (word,) = new_words(1)
    await indexed(keywords, [entry(key, f"{word} {word}") for key in numbered("k", 300)])
    ours = await indexed(keywords, [entry("ours", f"{word} {'filler ' * 50}")])
    hits = await keywords.search(ours, Kind.CHUNK, word, NO_FILTER, EVER, 3)
    assert [hit.key for hit in hits] == ["ours"]
