"""What a record's content comes to: how a store tells whether a record that is written again has changed."""

import hashlib

import msgspec

from backends.records import Fact


def digest_of(record: msgspec.Struct) -> bytes:
    """A digest of all of a record's attributes, 16 bytes.  The episodes of a fact are a set: their order
    and repetitions count for nothing."""
    if isinstance(record, Fact):
        drawn = tuple(sorted(set(record.episode_keys)))
        record = msgspec.structs.replace(record, episode_keys=drawn)
    content = msgspec.json.encode(record, order="sorted")
    return hashlib.blake2b(content, digest_size=16).digest()
