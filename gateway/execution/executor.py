"""Two doors to the engine: for Strawberry applications, and for plain schemas of graphql-core.

strawberry.Schema(…, execution_context_class=ExecutionContext)
execute(schema, document, …)          the meaning of graphql.execute
"""

from collections.abc import Awaitable
from typing import Any

import graphql
from graphql import GraphQLError
from graphql.execution import ExecutionResult

from gateway.execution.columns import Build
from gateway.execution.core import (
    AWAITABLE_PREDICATES,
    Executor,
    ExecutorThrowingOnIncremental,
    StrawberryGraphQLCoreExecutionContext,
    knows_streams,
)
from gateway.execution.plan import Plan
from gateway.execution.plan_cache import PlanCache
from gateway.execution.running import Run
from gateway.execution.shapes import Dicts, Encodable
from gateway.execution.unsupported import Unsupported, note_fallback


class BreadthFirst(Executor[Any]):
    """Runs an operation breadth-first if it can be, and leaves it to the next executor class if not."""

    answers: Build = Dicts()
    """How objects and lists of the answer are made."""
    most_objects: int | None = None
    """Objects that an answer may hold; one field more is an error, `AnswerTooLarge`."""

    def execute_operation(self, serially: bool | None = None) -> Any:
        """The result, or an awaitable of it."""
        plan, reason = self._plan()
        if plan is None:
            note_fallback(reason, self.operation)
            return super().execute_operation(serially)
        run = Run(plan, self, self.answers, most_objects=self.most_objects)
        return run.start(serially=plan.is_serial if serially is None else serially)

    def _plan(self) -> tuple[Plan | None, str]:
        """The plan, or why there is none."""
        try:
            self._check()
            cache = PlanCache.of(self.schema)
            plan = cache.plan(self.schema, self.operation, self.fragments, self.variable_values)
        except Unsupported as error:
            return None, str(error)
        except RecursionError:
            return None, "nested too deeply"
        except GraphQLError:
            return None, "selections that cannot be collected"
        return plan, ""

    def _check(self) -> None:
        """Raises Unsupported for what an executor may be given and the engine does not do."""
        if self.middleware_manager is not None and self.middleware_manager.middlewares:
            raise Unsupported("middleware")
        if self.abort_signal is not None:
            raise Unsupported("abort signal")
        if self.hooks is not None:
            raise Unsupported("hooks")
        if self.is_awaitable not in AWAITABLE_PREDICATES:
            raise Unsupported("a predicate of its own for awaitables")
        if not knows_streams(self.is_async_iterable):
            raise Unsupported("a predicate of its own for asynchronous iterables")


class ExecutionContext(BreadthFirst, StrawberryGraphQLCoreExecutionContext):
    """For `strawberry.Schema(execution_context_class=…)`."""


class EncodableExecutionContext(ExecutionContext):
    """The same for who only encodes the answer: its objects can be read by msgspec alone."""

    answers: Build = Encodable()


class _PlainExecutor(BreadthFirst, ExecutorThrowingOnIncremental):
    """For schemas of graphql-core."""


def execute(
    schema: graphql.GraphQLSchema,
    document: graphql.DocumentNode,
    root_value: Any = None,
    context_value: Any = None,
    variable_values: dict[str, Any] | None = None,
    operation_name: str | None = None,
    **options: Any,
) -> ExecutionResult | Awaitable[ExecutionResult]:
    """Execute an operation of a document, with the meaning of `graphql.execute`, whose further options it
    takes."""
    options.setdefault("executor_class", _PlainExecutor)
    return graphql.execute(
        schema, document, root_value, context_value, variable_values, operation_name, **options
    )
