"""The contract of `Cache`: what is found, what is forgotten, and that nothing old is ever let in."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest

from backends.records import CacheLookup
from backends.roles import Cache
from tests.contract.samples import STRANGE, numbered

TTL = 60.0


@pytest.fixture
def tag() -> str:
    """A tag of the test's own."""
    return f"tag-{uuid4().hex}"


def new_keys(count: int) -> list[str]:
    """Keys that nobody else uses."""
    return numbered(f"{uuid4().hex}-", count)


async def put(cache: Cache, values: dict[str, bytes], *tags: str, ttl: float = TTL) -> None:
    """Look up, then set: as a reader does."""
    lookup = await cache.get_many(list(values), tags)
    await cache.set_many(values, lookup, ttl)


async def get(cache: Cache, keys: Sequence[str], *tags: str) -> list[bytes | None]:
    """The values, as a list."""
    return list((await cache.get_many(keys, tags)).values)


# Values


async def test_values_come_in_the_order_of_the_keys_gaps_and_duplicates_included(
    cache: Cache, tag: str
) -> None:
    a, b, gap = new_keys(3)
    await put(cache, {a: b"1", b: b"2"}, tag)
    assert await get(cache, [b, gap, a, b], tag) == [b"2", None, b"1", b"2"]


async def test_any_bytes_are_kept(cache: Cache, tag: str) -> None:
    contents = [b"", b"\0", bytes(range(256)), b"X", b"V", b"\xff" * 3, b"x" * 1_000_000]
    values = dict(zip(new_keys(len(contents)), contents, strict=True))
    await put(cache, values, tag)
    assert await get(cache, list(values), tag) == contents


async def test_any_key_and_any_tag_can_be_used(cache: Cache) -> None:
    own = uuid4().hex
    values = {own + key: key.encode() for key in STRANGE}
    await put(cache, values, *STRANGE)
    assert await get(cache, list(values), *STRANGE) == list(values.values())


async def test_ten_thousand_keys_are_one_call(cache: Cache, tag: str) -> None:
    keys = new_keys(10_000)
    await put(cache, {key: key.encode() for key in keys[::2]}, tag)
    found = await get(cache, keys, tag)
    assert found == [key.encode() if i % 2 == 0 else None for i, key in enumerate(keys)]
    await cache.remove_many(keys)
    assert await get(cache, keys, tag) == [None] * len(keys)


async def test_nothing_is_asked_set_removed_or_invalidated_without_harm(
    cache: Cache, tag: str
) -> None:
    (key,) = new_keys(1)
    await put(cache, {key: b"1"}, tag)
    assert await cache.get_many([], []) == CacheLookup([], {})
    await cache.set_many({}, await cache.get_many([], [tag]), TTL)
    await cache.remove_many([])
    await cache.invalidate([])
    assert await get(cache, [key], tag) == [b"1"]


async def test_a_value_replaces_the_one_before(cache: Cache, tag: str) -> None:
    (key,) = new_keys(1)
    await put(cache, {key: b"before"}, tag)
    await put(cache, {key: b"after"}, tag)
    assert await get(cache, [key], tag) == [b"after"]


async def test_a_value_is_kept_for_its_time_and_no_longer(cache: Cache, tag: str) -> None:
    short, long = new_keys(2)
    await put(cache, {short: b"1"}, tag, ttl=0.001)
    await put(cache, {long: b"2"}, tag)
    await asyncio.sleep(0.05)
    assert await get(cache, [short, long], tag) == [None, b"2"]
    await put(cache, {short: b"3"}, tag)
    assert await get(cache, [short], tag) == [b"3"]


async def test_values_without_tags_are_kept_too(cache: Cache) -> None:
    a, b = new_keys(2)
    await put(cache, {a: b"1", b: b"2"})
    await cache.remove_many([a])
    assert await get(cache, [a, b]) == [None, b"2"]


# Removed


async def test_a_removed_key_is_a_gap_and_takes_no_value(cache: Cache, tag: str) -> None:
    removed, other = new_keys(2)
    await put(cache, {removed: b"old", other: b"1"}, tag)
    await cache.remove_many([removed])
    assert await get(cache, [removed, other], tag) == [None, b"1"]
    await put(cache, {removed: b"old", other: b"2"}, tag)
    assert await get(cache, [removed, other], tag) == [None, b"2"]


async def test_a_reader_that_was_overtaken_by_a_writer_sets_nothing(cache: Cache, tag: str) -> None:
    (key,) = new_keys(1)
    lookup = await cache.get_many([key], [tag])
    await cache.remove_many([key])
    await cache.set_many({key: b"old"}, lookup, TTL)
    assert await get(cache, [key], tag) == [None]


async def test_a_key_that_was_never_set_can_be_removed_twice(cache: Cache, tag: str) -> None:
    (key,) = new_keys(1)
    await cache.remove_many([key, key])
    await cache.remove_many([key])
    assert await get(cache, [key], tag) == [None]


# Tags


async def test_a_tag_is_the_same_until_it_is_invalidated(cache: Cache, tag: str) -> None:
    other = f"{tag}-other"
    first = await cache.get_many([], [tag, other])
    assert set(first.tags) == {tag, other}
    assert await cache.get_many([], [other, tag, tag]) == first
    await cache.invalidate([tag])
    later = await cache.get_many([], [tag, other])
    assert later.tags[tag] != first.tags[tag]
    assert later.tags[other] == first.tags[other]


async def test_invalidating_a_tag_voids_what_was_set_under_it_and_nothing_else(
    cache: Cache, tag: str
) -> None:
    wide, narrow, other = (f"{tag}-{each}" for each in ("wide", "narrow", "other"))
    both, apart = new_keys(2)
    await put(cache, {both: b"1"}, wide, narrow)
    await put(cache, {apart: b"2"}, wide, other)
    await cache.invalidate([narrow])
    assert await get(cache, [both], wide, narrow) == [None]
    assert await get(cache, [apart], wide, other) == [b"2"]
    await cache.invalidate([wide])
    assert await get(cache, [apart], wide, other) == [None]


async def test_what_was_voided_can_be_set_again(cache: Cache, tag: str) -> None:
    (key,) = new_keys(1)
    await put(cache, {key: b"old"}, tag)
    await cache.invalidate([tag])
    await put(cache, {key: b"new"}, tag)
    assert await get(cache, [key], tag) == [b"new"]


async def test_what_was_looked_up_before_an_invalidation_is_void(cache: Cache, tag: str) -> None:
    old, new = new_keys(2)
    lookup = await cache.get_many([old, new], [tag])
    await cache.invalidate([tag])
    await put(cache, {new: b"new"}, tag)
    await cache.set_many({old: b"old", new: b"old"}, lookup, TTL)
    assert await get(cache, [old, new], tag) == [None, b"new"]


async def test_an_invalidation_of_a_tag_that_nobody_asked_for_counts(
    cache: Cache, tag: str
) -> None:
    (key,) = new_keys(1)
    await cache.invalidate([tag])
    await put(cache, {key: b"1"}, tag)
    assert await get(cache, [key], tag) == [b"1"]


async def test_a_value_is_found_only_under_the_tags_that_it_was_set_under(
    cache: Cache, tag: str
) -> None:
    other = f"{tag}-other"
    (key,) = new_keys(1)
    await put(cache, {key: b"1"}, tag, other)
    assert await get(cache, [key], other, tag) == [b"1"]
    for tags in ([], [tag], [other], [tag, f"{tag}-third"], [tag, other, f"{tag}-third"]):
        assert await get(cache, [key], *tags) == [None]


async def test_a_key_and_a_tag_of_one_name_are_two_things(cache: Cache, tag: str) -> None:
    await put(cache, {tag: b"1"}, tag)
    await cache.remove_many([tag])
    before = await cache.get_many([tag], [tag])
    await cache.invalidate([tag])
    after = await cache.get_many([tag], [tag])
    assert (before.values, after.values) == ([None], [None])
    assert before.tags != after.tags


# Many callers


async def test_many_callers_at_a_time_find_their_own(cache: Cache, tag: str) -> None:
    keys = new_keys(100)

    async def use(number: int) -> None:
        own = keys[number * 2 : number * 2 + 2]
        await put(cache, {key: key.encode() for key in own}, tag, f"{tag}-{number % 7}")
        assert await get(cache, own, f"{tag}-{number % 7}", tag) == [key.encode() for key in own]
        await cache.remove_many(own[:1])
        found = await get(cache, own, tag, f"{tag}-{number % 7}")
        assert found == [None, own[1].encode()]

    await asyncio.gather(*(use(number) for number in range(20)))


async def test_callers_that_meet_at_a_new_tag_agree_on_it(cache: Cache, tag: str) -> None:
    lookups = await asyncio.gather(*(cache.get_many([], [tag]) for _ in range(15)))
    assert len({lookup.tags[tag] for lookup in lookups}) == 1
