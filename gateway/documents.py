"""GraphQL documents, parsed and validated once while they are remembered.

Limits come first: tokens are counted while parsing, before anything that grows faster than they do.
"""

from collections import OrderedDict
from collections.abc import Iterator

import msgspec
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
    parse,
    validate,
)
from strawberry.extensions import SchemaExtension

from backends.errors import LimitExceeded

REMEMBERED = 512
"""Documents kept."""
LONGEST_REMEMBERED = 32 * 1024
"""Characters of a document that is kept: together with their number this bounds the memory."""


class Prepared(msgspec.Struct, frozen=True, eq=False):
    """A document that may be executed, or what is wrong with it."""

    document: DocumentNode | None
    errors: list[GraphQLError]

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation of that name; without one, the only one; `None` if there is no such one."""
        assert self.document is not None
        return get_operation_ast(self.document, name)


class Documents:
    """Prepares documents for one schema."""

    def __init__(self, schema: GraphQLSchema, *, most_tokens: int) -> None:
        self._schema = schema
        self._most_tokens = most_tokens
        self._remembered: OrderedDict[str, Prepared] = OrderedDict()

    def prepare(self, text: str) -> Prepared:
        """Parse and validate; never raises for what a client can send."""
        if (known := self._remembered.get(text)) is not None:
            self._remembered.move_to_end(text)
            return known
        prepared = self._prepare(text)
        if len(text) <= LONGEST_REMEMBERED:
            self._remembered[text] = prepared
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        return prepared

    def _prepare(self, text: str) -> Prepared:
        try:
            document = parse(text, max_tokens=self._most_tokens)
            return Prepared(document, validate(self._schema, document))
        except GraphQLSyntaxError as error:
            if "Parsing aborted" in error.message:
                return Prepared(
                    None, [self._too_large("tokens", f"more than {self._most_tokens:,}")]
                )
            return Prepared(None, [error])
        except RecursionError:
            return Prepared(None, [self._too_large("nesting", "too deep")])

    def _too_large(self, what: str, how: str) -> GraphQLError:
        message = f"the document's {what}: {how}; split it into several requests"
        return GraphQLError(message, original_error=LimitExceeded(message))


class UsePrepared(SchemaExtension):
    """Has Strawberry execute the document that the context carries, without parsing it again."""

    def on_parse(self) -> Iterator[None]:
        """Hand the document over."""
        context = self.execution_context
        context.graphql_document = context.context.document
        yield

    def on_validate(self) -> Iterator[None]:
        """It was validated."""
        self.execution_context.pre_execution_errors = []
        yield


def is_query(operation: OperationDefinitionNode) -> bool:
    """Whether an operation only reads."""
    return operation.operation is OperationType.QUERY
