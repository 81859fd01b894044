"""Inputs that several filters share, and what they come to."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from enum import Enum

import strawberry
from strawberry import UNSET

from backends.metadata import presence_token, value_token
from backends.records import MetadataMatch as Match
from backends.records import Order, TimeRange
from resolvers.arguments import given, listed
from resolvers.errors import InputError
from resolvers.scalars import JSON


@strawberry.input(
    description="From a time (inclusive) to another (exclusive); a missing value is in no range, `{}` is as if absent."
)
class DateTimeRange:
    from_: datetime | None = strawberry.field(
        name="from", default=UNSET, description="At this time or later."
    )
    to: datetime | None = strawberry.field(default=UNSET, description="Before this time.")


@strawberry.input(
    description="What must stand at a path of the metadata; its conditions are joined by AND, and a path alone is true."
)
class MetadataMatch:
    path: str = strawberry.field(
        description="A dotted path into objects; no list indexes, and a key that holds a dot cannot be reached."
    )
    equals: JSON | None = strawberry.field(
        default=UNSET,
        description='The JSON value there: 1 equals 1.0; "1", true and 1 are three things.',
    )
    in_: list[JSON] | None = strawberry.field(
        name="in", default=UNSET, description="One of these JSON values; none for `[]`."
    )
    exists: bool | None = strawberry.field(
        default=UNSET, description="True: a value is there and is not null; false: none is."
    )


@strawberry.enum(description="Which way an order goes; missing values come last in both.")
class SortDirection(Enum):
    ASC = strawberry.enum_value("ASC", description="Smallest first.")
    DESC = strawberry.enum_value("DESC", description="Largest first.")


def time_range(name: str, value: DateTimeRange | None) -> TimeRange | None:
    """A range, `None` if it says nothing.  Raises InputError for one that ends before it starts."""
    if value is None or value is UNSET:
        return None
    start, end = given(value.from_, None), given(value.to, None)
    if start is None and end is None:
        return None
    if start is not None and end is not None and start >= end:
        raise InputError(
            f"{name}: from {start.isoformat()} is not before to {end.isoformat()}; "
            "a range includes its start and excludes its end"
        )
    return TimeRange(start=start, end=end)


def metadata_matches(value: list[MetadataMatch] | None) -> tuple[Match, ...]:
    """Matches, all of which must be met."""
    return tuple(match for each in listed(value) or () for match in _matches(each))


def order_of(by: Enum, direction: SortDirection | None) -> Order:
    """The order by a record's attribute, which the sort's value names."""
    return Order(by.value, given(direction, SortDirection.ASC) is SortDirection.DESC)


def _tokens(path: str, values: Iterable[object]) -> tuple[str, ...]:
    """The tokens of values at a path; a number too large for JSON is equal to none that is stored."""
    tokens: list[str] = []
    for value in values:
        with suppress(ValueError):
            tokens.append(value_token(path, value))
    return tuple(tokens)


def _matches(value: MetadataMatch) -> list[Match]:
    matches: list[Match] = []
    path = value.path
    try:
        if (equals := given(value.equals, None)) is not None:
            matches.append(Match(tokens=_tokens(path, [equals])))
        if (among := listed(value.in_)) is not None:
            matches.append(Match(tokens=_tokens(path, among)))
    except RecursionError as error:
        raise InputError("metadata: a value is nested too deeply") from error
    if (exists := given(value.exists, None)) is not None:
        matches.append(Match(tokens=(presence_token(path),), negated=not exists))
    return matches
