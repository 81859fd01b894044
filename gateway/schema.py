"""The schema: Query and all that it reaches, and its printed form."""

from collections.abc import Sequence

import strawberry
from graphql import GraphQLError, build_schema, lexicographic_sort_schema, print_schema
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from gateway.documents import UsePrepared
from resolvers.scalars import SCALARS
from resolvers.snapshot import Query, Snapshot


class Schema(strawberry.Schema):
    """Leaves the reporting of errors to `gateway.errors`, which knows what is unexpected."""

    def process_errors(
        self, errors: Sequence[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Nothing."""


def create_schema() -> Schema:
    """The schema, built once for a process."""
    return Schema(
        query=Query,
        types=[Snapshot],
        config=StrawberryConfig(scalar_map=SCALARS),
        extensions=[UsePrepared],
    )


def print_sdl(schema: Schema) -> str:
    """The schema in SDL, sorted: what `schema.graphql` holds and clients generate from."""
    return print_schema(lexicographic_sort_schema(build_schema(schema.as_str()))) + "\n"
