"""The batching that every loader is made of.

A loader is an aiodataloader whose key is a whole tuple of keys together with a *question*: everything
else that the call depends on.  Within one tick of the event loop

    load(keys₁, question)   ┐
    load(keys₂, question)   ├→  one call for the keys of both that this request has not loaded yet
    load(keys₃, another)    ┘   and one, at the same time, for each other question

so the number of calls follows from the shape of a query, never from its rows.  What was loaded is kept
for the request as results, never as futures: a call that was cancelled or failed leaves nothing behind.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from itertools import chain
from typing import Any, Generic, TypeVar, cast

import msgspec
from aiodataloader import DataLoader

from backends.records import Fields, PageRequest

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Q = TypeVar("Q", bound=Hashable)

Fetch = Callable[[Sequence[K], Q, Fields], Awaitable[Sequence[V]]]
"""Asks a store once: values in the order of the keys, `fields` loaded."""


class Paged(msgspec.Struct, Generic[Q], frozen=True):
    """A page of the lists that a question is about; the question alone asks for their lengths."""

    asked: Q
    page: PageRequest


class Loader(DataLoader[Any, Any], Generic[K, Q, V]):
    """Loads values by key for questions of one sort.

    A question is hashable, and apart from `fields`: two questions that differ in fields alone are one
    call for the fields of both.
    """

    cache = False

    def __init__(self, fetch: Fetch[K, Q, V]) -> None:
        super().__init__()
        self._fetch = fetch
        self._loaded: dict[Q, tuple[Fields, dict[K, V]]] = {}

    async def load_all(
        self, keys: Sequence[K], question: Q, fields: Fields = frozenset()
    ) -> list[V]:
        """The value of each key, in the order of the keys."""
        if not keys:
            return []
        request = _Request(tuple(keys), question, fields)
        request.answer = self.load(request)
        return await request.answer

    async def batch_load_fn(self, requests: "list[_Request[K, Q]]") -> list[list[V] | Exception]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Answer the requests of one tick: a call for each question, all at the same time.  They are given up
        when nobody waits for any of them any more."""
        _give_up_together(requests)
        grouped: dict[Q, list[_Request[K, Q]]] = {}
        for request in requests:
            grouped.setdefault(request.question, []).append(request)
        if len(grouped) == 1:  # as nearly always: it needs no task
            ((question, group),) = grouped.items()
            loaded = await self._answer(question, group)
            return [self._pick(loaded, request) for request in requests]
        answers = await asyncio.gather(
            *(self._answer(question, group) for question, group in grouped.items()),
            return_exceptions=True,
        )
        found = dict(zip(grouped, answers, strict=True))
        return [self._pick(found[request.question], request) for request in requests]

    async def _answer(self, question: Q, requests: "list[_Request[K, Q]]") -> dict[K, V]:
        fields: Fields = requests[0].fields.union(*(request.fields for request in requests[1:]))
        keys = dict.fromkeys(chain.from_iterable(request.keys for request in requests))
        loaded_fields, loaded = self._loaded.get(question, (fields, {}))
        if not fields <= loaded_fields:
            loaded_fields, loaded = fields, {}
        missing = [key for key in keys if key not in loaded] if loaded else list(keys)
        if missing:
            values = await self._fetch(missing, question, loaded_fields)
            loaded.update(zip(missing, values, strict=True))
            self._loaded[question] = (loaded_fields, loaded)
        return loaded

    def _pick(
        self, found: dict[K, V] | BaseException, request: "_Request[K, Q]"
    ) -> list[V] | Exception:
        if isinstance(found, Exception):
            return found
        if isinstance(found, BaseException):
            raise found
        return list(map(found.__getitem__, request.keys))


class _Request(Generic[K, Q]):
    """What is asked, and what waits for the answer."""

    __slots__ = ("answer", "fields", "keys", "question")

    def __init__(self, keys: tuple[K, ...], question: Q, fields: Fields) -> None:
        self.keys = keys
        self.question = question
        self.fields = fields
        self.answer: asyncio.Future[Any] | None = None


def _give_up_together(requests: Sequence[_Request[Any, Any]]) -> None:
    """Cancel the task that answers the requests, this one, as soon as all of them are cancelled."""
    task = asyncio.current_task()
    waiting = [request.answer for request in requests if request.answer is not None]

    def look(_: object) -> None:
        if task is not None and all(answer.cancelled() for answer in waiting):
            task.cancel()

    for answer in waiting:
        answer.add_done_callback(look)


class Once(Loader[Q, None, V]):
    """A loader of questions that stand for themselves, such as a filtered page of everything."""

    def __init__(self, fetch: Callable[[Q, Fields], Awaitable[V]]) -> None:
        async def fetch_all(questions: Sequence[Q], _: None, fields: Fields) -> list[V]:
            return list(await asyncio.gather(*(fetch(each, fields) for each in questions)))

        super().__init__(cast("Fetch[Q, None, V]", fetch_all))

    async def load_one(self, question: Q, fields: Fields = frozenset()) -> V:
        """The answer to the question."""
        return (await self.load_all([question], None, fields))[0]
