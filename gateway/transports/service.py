"""One operation: from what is asked to its answer, or its answers; the same beneath every transport."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

import msgspec
import strawberry
from graphql import DocumentNode, OperationType
from graphql.execution import ExecutionResult

from backends.federation import Federation
from backends.watching import HealthWatch
from gateway.context import create_context
from gateway.errors import plain, present_all
from gateway.incremental import CURRENT, without
from gateway.operations import Operations
from gateway.settings import Settings
from gateway.transports.asked import Asked
from gateway.transports.documents import Documents, read_manifest
from gateway.transports.refused import NotExecutable
from resolvers.context import Context


class Operation(msgspec.Struct, frozen=True):
    """What can be executed."""

    document: DocumentNode
    type: OperationType
    name: str | None
    variables: dict[str, Any] | None
    in_parts: DocumentNode | None = None
    """The document with @defer and @stream, if it has any of them."""


class Answer(msgspec.Struct, frozen=True):
    """What goes out; without execution there is no data in it."""

    content: Mapping[str, Any]
    is_executed: bool


class Service:
    """The operations of one schema over one federation."""

    def __init__(
        self, schema: strawberry.Schema, federation: Federation, settings: Settings
    ) -> None:
        self._operations = Operations(schema, settings)
        self._federation = federation
        self._watch = HealthWatch(federation, settings.streams.status_seconds)
        self._settings = settings
        chosen = settings.documents
        self._documents = Documents(
            read_manifest(chosen.manifest) if chosen.manifest else {},
            only_trusted=chosen.only_trusted,
            automatic=chosen.automatic,
        )

    def prepare(self, asked: Asked) -> Operation:
        """What is to be executed.  Raises Refused, NotExecutable."""
        variables = asked.decoded_variables(self._settings.limits.variables_bytes)
        prepared = self._operations.prepare(self._documents.text(asked))
        if prepared.document is None or prepared.errors:
            raise NotExecutable(present_all(prepared.errors, executed=False))
        self._documents.keep(asked)
        operation = prepared.operation(asked.operation_name)
        if operation is None:
            raise NotExecutable([_no_operation(asked)])
        in_parts = prepared.as_sent if prepared.as_sent is not prepared.document else None
        return Operation(
            prepared.document, operation.operation, asked.operation_name, variables, in_parts
        )

    async def answer(self, operation: Operation) -> Answer:
        """The answer of a query or mutation."""
        result = await self._operations.run(
            operation.document,
            self._context(),
            variables=operation.variables,
            operation_name=operation.name,
        )
        return _answer(result)

    async def answers(self, operation: Operation) -> AsyncGenerator[Answer]:
        """The answers of any operation: of a subscription one for each event, else the one that there is."""
        if operation.type is not OperationType.SUBSCRIPTION:
            yield await self.answer(operation)
            return
        results = self._operations.subscribe(
            operation.document,
            self._context,
            variables=operation.variables,
            operation_name=operation.name,
        )
        async with aclosing(results):
            async for result in results:
                yield _answer(result)

    async def answer_in_parts(self, operation: Operation, form: str) -> AsyncGenerator[Answer]:
        """The answer of a query or mutation part by part, in one of `incremental.FORMATS`."""
        document = operation.in_parts or operation.document
        results = self._operations.run_in_parts(
            document if form == CURRENT else without(document, {"stream"}),
            self._context(),
            variables=operation.variables,
            operation_name=operation.name,
            form=form,
        )
        async with aclosing(results):
            async for result in results:
                yield (
                    _answer(result)
                    if isinstance(result, ExecutionResult)
                    else Answer(result, is_executed=True)
                )

    def _context(self) -> Context:
        return create_context(self._federation, self._watch, self._settings)


def _answer(result: ExecutionResult) -> Answer:
    errors = present_all(result.errors or [], executed=True)
    if result.data is None and _never_began(errors):
        return Answer({"errors": errors}, is_executed=False)
    content: dict[str, Any] = {"data": result.data}
    if errors:
        content["errors"] = errors
    return Answer(content, is_executed=True)


def _never_began(errors: list[dict[str, Any]]) -> bool:
    """Whether errors are of variables, or of the choice of an operation: nothing was executed."""
    return any(
        "path" not in error and error["extensions"]["code"] == "BAD_USER_INPUT" for error in errors
    )


def _no_operation(asked: Asked) -> dict[str, Any]:
    reason = (
        f"the document has no operation {asked.operation_name!r}"
        if asked.operation_name
        else "the document has several operations (or none); name one with operationName"
    )
    return plain(reason, "BAD_USER_INPUT")
