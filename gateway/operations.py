"""Operations: documents prepared once, and run by the executor that the settings name."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from inspect import isawaitable
from typing import Any, cast

import graphql
import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    SelectionSetNode,
    located_error,
)
from graphql.execution import ExecutionResult, Executor
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from backends.errors import LimitExceeded
from gateway.execution import EncodableExecutionContext
from gateway.execution.document_cache import DocumentCache, Prepared
from gateway.incremental import DIRECTIVES, Frames, without
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


def _plain(document: DocumentNode, text: str) -> DocumentNode:
    """The document without @defer and @stream; most documents have no directive at all, and need no walk."""
    return without(document, DIRECTIVES) if "@" in text else document


_is_awaitable: Any = optimized_is_awaitable
_source_of_events = cast("Callable[[Any], Any]", graphql.create_source_event_stream)


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
            simplify=_plain,
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
        root: Any = None,
    ) -> ExecutionResult:
        """Execute an operation of a prepared document, within the time that one may take; of a subscription
        `root` is the event."""
        try:
            async with asyncio.timeout(self._seconds):
                result = graphql.experimental_execute_incrementally(
                    self._schema,
                    document,
                    root,
                    context_value=context,
                    variable_values=variables,
                    operation_name=operation_name,
                    executor_class=self._executor,
                    is_awaitable=_is_awaitable,
                )
                # The document has neither @defer nor @stream: it is one result.
                return cast("ExecutionResult", await result if isawaitable(result) else result)
        except TimeoutError:
            return ExecutionResult(None, [self._too_long()])

    async def run_in_parts(
        self,
        document: DocumentNode,
        context: Context,
        *,
        variables: dict[str, Any] | None,
        operation_name: str | None,
        form: str,
    ) -> AsyncGenerator[ExecutionResult | dict[str, Any]]:
        """Execute an operation with @defer or @stream: the frames of its answer in one of `incremental.FORMATS`,
        or the one result if nothing was deferred.  graphql-core executes it."""
        ends = asyncio.get_running_loop().time() + self._seconds
        result: Any = graphql.experimental_execute_incrementally(
            self._schema,
            document,
            context_value=context,
            variable_values=variables,
            operation_name=operation_name,
            executor_class=StrawberryGraphQLCoreExecutionContext,
            is_awaitable=_is_awaitable,
        )
        try:
            async with asyncio.timeout_at(ends):
                result = await result if isawaitable(result) else result
        except TimeoutError:
            result = ExecutionResult(None, [self._too_long()])
        if isinstance(result, ExecutionResult):
            yield result
            return
        frames = Frames(form)
        async with aclosing(result.subsequent_results) as following:
            yield frames.first(result.initial_result)
            while True:
                try:
                    async with asyncio.timeout_at(ends):
                        part = await anext(following)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    yield frames.failed([self._too_long()])
                    return
                yield frames.following(part)

    def _too_long(self) -> GraphQLError:
        message = (
            f"the operation took longer than {self._seconds:g} seconds (limits.seconds); "
            "ask for less, or split it into several requests"
        )
        return GraphQLError(message, original_error=LimitExceeded(message))

    async def subscribe(
        self,
        document: DocumentNode,
        create_context: Callable[[], Context],
        *,
        variables: dict[str, Any] | None,
        operation_name: str | None,
    ) -> AsyncGenerator[ExecutionResult]:
        """The results of a subscription: each event is an execution of its own, with its own context."""
        executor = cast("Any", self._executor).build(
            self._schema,
            document,
            context_value=create_context(),
            raw_variable_values=variables,
            operation_name=operation_name,
            is_awaitable=_is_awaitable,
        )
        if isinstance(executor, list):  # of what is wrong with the variables
            yield ExecutionResult(None, cast("list[GraphQLError]", executor))
            return
        events = _source_of_events(executor)
        if isawaitable(events):
            events = await events
        if isinstance(events, ExecutionResult):
            yield events
            return
        async with aclosing(events):
            try:
                async for event in events:
                    yield await self.run(
                        document, create_context(), variables=variables,
                        operation_name=operation_name, root=event,
                    )  # fmt: skip
            except Exception as error:  # noqa: BLE001 - the source's, which may raise anything
                yield ExecutionResult(None, [_of_root(error, executor)])


def _of_root(error: Exception, executor: Executor[Any]) -> GraphQLError:
    """An error of a subscription's source, at the place of its field: the only one, by validation."""
    field = _first_field(executor.operation.selection_set, executor)
    if field is None:
        return located_error(error, [executor.operation])
    return located_error(error, [field], [field.alias.value if field.alias else field.name.value])


def _first_field(selections: SelectionSetNode, executor: Executor[Any]) -> FieldNode | None:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            return node
        if isinstance(node, FragmentSpreadNode):
            inner = executor.fragment_definitions[node.name.value].selection_set
        else:
            inner = cast("InlineFragmentNode", node).selection_set
        if (field := _first_field(inner, executor)) is not None:
            return field
    return None
