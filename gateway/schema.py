"""The schema: Query, Subscription and all that they reach, and its printed form."""

import strawberry
from graphql import build_schema, lexicographic_sort_schema, print_schema
from strawberry.schema.config import StrawberryConfig

from resolvers.scalars import SCALARS
from resolvers.snapshot import Query, Snapshot
from resolvers.subscription import Subscription


def create_schema() -> strawberry.Schema:
    """The schema, built once for a process."""
    return strawberry.Schema(
        query=Query,
        subscription=Subscription,
        types=[Snapshot],
        config=StrawberryConfig(scalar_map=SCALARS, enable_experimental_incremental_execution=True),
    )


def print_sdl(schema: strawberry.Schema) -> str:
    """The schema in SDL, sorted: what `schema.graphql` holds and clients generate from."""
    return print_schema(lexicographic_sort_schema(build_schema(schema.as_str()))) + "\n"
