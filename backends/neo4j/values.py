"""Values on their way in and out of properties.

Times are written and read as text that the server turns into its zoned datetimes and back: the driver
takes forty microseconds for each one of its own.  What lists compare stands beside as `…Order`: times as
numbers, texts as `ordered`, because Neo4j sorts stored strings by code point and compares others by
UTF-16.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec

from backends.records import EpisodeKind, Value

SORT_LENGTH = 200
"""Characters of a name that lists compare (semantics.md, Order)."""

MISSING = 1 << 62
"""Stands for a missing time in a property that lists are sorted by: an index holds what has every one of
its properties, and missing values come last."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def ordered(text: str) -> str:
    """The text's UTF-8 as one character a byte: sorts by code point however it is compared.  ASCII stays
    as it is."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("latin-1")


def name_order(name: str) -> str:
    """What lists compare of a name."""
    return ordered(name[:SORT_LENGTH])


def short(text: str) -> str:
    """The text, or its digest where it is too long for an index (8 kB, all properties together)."""
    data = text.encode("utf-8", "surrogatepass")
    return text if len(data) <= 1_000 else hashlib.blake2b(data, digest_size=24).hexdigest()


def time_order(instant: datetime | None) -> int:
    """Microseconds since 1970, `MISSING` for none."""
    return MISSING if instant is None else (instant - _EPOCH) // _MICROSECOND


def order_of(value: Value) -> Any:
    """The value of a position as its `…Order` property holds it."""
    if value is None or isinstance(value, datetime):
        return time_order(value)
    return ordered(value) if isinstance(value, str) else value


def time_text(instant: datetime | None) -> str | None:
    """What `datetime()` makes the stored value of."""
    return None if instant is None else instant.astimezone(UTC).isoformat()


def json_text(value: Any) -> str:
    """JSON as it is stored: Neo4j holds no nested maps."""
    return msgspec.json.encode(value).decode()


# Reading.  Another program may have written anything: what can be read is, the rest is a ValueError
# that says what is there.


def read_text(value: Any) -> str | None:
    """A text; a number or a truth value as it would be written."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, (bool, int, float)):
        return msgspec.json.encode(value).decode()
    raise ValueError(f"{_shown(value)}, which is no text")


def read_required(value: Any) -> str:
    """A text that must be there."""
    if type(value) is str:
        return value
    text = read_text(value)
    if text is None:
        raise ValueError("nothing, where a text must be")
    return text


def read_instant(value: Any) -> datetime | None:
    """A time of the text that the server makes of it, in UTC; without an offset it is UTC."""
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value.partition("[")[0])
        if instant.tzinfo is UTC:
            return instant
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError, AttributeError) as error:
        raise ValueError(f"{_shown(value)}, which is no time in the years 1 to 9999") from error


def read_json(value: Any) -> dict[str, Any]:
    """An object of its JSON text."""
    if value is None:
        return {}
    try:
        decoded = msgspec.json.decode(value)
    except (msgspec.DecodeError, TypeError) as error:
        raise ValueError(f"{_shown(value)}, which is no JSON") from error
    if not isinstance(decoded, dict):
        raise ValueError(f"{_shown(value)}, which is no JSON object")
    return cast("dict[str, Any]", decoded)


def read_texts(value: Any) -> list[str]:
    """A list of texts; one text is a list of it."""
    if value is None:
        return []
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [read_required(item) for item in items]


def read_episode_kind(value: Any) -> EpisodeKind:
    """A kind of episode, TEXT where none is."""
    if value is None:
        return EpisodeKind.TEXT
    try:
        return EpisodeKind(value)
    except ValueError as error:
        allowed = ", ".join(kind.value for kind in EpisodeKind)
        raise ValueError(f"{_shown(value)}, which is none of {allowed}") from error


def _shown(value: Any) -> str:
    return repr(value)[:60]
