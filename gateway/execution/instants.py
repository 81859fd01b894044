"""Instants as text, a column at a time: msgspec writes those in UTC in a tenth of the time that
`datetime.isoformat` takes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec


def isoformats(values: Sequence[Any]) -> list[str]:
    """What the method `isoformat` gives for each.  Raises what it raises."""
    if not all(type(each) is datetime and each.tzinfo is UTC for each in values):
        return [each.isoformat() for each in values]
    text = msgspec.json.encode(values).decode().replace('Z"', '+00:00"')
    return text[2:-2].split('","') if values else []
