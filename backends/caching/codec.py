"""Records as bytes in a cache: what each is called there, and how it is packed.

    name   <version>:<length of tenant>:<tenant>:<key>, or a digest of that if it is long
    value  MessagePack of the whole record; empty for one that is too large to be kept

The version follows from the record's fields, so that no version of this program reads another's bytes.
"""

import hashlib
from typing import Generic, TypeVar

import msgspec

from backends.records import UNLOADED, Fields, Kind, Record, Scope

FORMAT = 1
"""To be raised when the meaning of a field changes, or the way that a record is packed."""

LONGEST_NAME = 200
"""Bytes of a name; a longer one is replaced by its digest."""

TOO_LARGE = b""
"""The value of a record that is there and that a cache does not keep."""

WRITE_ONLY = frozenset({"episode_keys"})
"""Attributes that no reading port loads."""

R = TypeVar("R", bound=Record)


class Codec(Generic[R]):
    """Names and bytes of the records of one kind."""

    def __init__(self, kind: Kind, record: type[R]) -> None:
        names = [field.name for field in msgspec.structs.fields(record)]
        self.fields: Fields = frozenset(names) - WRITE_ONLY - {"key"}
        """What makes a record whole."""
        self._unread = len(WRITE_ONLY.intersection(names))
        self._prefix = f"{kind.value.lower()}:{_version(record)}"
        self._decoder = msgspec.msgpack.Decoder(record)

    def name(self, scope: Scope, key: str) -> str:
        """What the record is called; never the same for two tenants, keys, kinds or versions."""
        return _bounded(f"{self._prefix}:{len(scope.tenant)}:{scope.tenant}:{key}")

    def tags(self, scope: Scope) -> list[str]:
        """What the record can be forgotten by: its tenant, and its tenant and kind."""
        return [_bounded(f"tenant:{scope.tenant}"), _bounded(f"{self._prefix}:{scope.tenant}")]

    def pack(self, record: R) -> bytes | None:
        """The record's bytes; `None` for one that they cannot hold (numbers beyond 64 bits, half a
        surrogate pair, an attribute that was not loaded)."""
        try:
            data = msgspec.msgpack.encode(record)
        except (msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError):
            return None
        return data if self._whole(record) else None

    def unpack(self, data: bytes, key: str) -> R | None:
        """The record that `pack` made the bytes of; `None` if they are anything else."""
        try:
            record = self._decoder.decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return None
        return record if record.key == key and self._whole(record) else None

    def _whole(self, record: R) -> bool:
        return msgspec.structs.astuple(record).count(UNLOADED) <= self._unread


def _version(record: type[Record]) -> str:
    layout = [(field.name, repr(field.type)) for field in msgspec.structs.fields(record)]
    return hashlib.blake2b(repr((FORMAT, layout)).encode(), digest_size=6).hexdigest()


def _bounded(name: str) -> str:
    if len(name) <= LONGEST_NAME and name.isascii():
        return name
    data = name.encode("utf-8", "surrogatepass")
    return "#" + hashlib.blake2b(data, digest_size=24).hexdigest()
