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
from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any, Generic, TypeVar, cast

import msgspec
from aiodataloader import DataLoader, dispatch_queue
from aiodataloader import Loader as Queued

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
        self._loaded: dict[Q, _Loaded[K, V]] = {}

    async def load_all(
        self, keys: Sequence[K], question: Q, fields: Fields = frozenset()
    ) -> list[V]:
        """The value of each key, in the order of the keys."""
        if not keys:
            return []
        request = _Request(tuple(keys), question, fields)
        request.answer = self.load(request)
        return await request.answer

    def do_resolve_reject(self, key: Any, future: "asyncio.Future[Any]") -> None:
        """Take a request into the queue of this tick.  The base class would begin a task here that does no
        more than to begin another."""
        self._queue.append(Queued(key, future))
        if len(self._queue) == 1:
            self.loop.call_soon(dispatch_queue, self)

    async def batch_load_fn(self, requests: "list[_Request[K, Q]]") -> list[list[V] | Exception]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Answer the requests of one tick: a call for each question, all at the same time.  They are given up
        when nobody waits for any of them any more."""
        _give_up_together(requests)
        grouped: dict[Q, list[_Request[K, Q]]] = {}
        for request in requests:
            grouped.setdefault(request.question, []).append(request)
        if len(grouped) == 1:  # as nearly always: it needs no task
            ((question, group),) = grouped.items()
            return list(await self._answer(question, group))
        answers = await asyncio.gather(
            *(self._answer(question, group) for question, group in grouped.items()),
            return_exceptions=True,
        )
        found = dict(zip(grouped, map(_each, answers), strict=True))
        return [next(found[request.question]) for request in requests]

    async def _answer(self, question: Q, requests: "list[_Request[K, Q]]") -> Iterator[list[V]]:
        """The values for each of the requests."""
        fields: Fields = requests[0].fields.union(*(request.fields for request in requests[1:]))
        known = self._loaded.get(question)
        loaded: _Loaded[K, V] = known if known and fields <= known.fields else _Loaded(fields)
        missing = loaded.missing(_keys(requests))
        if missing:
            loaded.add(missing, await self._fetch(missing, question, loaded.fields))
            self._loaded[question] = loaded
        return (loaded.of(request.keys) for request in requests)


def _keys(requests: "Sequence[_Request[K, Any]]") -> Sequence[K]:
    if len(requests) == 1:
        return requests[0].keys
    return list(chain.from_iterable(request.keys for request in requests))


def _each(answer: Iterator[list[V]] | BaseException) -> Iterator[list[V] | Exception]:
    """What each request of a question gets: one after another, the error of all of them, if there was one."""
    if isinstance(answer, Exception):
        return repeat(answer)
    if isinstance(answer, BaseException):
        raise answer
    return answer


class _Loaded(Generic[K, V]):
    """What was loaded for a question.  It is put by key only when somebody asks again, as nearly nobody does."""

    __slots__ = ("_by_key", "_keys", "_values", "fields")

    def __init__(self, fields: Fields) -> None:
        self.fields = fields
        self._keys: Sequence[K] = ()
        self._values: Sequence[V] = ()
        self._by_key: dict[K, V] = {}

    def missing(self, keys: Sequence[K]) -> Sequence[K]:
        """Those not loaded, each once."""
        once = dict.fromkeys(keys)
        if self._keys or self._by_key:
            loaded = self._mapping()
            return [key for key in once if key not in loaded]
        return keys if len(once) == len(keys) else list(once)

    def add(self, keys: Sequence[K], values: Sequence[V]) -> None:
        """Keep the value of each key."""
        if len(keys) != len(values):
            raise ValueError(f"{len(values)} values were loaded for {len(keys)} keys")
        if self._keys or self._by_key:
            self._mapping().update(zip(keys, values, strict=True))
        else:
            self._keys, self._values = keys, values

    def of(self, keys: Sequence[K]) -> list[V]:
        """The value of each key."""
        if keys is self._keys:
            return list(self._values)
        return list(map(self._mapping().__getitem__, keys))

    def _mapping(self) -> dict[K, V]:
        if self._keys:
            self._by_key = dict(zip(self._keys, self._values, strict=True))
            self._keys = self._values = ()
        return self._by_key


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
