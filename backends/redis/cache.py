"""`Cache` in Redis.

    <prefix>:v:<key>   V, number of tags, a token of each tag by name, value   (lives for the value's ttl)
                       X                                                      (was removed, lives a while)
    <prefix>:t:<tag>   the tag's token                                         (outlives any value under it)

A lookup is one MGET of values and tokens.  What is set goes through a script, for two reasons: it must
replace a value but never the mark of a removed key, which no option of SET says; and it is one reply
however many keys, a quarter of the time that a pipeline takes here.

All keys of a call must be in one hash slot on a cluster: a prefix such as `{memory}` sees to it.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from backends.records import CacheLookup
from backends.redis.client import RedisClient
from backends.roles import REMOVED_FOR

STAMP_BYTES = 8

STAMP_SECONDS = 24 * 3600
"""How long a tag's token stays after it was last used to set something.  Without it every value under the
tag is void, so a shorter life would be safe too."""

_REMOVED = b"X"

_SET = """
local count = tonumber(ARGV[1])
for i = 1, count do
  if redis.call('GET', KEYS[i]) ~= ARGV[3 + i] then return 0 end
end
for i = count + 1, #KEYS do
  if redis.pcall('GETRANGE', KEYS[i], 0, 0) ~= 'X' then
    redis.call('SET', KEYS[i], ARGV[3 + i], 'PX', ARGV[2])
  end
end
for i = 1, count do redis.call('PEXPIRE', KEYS[i], ARGV[3]) end
return 1
"""
"""KEYS: tags, values.  ARGV: number of tags, ttl, ttl of tags (ms), tokens, values.  Values come before
expiries: a server that is full refuses the first thing that a script writes, but none after that."""

_STAMP = """
local stamps = {}
for i, key in ipairs(KEYS) do
  redis.call('SET', key, ARGV[i + 1], 'NX', 'PX', ARGV[1])
  stamps[i] = redis.call('GET', key)
end
return stamps
"""
"""KEYS: tags.  ARGV: ttl (ms), a token for each that has none."""

_PUT = """
for i, key in ipairs(KEYS) do
  redis.call('DEL', key)
  redis.call('SET', key, ARGV[i + 1], 'PX', ARGV[1])
end
"""
"""KEYS.  ARGV: ttl (ms), a value each.  DEL, so that a server that is full does it too."""


class RedisCache:
    """Plays `Cache`."""

    def __init__(self, client: RedisClient, prefix: str) -> None:
        self._client = client
        self._values = f"{prefix}:v:"
        self._tags = f"{prefix}:t:"

    async def get_many(self, keys: Sequence[str], tags: Sequence[str]) -> CacheLookup:
        tags = sorted(set(tags))
        asked = [*(self._values + key for key in keys), *(self._tags + tag for tag in tags)]
        found: list[bytes | None] = await self._client.run("MGET", *asked) if asked else []
        values, stamps = found[: len(keys)], found[len(keys) :]
        known = await self._stamp(tags) if None in stamps else _known(tags, stamps)
        seal = _seal(known)
        start = len(seal)
        return CacheLookup(
            [value[start:] if value and value.startswith(seal) else None for value in values],
            known,
        )

    async def set_many(self, values: Mapping[str, bytes], lookup: CacheLookup, ttl: float) -> None:
        if not values:
            return
        seal = _seal(lookup.tags)
        life = STAMP_SECONDS + ttl
        keys = [*(self._tags + tag for tag in lookup.tags), *(self._values + key for key in values)]
        arguments = [*lookup.tags.values(), *(seal + value for value in values.values())]
        times = (len(lookup.tags), _milliseconds(ttl), _milliseconds(life))
        await self._client.run("EVAL", _SET, len(keys), *keys, *times, *arguments)

    async def remove_many(self, keys: Sequence[str]) -> None:
        await self._put({self._values + key: _REMOVED for key in keys}, REMOVED_FOR)

    async def invalidate(self, tags: Sequence[str]) -> None:
        await self._put({self._tags + tag: _new_stamp() for tag in tags}, STAMP_SECONDS)

    async def _stamp(self, tags: Sequence[str]) -> dict[str, bytes]:
        """The tokens of tags, new ones for those that have none."""
        keys = [self._tags + tag for tag in tags]
        new = [_new_stamp() for _ in tags]
        life = _milliseconds(STAMP_SECONDS)
        return _known(tags, await self._client.run("EVAL", _STAMP, len(keys), *keys, life, *new))

    async def _put(self, values: Mapping[str, bytes], seconds: float) -> None:
        if values:
            life = _milliseconds(seconds)
            await self._client.run("EVAL", _PUT, len(values), *values, life, *values.values())


def _known(tags: Sequence[str], stamps: Sequence[Any]) -> dict[str, bytes]:
    return dict(zip(tags, stamps, strict=True))


def _seal(stamps: Mapping[str, bytes]) -> bytes:
    """What a value begins with that was set under tags of these tokens."""
    return b"V" + bytes([len(stamps)]) + b"".join(stamps[tag] for tag in sorted(stamps))


def _new_stamp() -> bytes:
    return secrets.token_bytes(STAMP_BYTES)


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1_000))
