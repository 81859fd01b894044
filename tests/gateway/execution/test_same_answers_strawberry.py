"""Strawberry schemas are answered with the engine as they are without it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import msgspec
import pytest
import strawberry
from hypothesis import given, settings
from strawberry.extensions import DisableValidation
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.execution import EncodableExecutionContext, ExecutionContext
from gateway.execution.unsupported import fallbacks
from tests.gateway.execution.comparing import (
    Answer,
    Everything,
    Fault,
    answer,
    check,
    in_order,
)
from tests.gateway.execution.examples import PROFILE
from tests.gateway.execution.library import library
from tests.gateway.execution.library_queries import library_queries
from tests.gateway.execution.queries import Query
from tests.gateway.execution.strict import Strict, no_warnings


class _Faults(Everything, StrawberryGraphQLCoreExecutionContext):
    """Does all that there is to do, under Strawberry; the last one is kept."""

    last: ClassVar[Any] = None

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        _Faults.last = self


def quiet(**options: Any) -> strawberry.Schema:
    """The library; its errors are looked at, not logged, and operations need not be valid."""
    schema: Any = library(extensions=[DisableValidation], **options)
    schema.process_errors = lambda *_, **__: None
    return schema


PLAIN = quiet()
EVERYTHING = quiet(execution_context_class=_Faults)
ENGINE = quiet(execution_context_class=ExecutionContext)
ENCODED = quiet(execution_context_class=EncodableExecutionContext)
SCHEMA: Any = PLAIN._schema


@pytest.fixture(scope="module")
def loop() -> Iterator[Strict]:
    strict = Strict()
    yield strict
    strict.close()


@contextmanager
def by_the_engine() -> Iterator[None]:
    """Nothing within is left to graphql-core."""
    before = fallbacks.copy()
    yield
    assert fallbacks == before


def asked(loop: Strict, schema: strawberry.Schema, query: Query) -> Any:
    return loop.run(lambda: schema.execute(query.document, query.variables))


def answer_without(loop: Strict, schema: strawberry.Schema, query: Query) -> Answer:
    return loop.run_theirs(lambda: schema.execute(query.document, query.variables), answer)


def faults(loop: Strict, query: Query) -> list[Fault]:
    found = answer_without(loop, EVERYTHING, query)
    executor, _Faults.last = _Faults.last, None
    return in_order(executor.faults(found), found.data)


@given(query=library_queries(SCHEMA, waits=True))
@PROFILE
def test_execute_answers_as_without_the_engine(query: Query, loop: Strict) -> None:
    expected = answer_without(loop, PLAIN, query)
    with by_the_engine():
        found = answer(asked(loop, ENGINE, query))
    if any(error.path is None for error in expected.errors):  # it was not executed
        assert found == expected
        return
    check(found, expected.data, faults(loop, query))


@given(query=library_queries(SCHEMA, waits=True))
@settings(PROFILE, max_examples=PROFILE.max_examples // 3)
def test_what_is_to_be_encoded_is_encoded_as_its_data(query: Query, loop: Strict) -> None:
    found = None
    for _ in range(3):  # its classes are made when a selection comes again
        found = asked(loop, ENCODED, query)
    encoded = msgspec.json.encode(found.data)
    assert json.dumps(json.loads(encoded)) == answer(asked(loop, ENGINE, query)).data


@given(query=library_queries(SCHEMA, waits=False))
@PROFILE
def test_execute_sync_answers_as_without_the_engine(query: Query) -> None:
    with no_warnings(), by_the_engine():
        found = answer(ENGINE.execute_sync(query.document, query.variables))
    assert found == answer(PLAIN.execute_sync(query.document, query.variables))
