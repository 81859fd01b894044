"""Operations: documents prepared once, and run by the executor that the settings name."""

import asyncio
from inspect import isawaitable
from typing import Any

import graphql
import strawberry
from graphql import DocumentNode, GraphQLError
from graphql.execution import ExecutionResult, Executor
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from backends.errors import LimitExceeded
from gateway.execution import EncodableExecutionContext
from gateway.execution.document_cache import DocumentCache, Prepared
from gateway.limits import exceeded, named
from gateway.settings import Settings
from resolvers.context import Context


def executor_of(settings: Settings) -> type[Executor[Any]]:
    """The executor that the settings name."""
    if settings.execution == "graphql_core":
        return StrawberryGraphQLCoreExecutionContext

    class BreadthFirst(EncodableExecutionContext):
        most_objects = settings.limits.objects

    return BreadthFirst


_is_awaitable: Any = optimized_is_awaitable


class Operations:
    """The operations of one schema."""

    def __init__(self, schema: strawberry.Schema, settings: Settings) -> None:
        self._schema = schema._schema  # pyright: ignore[reportPrivateUsage] - there is no public way
        self._executor = executor_of(settings)
        self._seconds = settings.limits.seconds
        limits = self._limits = settings.document_limits
        self._documents = DocumentCache(
            self._schema,
            most_tokens=limits.tokens,
            check=lambda document, text: exceeded(document, text, limits),
        )

    def prepare(self, text: str) -> Prepared:
        """A document that may be executed, or what is wrong with it; never raises."""
        prepared = self._documents.prepare(text)
        if prepared.document is not None:
            return prepared
        return Prepared(None, [named(error, self._limits) for error in prepared.errors])

    async def run(
        self,
        document: DocumentNode,
        context: Context,
        *,
        variables: dict[str, Any] | None,
        operation_name: str | None,
    ) -> ExecutionResult:
        """Execute an operation of a prepared document, within the time that one may take."""
        try:
            async with asyncio.timeout(self._seconds):
                result = graphql.execute(
                    self._schema,
                    document,
                    context_value=context,
                    variable_values=variables,
                    operation_name=operation_name,
                    executor_class=self._executor,
                    is_awaitable=_is_awaitable,
                )
                return await result if isawaitable(result) else result
        except TimeoutError:
            message = (
                f"the operation took longer than {self._seconds:g} seconds (limits.seconds); "
                "ask for less, or split it into several requests"
            )
            error = GraphQLError(message, original_error=LimitExceeded(message))
            return ExecutionResult(None, [error])
