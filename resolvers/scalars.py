"""Scalars, and enumerations of the records with their descriptions."""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any, NewType, TypeVar, cast

import strawberry
from graphql import GraphQLError
from strawberry.types.enum import EnumValue, StrawberryEnumDefinition
from strawberry.types.scalar import ScalarDefinition

from backends.times import format_instant, format_instants, parse_instant

E = TypeVar("E", bound=type[Enum])

JSON = NewType("JSON", object)


def _parse_datetime(value: Any) -> datetime:
    if not isinstance(value, str):
        raise GraphQLError(
            f"{value!r} is not text; a time such as 2012-06-01T00:00:00Z is expected"
        )
    try:
        return parse_instant(value, assume_utc=False)
    except ValueError as error:
        raise GraphQLError(str(error)) from error


def _format_datetime(value: datetime) -> str:
    return format_instant(value)


_format_datetime.__batch__ = format_instants  # pyright: ignore[reportFunctionMemberAccess]

SCALARS: Mapping[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description=(
            "An instant, RFC 3339 with an offset, to the microsecond: 2012-06-01T00:00:00Z. "
            "Answers are UTC and end in Z."
        ),
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=_format_datetime,
        parse_value=_parse_datetime,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value: object, list, string, number, boolean or null.",
        specified_by_url="https://ecma-international.org/publications-and-standards/standards/ecma-404/",
        serialize=lambda value: value,
        parse_value=lambda value: value,
    ),
}


def described(members: E, *, name: str, description: str, values: Mapping[str, str]) -> E:
    """An enumeration of the records as a GraphQL enum, each value described."""
    strawberry.enum(members, name=name, description=description)
    definition = cast("StrawberryEnumDefinition", getattr(members, "__strawberry_definition__"))  # noqa: B009
    enum_values: list[EnumValue] = definition.values
    for value in enum_values:
        value.description = values[value.name]
    return members
