"""The cache in this process: its bounds, and what it does when it must forget."""

import pytest

from backends.errors import ConfigurationError, StoreUnavailable
from backends.memory.cache import OVERHEAD, MemoryCache
from backends.memory.store import MemoryStore
from backends.records import Health, Needs, Scope, VectorSpace
from backends.registry import create
from backends.roles import REMOVED_FOR

TTL = 60.0
NEEDS = Needs(space=VectorSpace("model", 2))


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def cache_of(clock: Clock, *, entries: int = 100, size: int = 1_000_000) -> MemoryCache:
    """An open cache with these bounds."""
    cache = MemoryCache("cache", most_entries=entries, most_bytes=size, clock=clock)
    cache.open()
    return cache


async def put(cache: MemoryCache, **values: bytes) -> None:
    await cache.set_many(values, await cache.get_many([], ["tag"]), TTL)


async def kept(cache: MemoryCache, keys: str) -> str:
    """Those of some keys of one letter that have a value."""
    values = (await cache.get_many(keys, ["tag"])).values
    return "".join(key for key, value in zip(keys, values, strict=True) if value is not None)


async def test_the_least_recently_used_goes_first(clock: Clock) -> None:
    cache = cache_of(clock, entries=3)
    await put(cache, a=b"", b=b"", c=b"")
    await kept(cache, "a")
    await put(cache, d=b"")
    assert await kept(cache, "abcd") == "acd"
    await put(cache, a=b"1", e=b"")
    assert await kept(cache, "acde") == "ade"
    assert len(cache) == 3


async def test_bytes_are_bounded_and_what_is_larger_than_all_is_not_kept(clock: Clock) -> None:
    cache = cache_of(clock, size=3 * (OVERHEAD + 101))
    await put(cache, a=b"x" * 100, b=b"x" * 100, c=b"x" * 100)
    assert await kept(cache, "abc") == "abc"
    await put(cache, d=b"x" * 101)
    assert await kept(cache, "abcd") == "cd"
    await put(cache, e=b"x" * 5_000, c=b"x" * 5_000)
    assert await kept(cache, "cde") == "d"
    assert cache.size == OVERHEAD + 102
    await cache.remove_many(["d"])
    assert (cache.size, len(cache)) == (0, 0)


async def test_a_value_ends_with_its_time(clock: Clock) -> None:
    cache = cache_of(clock)
    await put(cache, a=b"1")
    clock.now += TTL - 0.001
    assert await kept(cache, "a") == "a"
    clock.now += 0.001
    assert await kept(cache, "a") == ""
    assert len(cache) == 0


async def test_a_removed_key_takes_values_again_after_a_while(clock: Clock) -> None:
    cache = cache_of(clock)
    await cache.remove_many(["a"])
    clock.now += REMOVED_FOR - 0.001
    await put(cache, a=b"1")
    assert await kept(cache, "a") == ""
    clock.now += 0.001
    await put(cache, a=b"1")
    assert await kept(cache, "a") == "a"


async def test_removing_again_starts_the_while_again(clock: Clock) -> None:
    cache = cache_of(clock)
    await cache.remove_many(["a", "b"])
    clock.now += REMOVED_FOR - 1
    await cache.remove_many(["a"])
    clock.now += 1
    await cache.remove_many(["c"])
    await put(cache, a=b"1", b=b"1")
    assert await kept(cache, "ab") == "b"


async def test_when_too_much_is_removed_to_remember_nothing_is_taken_for_a_while(
    clock: Clock,
) -> None:
    cache = cache_of(clock, entries=3)
    await put(cache, a=b"old")
    await cache.remove_many(["w", "x"])
    await cache.remove_many(["y", "z"])
    clock.now += REMOVED_FOR - 0.001
    await put(cache, a=b"1", y=b"old", w=b"old")
    assert await kept(cache, "awxyz") == ""
    clock.now += 0.001
    await put(cache, a=b"1")
    assert await kept(cache, "a") == "a"


async def test_when_there_are_too_many_tags_to_remember_all_is_void(clock: Clock) -> None:
    cache = cache_of(clock, entries=3)
    await put(cache, a=b"1")
    lookup = await cache.get_many(["b"], ["tag"])
    await cache.get_many([], ["t1", "t2", "t3"])
    await cache.set_many({"b": b"old"}, lookup, TTL)
    assert await kept(cache, "ab") == ""
    await put(cache, a=b"2")
    assert await kept(cache, "a") == "a"


async def test_it_begins_empty_each_time_it_is_opened(clock: Clock) -> None:
    cache = cache_of(clock)
    await put(cache, a=b"1")
    cache.close()
    with pytest.raises(StoreUnavailable, match="store cache is closed"):
        await cache.get_many(["a"], ["tag"])
    cache.open()
    assert await kept(cache, "a") == ""


async def test_the_store_plays_the_cache_alone_and_has_nothing_to_make() -> None:
    store = create("memory", "cache", {"max_entries": 10})
    assert isinstance(store, MemoryStore)
    played = [name for name, value in vars(store).items() if value is not None]
    assert played == ["name", "cache"]
    assert await store.migrate(NEEDS) == []
    assert store.pool() is None
    with pytest.raises(StoreUnavailable):
        await store.ping()
    await store.open()
    assert await store.ping() is Health.UP
    assert await store.counts(Scope("t")) == {}
    await store.close()


@pytest.mark.parametrize("options", [{"max_entries": 0}, {"max_bytes": -1}, {"size": 3}])
def test_options_that_mean_nothing_are_errors(options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=r"\[stores.cache\].*max_entries"):
        create("memory", "cache", options)
