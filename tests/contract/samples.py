"""What the contract tests write: whole records, keys of every odd sort, times at their limits."""

import itertools
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from backends.moment import ALL_TIME
from backends.records import (
    Chunk,
    Document,
    Edges,
    Entity,
    Episode,
    EpisodeKind,
    Fact,
    Fields,
    Moment,
    PageRequest,
    Record,
    Scope,
)

START = datetime(2020, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = ALL_TIME
EVER = Moment(valid_at=START, known_at=ALL_TIME)
"""A moment at which every fact without times holds."""

KEY_ONLY: Fields = frozenset()
ALL = PageRequest(first=1_000)
ANY_EDGE = Edges(include_invalidated=True)

FULLWIDTH_A = "\uff21"
SMILE = "\U0001f600"
"""After U+FF21 by code point, before it by UTF-16."""

STRANGE = [
    "plain",
    "Plain",
    "with space",
    " lead",
    "trail ",
    "with/slash",
    "back\\slash",
    "quotes\"'`",
    "per%cent_under*star?",
    "$dollar:colon;--",
    "new\nline\ttab",
    "\u007f\u0001",
    "caf\u00e9",
    "cafe\u0301",
    "ключ",
    "鍵",
    "🔑",
    SMILE,
    FULLWIDTH_A,
    "\u202eright to left",
    "👩\u200d👩\u200d👧",
    "[1]",
    '{"a":1}',
    "null",
    "0",
    "1",
    "1.0",
    "1e3",
    "true",
    "k" * 1_000,
    SMILE * 250,
]
"""Keys and names that some store could take for something else; the longest have 1,000 bytes."""

CHARACTERS = "aAbz0 %_'\"\\/\u00e9\u0301ключ鍵" + FULLWIDTH_A + SMILE
keys = st.text(CHARACTERS, min_size=1, max_size=3)
"""Short keys, so that order and not length is tried."""

modest = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""Few examples, none of them timed: each one writes to a store."""


def new_scope() -> Scope:
    """A tenant that nobody else uses."""
    return Scope(f"tenant-{uuid4().hex}")


def new_words(count: int) -> list[str]:
    """Words that no other text holds and no stemmer shortens: tenants may share an index's statistics."""
    return [f"w{uuid4().hex[:12]}x" for _ in range(count)]


def day(number: float) -> datetime:
    """Midnight so many days after the start of 2020."""
    return START + timedelta(days=number)


def moment(valid: float, known: float = 10_000) -> Moment:
    """A moment by its days."""
    return Moment(valid_at=day(valid), known_at=day(known))


def shuffled(values: Sequence[Any]) -> list[Any]:
    """The values in an order of no meaning, the same each time."""
    mixed = list(values)
    random.Random(7).shuffle(mixed)
    return mixed


def fields_of(record: type[Record]) -> Fields:
    """Every attribute that a reading port loads."""
    names = {field.name for field in msgspec.structs.fields(record)}
    return frozenset(names - {"key", "episode_keys"})


def loaded(record: Record | None) -> dict[str, Any] | None:
    """The attributes of a record that were loaded."""
    return None if record is None else _plain(record)


def written(record: Record) -> dict[str, Any]:
    """What is to be read of a record that was written."""
    content = _plain(record)
    content.pop("episode_keys", None)
    return content


def _plain(record: Record) -> dict[str, Any]:
    return msgspec.json.decode(msgspec.json.encode(record))


def document(key: str, **given: Any) -> Document:
    """A document with nothing but what is given."""
    nothing = dict.fromkeys(fields_of(Document))
    return Document(**nothing | {"key": key, "metadata": {}} | given)


def chunk(key: str, **given: Any) -> Chunk:
    """A chunk with nothing but what is given."""
    nothing = dict.fromkeys(fields_of(Chunk))
    return Chunk(**nothing | {"key": key, "text": "", "metadata": {}} | given)


def entity(key: str, **given: Any) -> Entity:
    """An entity with nothing but what is given, its key for a name."""
    nothing = dict.fromkeys(fields_of(Entity))
    return Entity(**nothing | {"key": key, "name": key, "labels": (), "attributes": {}} | given)


def fact(key: str, subject: str = "s", object: str = "o", **given: Any) -> Fact:
    """A fact with nothing but what is given."""
    nothing = dict.fromkeys(fields_of(Fact))
    ends = {"key": key, "subject_key": subject, "predicate": "KNOWS", "object_key": object}
    return Fact(**nothing | ends | {"attributes": {}, "episode_keys": ()} | given)


def episode(key: str, **given: Any) -> Episode:
    """An episode with nothing but what is given."""
    nothing = dict.fromkeys(fields_of(Episode))
    return Episode(**nothing | {"key": key, "kind": EpisodeKind.TEXT, "metadata": {}} | given)


def numbered(prefix: str, count: int) -> list[str]:
    """Keys that sort as their numbers do."""
    return [f"{prefix}{number:05}" for number in itertools.islice(itertools.count(), count)]
