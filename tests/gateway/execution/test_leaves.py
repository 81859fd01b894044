"""Columns of scalars that are coerced all at once."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import graphql
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.execution import execute
from gateway.execution.instants import isoformats

ZONES = st.sampled_from([UTC, UTC, UTC, None, UTC, timezone(timedelta(hours=-3))])


@settings(deadline=None)
@given(st.lists(st.datetimes(timezones=ZONES) | st.dates() | st.times(), max_size=5))
def test_instants_together_are_what_isoformat_gives_for_each(values: list[Any]) -> None:
    assert isoformats(values) == [each.isoformat() for each in values]


def test_the_first_and_the_last_instant() -> None:
    ends = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    assert isoformats(ends) == [each.isoformat() for each in ends]


class Doubling:
    """A serializer with a batch function, and what the two were called with."""

    def __init__(self) -> None:
        self.batches: list[list[Any]] = []
        self.alone: list[Any] = []

    def __call__(self, value: Any) -> int:
        self.alone.append(value)
        return self._double(value)

    def __batch__(self, values: list[Any]) -> list[int]:
        self.batches.append(values)
        return [self._double(value) for value in values]

    def _double(self, value: Any) -> int:
        if value == 13:
            raise ValueError("unlucky")
        return value * 2


@pytest.mark.parametrize(
    ("values", "expected", "messages", "alone"),
    [
        ([1, 2], [2, 4], [], []),
        ([1, None, 3], [2, None, 6], [], []),
        ([1, 13, None], [2, None, None], ["unlucky"], [1, 13]),
    ],
)
def test_a_serializer_is_asked_once_for_a_column_and_for_each_only_if_one_fails(
    values: list[Any], expected: list[Any], messages: list[str], alone: list[Any]
) -> None:
    double = Doubling()
    scalar = graphql.GraphQLScalarType("Double", coerce_output_value=double)
    query = graphql.GraphQLObjectType(
        "Query",
        {"numbers": graphql.GraphQLField(graphql.GraphQLList(scalar), resolve=lambda *_: values)},
    )
    result: Any = execute(graphql.GraphQLSchema(query), graphql.parse("{ numbers }"))
    assert result.data == {"numbers": expected}
    assert [error.message for error in result.errors or ()] == messages
    assert double.batches == [[value for value in values if value is not None]]
    assert double.alone == alone
