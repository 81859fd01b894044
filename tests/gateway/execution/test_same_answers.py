"""Schemas and operations of every sort, answered as graphql-core's synchronous execution answers them."""

from collections.abc import Iterator
from dataclasses import dataclass

import graphql
import pytest
from graphql import DocumentNode, GraphQLSchema, parse
from hypothesis import given, note
from hypothesis import strategies as st

from gateway.execution import execute
from gateway.execution.unsupported import fallbacks
from tests.gateway.execution.comparing import Answer, Fault, answer, check, faults
from tests.gateway.execution.examples import PROFILE
from tests.gateway.execution.queries import Query, queries
from tests.gateway.execution.schemas import Schema, schemas
from tests.gateway.execution.strict import Strict
from tests.gateway.execution.values import MOST, Numbers
from tests.gateway.execution.ways import Way, World, built


@dataclass
class Case:
    """A schema, an operation, and what there is at each place."""

    schema: Schema
    query: Query
    numbers: Numbers

    def __repr__(self) -> str:
        return (
            f"{self.schema.text}\n# predicates: {sorted(self.schema.predicates)}, functions: "
            f"{sorted(self.schema.functions)}, without resolvers: {sorted(self.schema.bare)}\n"
            f"{self.query.document}\n# variables: {self.query.variables}\n# {self.numbers}"
        )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    schema = draw(schemas())
    numbers = draw(st.lists(st.integers(0, MOST), min_size=1, max_size=60))
    return Case(schema, draw(queries(schema)), Numbers(tuple(numbers)))


@pytest.fixture(scope="module")
def loop() -> Iterator[Strict]:
    strict = Strict()
    yield strict
    strict.close()


class Asked:
    """A case, asked of the reference and of the engine."""

    def __init__(self, case: Case, *, has_batches: bool) -> None:
        self.schema: GraphQLSchema = built(case.schema, has_batches=has_batches)
        self.document: DocumentNode = parse(case.query.document)
        self.variables = case.query.variables
        self.numbers = case.numbers

    def world(self, way: Way = Way.AT_ONCE) -> World:
        return World(self.numbers, way)

    def expected(self, world: World) -> Answer:
        return answer(
            graphql.execute_sync(
                self.schema, self.document, context_value=world, variable_values=self.variables
            )
        )

    def faults(self) -> list[Fault]:
        return faults(self.schema, self.document, context=self.world(), variables=self.variables)

    def found(self, world: World, loop: Strict) -> Answer:
        before = fallbacks.copy()
        found = answer(
            loop.run(
                lambda: execute(
                    self.schema, self.document, context_value=world, variable_values=self.variables
                )
            )
        )
        assert set(fallbacks - before) <= {"selections that cannot be collected"}
        return found


@given(case=cases())
@PROFILE
def test_however_values_arrive_an_answer_is_that_of_synchronous_execution(
    case: Case, loop: Strict
) -> None:
    alone, batched = Asked(case, has_batches=False), Asked(case, has_batches=True)
    for way in Way:
        note(f"values arrive {way.value}")
        asked = batched if way.has_batches else alone
        ours, theirs = asked.world(way), asked.world()
        expected, found = asked.expected(theirs), asked.found(ours, loop)
        was_executed = all(error.path is not None for error in expected.errors)
        if way is Way.AT_ONCE or not was_executed:
            assert found == expected
        else:
            known = asked.faults()
            check(expected, expected.data, known)  # the statement holds for the reference itself
            check(found, expected.data, known)
        if case.query.document.startswith("mutation"):
            assert ours.asked == theirs.asked
