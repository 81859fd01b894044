"""Column types: one spelling for both dialects.

Instant     SQLite: microseconds since 1970, PostgreSQL: timestamptz
TextList    SQLite: JSON for json_each,      PostgreSQL: text[]

No stored text holds U+0000: PostgreSQL refuses it, and SQLite's functions take what stands before it.
"""

import enum
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

RowId = Integer().with_variant(BigInteger(), "postgresql")
"""The number of a row (SQLite's Integer is one of 64 bits)."""


class Unreadable(ValueError):
    """A row that another hand wrote holds what its column cannot mean."""


class Instant(TypeDecorator[datetime]):
    """An aware datetime in UTC to the microsecond; in SQLite a number, which sorts and loses nothing."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(TIMESTAMP(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name == "postgresql":
            return value
        return (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "postgresql":  # the first and the last instant are its infinities, bare
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        return EPOCH + timedelta(microseconds=value)


class TextList(TypeDecorator[Any]):
    """Texts as one parameter, without those that are nowhere stored; each cut in PostgreSQL to its first
    `head` characters if that is set (see `dialect.same`)."""

    impl = Text
    cache_ok = True

    def __init__(self, head: int | None = None) -> None:
        super().__init__()
        self.head = head

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(Text()))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Sequence[str] | None, dialect: Dialect) -> Any:
        texts = self._stored(value or ())
        if dialect.name == "postgresql":
            return texts if self.head is None else [each[: self.head] for each in texts]
        return msgspec.json.encode(texts).decode()

    def _stored(self, texts: Sequence[str]) -> list[str]:
        return [text for text in texts if "\0" not in text]


class KeyList(TextList):
    """Keys by their places: "", which is no key, for one that is nowhere stored."""

    cache_ok = True

    def _stored(self, texts: Sequence[str]) -> list[str]:
        return place_holders(texts)


class NameList(TextList):
    """Members of an enumeration as their values."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return super().process_bind_param([member.value for member in value or ()], dialect)


class Folded(TypeDecorator[str]):
    """A text with its ASCII letters in lower case; missing if it is in no stored text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or "\0" in value:
            return None
        return value.encode().lower().decode()


def place_holders(keys: Sequence[str]) -> list[str]:
    """The keys, "" for one that no store can hold."""
    return ["" if "\0" in key else key for key in keys]


class JsonText(TypeDecorator[Any]):
    """Any JSON value as text: keys keep their order, numbers their spelling."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        try:
            return None if value is None else msgspec.json.decode(value)
        except msgspec.DecodeError as error:
            raise Unreadable(f"a stored value {str(value)[:60]!r} is no JSON: {error}") from error


class EnumName(TypeDecorator[Any]):
    """A member of an enumeration as its value."""

    impl = Text
    cache_ok = True

    def __init__(self, members: type[enum.Enum]) -> None:
        super().__init__()
        self.members = members

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else value.value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        try:
            return None if value is None else self.members(value)
        except ValueError as error:
            known = ", ".join(str(each.value) for each in self.members)
            raise Unreadable(f"a stored value {value!r} is none of {known}") from error
