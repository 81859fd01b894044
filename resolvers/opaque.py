"""Opaque text that clients carry for us: base64url of MessagePack, read back strictly."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec

from backends.moment import ALL_TIME

_EPOCH = ALL_TIME.replace(year=1970, month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
_MICROSECOND = timedelta(microseconds=1)


def pack(values: Sequence[Any]) -> str:
    """The values as text."""
    return urlsafe_b64encode(msgspec.msgpack.encode(values)).rstrip(b"=").decode()


def unpack(text: str) -> list[Any]:
    """The values of a text that `pack` made.  Raises ValueError for any other."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        values = msgspec.msgpack.decode(urlsafe_b64decode(padded))
    except (UnicodeEncodeError, Error, msgspec.DecodeError, RecursionError) as error:
        raise ValueError("unreadable") from error
    if not isinstance(values, list) or pack(cast("list[Any]", values)) != text:
        raise ValueError("unreadable")
    return cast("list[Any]", values)


def pack_instant(instant: datetime | None) -> int | None:
    """Microseconds since 1970."""
    return None if instant is None else (instant - _EPOCH) // _MICROSECOND


def unpack_instant(value: Any) -> datetime | None:
    """The instant of `pack_instant`'s number.  Raises ValueError for what is none."""
    if value is None:
        return None
    if type(value) is not int:  # a bool is an int to isinstance
        raise ValueError("unreadable")
    try:
        return _EPOCH + timedelta(microseconds=value)
    except OverflowError as error:
        raise ValueError("unreadable") from error
