"""Global ids: opaque text of kind, key and, where one is set, moment."""

from collections.abc import Sequence

import msgspec

from backends.records import Kind
from resolvers.clocks import Clocks
from resolvers.errors import InputError
from resolvers.opaque import pack, pack_instant, unpack, unpack_instant

SNAPSHOT = "Snapshot"
_NAMES = {kind: kind.value.capitalize() for kind in Kind}
_KINDS = {name: kind for kind, name in _NAMES.items()}


class GlobalId(msgspec.Struct, frozen=True):
    """What an id names; `kind` is `None` for a Snapshot, whose id is its moment."""

    kind: Kind | None
    key: str
    clocks: Clocks


def encode_id(kind: Kind | None, key: str, clocks: Clocks) -> str:
    """The id of a thing beneath these clocks: dated where they are set."""
    values: list[str | int | None] = [_NAMES[kind] if kind else SNAPSHOT, key]
    if clocks.are_set:
        values += [pack_instant(clocks.valid_at), pack_instant(clocks.known_at)]
    return pack(values)


def decode_id(text: str) -> GlobalId:
    """What an id names.  Raises InputError for one that cannot be read."""
    try:
        name, key, *times = unpack(text)
        valid_at, known_at = times or (None, None)
        clocks = Clocks(unpack_instant(valid_at), unpack_instant(known_at))
        if not isinstance(key, str) or (name != SNAPSHOT and name not in _KINDS):
            raise ValueError("unreadable")
    except (ValueError, TypeError) as error:
        raise InputError(
            f"id {text[:80]!r} cannot be read; use an id that this API gave"
        ) from error
    return GlobalId(_KINDS.get(name), key, clocks)


def key_of(text: str, kind: Kind) -> str:
    """The key of an id that must name a thing of `kind`; its moment, if any, does not matter."""
    found = decode_id(text)
    if found.kind is not kind:
        name = _NAMES[found.kind] if found.kind else SNAPSHOT
        raise InputError(f"id {text[:80]!r} names a {name}; {_NAMES[kind]} ids are allowed here")
    return found.key


def keys_of(ids: Sequence[str], kind: Kind) -> tuple[str, ...]:
    """The keys of ids that must all name things of `kind`."""
    return tuple(key_of(text, kind) for text in ids)
