"""What the engine takes from inside graphql-core and Strawberry: in one place, since little of it is public
and some of it is only half typed."""

# pyright: reportUnknownVariableType=false

from collections.abc import AsyncGenerator, Callable
from typing import Any

from graphql import is_list_type, is_non_null_type
from graphql.execution.execute import assume_not_awaitable
from graphql.execution.executor import Executor, invalid_return_type_error
from graphql.execution.executor_throwing_on_incremental import ExecutorThrowingOnIncremental
from graphql.pyutils import is_iterable
from graphql.pyutils.is_awaitable import is_async_iterable, is_awaitable
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.extensions.field_extension import build_field_extension_resolvers
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter, get_arguments
from strawberry.schema.types.base_scalars import isoformat

AWAITABLE_PREDICATES: tuple[Any, ...] = (
    is_awaitable,
    optimized_is_awaitable,
    assume_not_awaitable,
)
"""Predicates for awaitables that the engine's own agrees with."""


def ignores_streams(predicate: Any) -> bool:
    """Whether a predicate takes no value for an asynchronous iterable."""
    return predicate is not is_async_iterable and not predicate(_STREAM)


def knows_streams(predicate: Any) -> bool:
    """Whether the engine's own judgement of what is an asynchronous iterable is the predicate's."""
    return predicate is is_async_iterable or ignores_streams(predicate)


async def _stream() -> AsyncGenerator[None]:
    yield


_STREAM = _stream()

STRAWBERRY_FIELD = GraphQLCoreConverter.DEFINITION_BACKREF
"""Under what a field of the schema knows its Strawberry field."""

assumes_nothing_awaitable: Any = assume_not_awaitable
"""The predicate of who wants nothing awaited."""

is_iterable_value: Callable[[Any], bool] = is_iterable
is_list: Callable[[Any], bool] = is_list_type
is_non_null: Callable[[Any], bool] = is_non_null_type
convert_arguments: Callable[..., tuple[list[Any], dict[str, Any]]] = get_arguments
complete_leaf: Callable[[Any, Any], Any] = Executor.complete_leaf_value
extension_resolvers: Callable[[Any], list[Any]] = build_field_extension_resolvers

__all__ = [
    "AWAITABLE_PREDICATES",
    "STRAWBERRY_FIELD",
    "Executor",
    "ExecutorThrowingOnIncremental",
    "StrawberryGraphQLCoreExecutionContext",
    "assumes_nothing_awaitable",
    "complete_leaf",
    "convert_arguments",
    "extension_resolvers",
    "ignores_streams",
    "invalid_return_type_error",
    "is_iterable_value",
    "is_list",
    "is_non_null",
    "isoformat",
    "knows_streams",
]
