"""Filters and the moment said as Qdrant says them, against plain Python."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from datetime import datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qdrant_client import models
from qdrant_client.conversions.conversion import GrpcToRest, RestToGrpc

from backends.moment import heard_of, holds
from backends.qdrant import filters
from backends.qdrant.collections import indexes_of
from backends.records import (
    Fact,
    Kind,
    MetadataMatch,
    Moment,
    Scope,
    SearchEntry,
    SearchFilter,
    TimeRange,
)
from backends.roles import Store
from tests.backends.qdrant_samples import entry, found, index, local
from tests.contract.samples import (
    EARLIEST,
    EVER,
    LATEST,
    MICROSECOND,
    day,
    modest,
    new_scope,
)


@pytest.fixture(scope="module")
async def store() -> AsyncGenerator[Store]:
    async with local() as store:
        yield store


def near(instant: datetime, microseconds: int) -> datetime:
    return instant + microseconds * MICROSECOND


words = st.sampled_from(["a", "b", "", "é", "1"])
instants = st.builds(near, st.sampled_from([day(0), day(1), day(2)]), st.integers(-1, 1))
times = st.none() | instants
tokens = st.lists(st.sampled_from(["x?", "x=1", 'x="1"', "x=[1]", "y?"]), max_size=3, unique=True)
attributes = st.fixed_dictionaries(
    {name: st.none() | words for name in ("source", "document_key", "type")}
    | dict.fromkeys(("created_at", "valid_from", "valid_to", "recorded_at", "retracted_at"), times)
    | {"tokens": tokens.map(tuple)}
)
lists = st.none() | st.lists(words, max_size=2).map(tuple)
wheres = st.builds(
    SearchFilter,
    sources=lists,
    documents=lists,
    entity_types=lists,
    created_at=st.none() | st.builds(TimeRange, start=times, end=times),
    metadata=st.lists(
        st.builds(MetadataMatch, tokens=tokens.map(tuple), negated=st.booleans()), max_size=2
    ).map(tuple),
)
moments = st.builds(Moment, instants, instants)


def passes(each: SearchEntry, where: SearchFilter, at: Moment) -> bool:
    """Whether an entry is to be found, without Qdrant."""
    span = where.created_at or TimeRange()
    after = span.start is None or (each.created_at is not None and each.created_at >= span.start)
    before = span.end is None or (each.created_at is not None and each.created_at < span.end)
    fact = Fact(
        key=each.key,
        valid_from=each.valid_from,
        valid_to=each.valid_to,
        recorded_at=each.recorded_at,
        retracted_at=each.retracted_at,
    )
    visible = each.kind not in (Kind.FACT, Kind.EPISODE) or heard_of(each.recorded_at, at.known_at)
    return (
        (where.sources is None or each.source in where.sources)
        and (where.documents is None or each.document_key in where.documents)
        and (where.entity_types is None or each.type in where.entity_types)
        and (after and before)
        and all(
            bool({*match.tokens} & {*each.tokens}) is not match.negated for match in where.metadata
        )
        and (visible and (each.kind is not Kind.FACT or holds(fact, at)))
    )


@modest
@given(
    given=st.lists(attributes, min_size=1, max_size=8),
    kind=st.sampled_from(Kind),
    where=wheres,
    at=moments,
)
async def test_filter_and_moment_pass_what_they_say(
    store: Store, given: list[Mapping[str, Any]], kind: Kind, where: SearchFilter, at: Moment
) -> None:
    scope = new_scope()
    entries = [entry(f"k{place}", kind, **each) for place, each in enumerate(given)]
    await index(store, scope, entries)
    wanted = [each.key for each in entries if passes(each, where, at)]
    assert await found(store, scope, kind, where, at) == wanted


def pruned(said: Any) -> Any:
    """What a filter says, without its empty parts."""
    match said:
        case dict():
            parts = cast("dict[str, Any]", said)
            return {name: pruned(each) for name, each in parts.items() if each not in (None, [])}
        case list():
            return [pruned(each) for each in cast("list[Any]", said)]
        case _:
            return said


@modest
@given(kind=st.sampled_from(Kind), where=wheres, at=moments)
def test_a_filter_is_the_same_over_both_interfaces(
    kind: Kind, where: SearchFilter, at: Moment
) -> None:
    said = filters.searched(Scope("t"), kind, where, at)
    over_grpc = GrpcToRest.convert_filter(RestToGrpc.convert_filter(said))
    over_rest = models.Filter.model_validate_json(said.model_dump_json(exclude_none=True))
    assert (
        pruned(over_grpc.model_dump())
        == pruned(said.model_dump())
        == pruned(over_rest.model_dump())
    )


@pytest.mark.parametrize("instant", [EARLIEST, datetime.fromisoformat("1500-01-01T00:00Z"), LATEST])
async def test_times_are_exact_to_the_microsecond_in_every_year(
    store: Store, instant: datetime
) -> None:
    """A 64-bit float holds the microseconds of 1685 to 2255 only."""
    scope = new_scope()
    away = -MICROSECOND if instant == LATEST else MICROSECOND
    entries = [
        entry("then", Kind.EPISODE, recorded_at=instant),
        entry("beside", Kind.EPISODE, recorded_at=instant + away),
    ]
    await index(store, scope, entries)
    first, second = sorted(entries, key=lambda each: each.recorded_at or instant)
    for at, wanted in ((first, {first.key}), (second, {first.key, second.key})):
        assert at.recorded_at is not None
        known = Moment(LATEST, at.recorded_at)
        assert {*await found(store, scope, Kind.EPISODE, at=known)} == wanted


async def test_a_time_in_another_zone_is_the_same_instant(store: Store) -> None:
    scope = new_scope()
    local_time = datetime.fromisoformat("2020-01-02T01:30:00.000001+05:30")
    await index(store, scope, [entry("a", created_at=local_time)])
    span = TimeRange(start=local_time, end=local_time + MICROSECOND)
    assert await found(store, scope, where=SearchFilter(created_at=span)) == ["a"]


def mentioned(said: models.Filter) -> Iterator[str]:
    """The attributes that a filter looks at."""
    for each in [*(said.must or []), *(said.should or []), *(said.must_not or [])]:  # pyright: ignore
        match each:
            case models.Filter():
                yield from mentioned(each)
            case models.IsEmptyCondition():
                yield each.is_empty.key
            case models.FieldCondition():
                yield each.key
            case _:
                raise AssertionError(each)


@pytest.mark.parametrize("kind", Kind)
def test_whatever_is_filtered_by_has_an_index(kind: Kind) -> None:
    """In strict mode a server refuses to filter by anything else."""
    match = MetadataMatch(tokens=("t",))
    unlike = MetadataMatch(tokens=("t",), negated=True)
    where = SearchFilter(
        sources=("s",),
        documents=("d",),
        entity_types=("e",),
        created_at=TimeRange(start=day(1)),
        metadata=(match, unlike),
    )
    said = filters.searched(Scope("t"), kind, where, EVER)
    assert next(mentioned(said)) == "tenant" == next(iter(indexes_of(kind)))
    assert {*mentioned(said)} == {*indexes_of(kind)}
