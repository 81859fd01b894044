"""Every call to a store passes here: recorded for whoever listens, and bounded in time.

Telemetry lives in the gateway; it listens with `recording`, and nothing below imports it.
"""

import asyncio
import functools
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar, cast

import msgspec

from backends.errors import NotSupported, StoreTimeout
from backends.records import CacheLookup

R = TypeVar("R")

WRITES = frozenset(
    ("upsert_many", "index_many", "remove_many", "keep_only", "note_texts", "forget_chunks")
)
"""The methods of the roles that write: as long as they take, and never shared."""


class StoreCall(msgspec.Struct):
    """One call of a role: what was asked, of how many keys, when (seconds, monotonic) and for how long."""

    store: str
    role: str
    method: str
    size: int
    started: float
    seconds: float = 0.0
    hits: int | None = None
    """Of a lookup in a cache: how many of the keys it had."""
    error: str | None = None


_calls: ContextVar[list[StoreCall] | None] = ContextVar("store_calls", default=None)


@contextmanager
def recording() -> Generator[list[StoreCall]]:
    """The calls made within, in the order in which they began."""
    calls: list[StoreCall] = []
    token = _calls.set(calls)
    try:
        yield calls
    finally:
        _calls.reset(token)


def traced(role: R, *, store: str, name: str, timeout: float) -> R:
    """The same role, its calls recorded and its reads bounded to `timeout` seconds."""
    return cast("R", _Traced(role, store, name, timeout))


def unsupported(store: str, name: str) -> Any:
    """A role that the store does not play: every call says so."""
    return _Unsupported(store, name)


class _Traced:
    def __init__(self, role: object, store: str, name: str, timeout: float) -> None:
        self._role = role
        self._store = store
        self._name = name
        self._timeout = timeout

    def __getattr__(self, method: str) -> Any:
        wrapped = self._wrap(method, getattr(self._role, method))
        setattr(self, method, wrapped)
        return wrapped

    def _wrap(self, method: str, function: Callable[..., Any]) -> Callable[..., Any]:
        limit = None if method in WRITES else self._timeout

        @functools.wraps(function)
        async def call(*arguments: Any, **options: Any) -> Any:
            record = StoreCall(
                self._store, self._name, method, _size(arguments), time.perf_counter()
            )
            if (calls := _calls.get()) is not None:
                calls.append(record)
            try:
                async with asyncio.timeout(limit):
                    result = await function(*arguments, **options)
                if isinstance(result, CacheLookup):
                    record.hits = sum(value is not None for value in result.values)
                return result
            except TimeoutError as error:
                record.error = StoreTimeout.code
                message = f"store {self._store} did not answer {self._name}.{method} in {limit:g} s"
                raise StoreTimeout(self._store, message) from error
            except Exception as error:
                record.error = getattr(error, "code", type(error).__name__)
                raise
            finally:
                record.seconds = time.perf_counter() - record.started

        return call


class _Unsupported:
    def __init__(self, store: str, name: str) -> None:
        self._store = store
        self._name = name

    def __getattr__(self, method: str) -> Any:
        async def refuse(*_: Any, **__: Any) -> Any:
            raise NotSupported(self._store, f"store {self._store} does not play {self._name}")

        return refuse


def _size(arguments: Sequence[Any]) -> int:
    """How many keys a call is about: the length of its first list or mapping, else 1."""
    return next((len(each) for each in arguments if isinstance(each, (list, tuple, dict))), 1)  # pyright: ignore[reportUnknownArgumentType]
