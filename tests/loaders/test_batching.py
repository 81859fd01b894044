"""The batching beneath every loader: one call for each question of a tick, and each key once for a request."""

import asyncio
from collections.abc import Sequence

import pytest

from backends.records import Fields
from loaders.base import Loader

Call = tuple[Sequence[str], str, Fields]


class Store:
    """Gives keys in capitals; `calls` is what it was asked."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.gives: list[str] | None = None

    async def fetch(self, keys: Sequence[str], question: str, fields: Fields) -> list[str]:
        self.calls.append((list(keys), question, fields))
        if question == "bad":
            raise ValueError("bad question")
        return self.gives or [f"{key.upper()}{question}" for key in keys]


@pytest.fixture
def store() -> Store:
    return Store()


async def test_one_request_is_one_call_with_each_key_once(store: Store) -> None:
    loader = Loader(store.fetch)
    assert await loader.load_all(["a", "b", "a"], "?") == ["A?", "B?", "A?"]
    assert store.calls == [(["a", "b"], "?", frozenset())]


async def test_requests_of_a_tick_are_a_call_for_each_question(store: Store) -> None:
    loader = Loader(store.fetch)
    found = await asyncio.gather(
        loader.load_all(["a", "b"], "?"),
        loader.load_all(["b", "c"], "?"),
        loader.load_all(["a"], "!"),
        loader.load_all([], "?"),
    )
    assert found == [["A?", "B?"], ["B?", "C?"], ["A!"], []]
    assert store.calls == [(["a", "b", "c"], "?", frozenset()), (["a"], "!", frozenset())]


async def test_what_was_loaded_is_not_asked_again(store: Store) -> None:
    loader = Loader(store.fetch)
    first = await loader.load_all(["a", "b"], "?")
    first.append("of the caller")
    assert await loader.load_all(["b", "a"], "?") == ["B?", "A?"]
    assert await loader.load_all(["b", "c"], "?") == ["B?", "C?"]
    assert await loader.load_all(["c", "a"], "?") == ["C?", "A?"]
    assert [keys for keys, _, _ in store.calls] == [["a", "b"], ["c"]]


async def test_the_same_keys_once_more_are_the_same_values(store: Store) -> None:
    loader, keys = Loader(store.fetch), ("a", "b")
    first = await loader.load_all(keys, "?")
    first.clear()
    assert await loader.load_all(keys, "?") == ["A?", "B?"]
    assert len(store.calls) == 1


async def test_fields_of_a_tick_are_asked_together_and_further_ones_anew(store: Store) -> None:
    loader = Loader(store.fetch)
    x, y = frozenset({"x"}), frozenset({"y"})
    await asyncio.gather(loader.load_all(["a"], "?", x), loader.load_all(["b"], "?", y))
    await loader.load_all(["a"], "?", y)
    await loader.load_all(["a"], "?", frozenset({"z"}))
    assert store.calls == [(["a", "b"], "?", x | y), (["a"], "?", frozenset({"z"}))]


async def test_a_question_that_fails_fails_its_requests_alone_and_is_asked_again(
    store: Store,
) -> None:
    loader = Loader(store.fetch)
    bad, worse, good = await asyncio.gather(
        loader.load_all(["a"], "bad"),
        loader.load_all(["b"], "bad"),
        loader.load_all(["a"], "?"),
        return_exceptions=True,
    )
    assert isinstance(bad, ValueError)
    assert isinstance(worse, ValueError)
    assert good == ["A?"]
    with pytest.raises(ValueError, match="bad question"):
        await loader.load_all(["a"], "bad")


async def test_too_few_values_are_an_error(store: Store) -> None:
    store.gives = ["A"]
    with pytest.raises(ValueError, match="1 values were loaded for 2 keys"):
        await Loader(store.fetch).load_all(["a", "b"], "?")
