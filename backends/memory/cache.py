"""`Cache` in this process: bounded by number and by bytes, least recently used out first."""

import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import msgspec

from backends.errors import StoreUnavailable
from backends.records import CacheLookup
from backends.roles import REMOVED_FOR

OVERHEAD = 300
"""Bytes that an entry takes beside its key and value, about."""

STAMP_BYTES = 8


class _Entry(msgspec.Struct, frozen=True, gc=False):
    value: bytes
    tags: Mapping[str, bytes]
    expires: float

    def size(self, key: str) -> int:
        return OVERHEAD + len(key) + len(self.value)


class MemoryCache:
    """Plays `Cache`.

    Keys that were removed, and tags, are remembered beside the values and in the same number.  When there
    are more tags, everything is void; when there are more removed keys, nothing is taken for a while.
    """

    def __init__(
        self,
        name: str,
        *,
        most_entries: int,
        most_bytes: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._clock = clock
        self._is_open = False
        self._takes_from = -math.inf
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._removed: OrderedDict[str, float] = OrderedDict()
        self._stamps: dict[str, bytes] = {}
        self.size = 0
        """Bytes that are kept now, about."""

    def __len__(self) -> int:
        """Values that are kept now."""
        return len(self._entries)

    def open(self) -> None:
        """Begin, empty."""
        self._clear()
        self._is_open = True

    def close(self) -> None:
        """Let everything go."""
        self._clear()
        self._is_open = False

    def check_open(self) -> None:
        """Raise StoreUnavailable where it is closed."""
        if not self._is_open:
            raise StoreUnavailable(self._name, f"store {self._name} is closed")

    async def get_many(self, keys: Sequence[str], tags: Sequence[str]) -> CacheLookup:
        self.check_open()
        stamps = {tag: self._stamp(tag) for tag in dict.fromkeys(tags)}
        now = self._clock()
        return CacheLookup([self._find(key, stamps, now) for key in keys], stamps)

    async def set_many(self, values: Mapping[str, bytes], lookup: CacheLookup, ttl: float) -> None:
        self.check_open()
        if any(self._stamps.get(tag) != stamp for tag, stamp in lookup.tags.items()):
            return
        now = self._clock()
        if now < self._takes_from:
            return
        for key, value in values.items():
            self._drop(key)
            if self._removed.get(key, now) <= now:
                self._keep(key, _Entry(value, lookup.tags, now + ttl))

    async def remove_many(self, keys: Sequence[str]) -> None:
        self.check_open()
        now = self._clock()
        while self._removed and next(iter(self._removed.values())) <= now:
            self._removed.popitem(last=False)
        if len(self._removed) + len(keys) > self._most_entries:
            self._clear()
            self._takes_from = now + REMOVED_FOR
            return
        for key in keys:
            self._drop(key)
            self._removed[key] = now + REMOVED_FOR
            self._removed.move_to_end(key)

    async def invalidate(self, tags: Sequence[str]) -> None:
        self.check_open()
        for tag in tags:
            self._stamps.pop(tag, None)

    def _find(self, key: str, stamps: Mapping[str, bytes], now: float) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires <= now:
            self._drop(key)
            return None
        if entry.tags != stamps:
            return None
        self._entries.move_to_end(key)
        return entry.value

    def _keep(self, key: str, entry: _Entry) -> None:
        if (size := entry.size(key)) > self._most_bytes:
            return
        self._entries[key] = entry
        self.size += size
        while self.size > self._most_bytes or len(self._entries) > self._most_entries:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: str) -> None:
        if (entry := self._entries.pop(key, None)) is not None:
            self.size -= entry.size(key)

    def _stamp(self, tag: str) -> bytes:
        """The tag's token; a new one for a tag that has none."""
        if (stamp := self._stamps.get(tag)) is None:
            if len(self._stamps) >= self._most_entries:
                self._clear()
            stamp = self._stamps[tag] = secrets.token_bytes(STAMP_BYTES)
        return stamp

    def _clear(self) -> None:
        self._entries.clear()
        self._removed.clear()
        self._stamps.clear()
        self.size = 0
