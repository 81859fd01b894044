"""Documents, parsed, checked and validated once while they are remembered.

What a client sends for the first time is on probation: only what is sent again joins the documents that
stay.  So a stream of documents that are all different pushes out nothing but itself.  Both parts are
bounded by their number and by the length of their texts; a parsed document takes about 100 bytes for each
character of its text, its plans about as much again.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    get_operation_ast,
    parse,
    validate,
)

DOCUMENTS = 512
"""Documents in each part."""
CHARACTERS = 256 * 1024
"""Of all texts in each part; a longer document is prepared each time that it is sent."""

TOO_DEEP = "The document is nested too deeply."

T = TypeVar("T")

Check = Callable[[DocumentNode, str], GraphQLError | None]
"""Says what is wrong with a parsed document and its text, before it is validated."""


class Prepared(msgspec.Struct, frozen=True, eq=False):
    """A document that may be executed, or what is wrong with it."""

    document: DocumentNode | None
    errors: Sequence[GraphQLError]
    as_sent: DocumentNode | None = None
    """Before `simplify` took something away from it."""

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation of that name; without one, the only one; `None` if there is no such one."""
        return None if self.document is None else get_operation_ast(self.document, name)


class DocumentCache:
    """Prepares documents for one schema."""

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        most_tokens: int | None = None,
        check: Check | None = None,
        simplify: Callable[[DocumentNode, str], DocumentNode] | None = None,
    ) -> None:
        self._schema = schema
        self._most_tokens = most_tokens
        self._check = check
        self._simplify = simplify
        self._staying = Part[Prepared]()
        self._on_probation = Part[Prepared]()

    def prepare(self, text: str) -> Prepared:
        """Parse, check and validate; never raises for what a client can send."""
        if (known := self._staying.find(text)) is not None:
            return known
        if (again := self._on_probation.take(text)) is not None:
            self._staying.put(text, again, len(text))
            return again
        prepared = self._prepare(text)
        self._on_probation.put(text, prepared, len(text))
        return prepared

    def __len__(self) -> int:
        return len(self._staying) + len(self._on_probation)

    def _prepare(self, text: str) -> Prepared:
        try:
            document = parse(text, max_tokens=self._most_tokens)
            if self._check is not None and (error := self._check(document, text)) is not None:
                return Prepared(None, [error])
            errors = validate(self._schema, document)
            if errors or self._simplify is None:
                return Prepared(document, errors, document)
            return Prepared(self._simplify(document, text), errors, document)
        except GraphQLError as error:
            return Prepared(None, [error])
        except RecursionError:
            pass
        return Prepared(None, [GraphQLError(TOO_DEEP, original_error=RecursionError(TOO_DEEP))])


class Part(Generic[T]):
    """What is kept for texts, or by them: the entries used last, within both bounds."""

    def __init__(self) -> None:
        self._entries: OrderedDict[str, tuple[T, int]] = OrderedDict()
        self._characters = 0

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: str) -> T | None:
        """The entry, now the one used last."""
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def take(self, key: str) -> T | None:
        """The entry, which is no longer kept."""
        found = self._entries.pop(key, None)
        if found is None:
            return None
        self._characters -= found[1]
        return found[0]

    def put(self, key: str, entry: T, characters: int) -> None:
        """Keep an entry for a text of so many characters, unless that is too long."""
        if characters > CHARACTERS // 8:
            return
        self.take(key)
        self._entries[key] = (entry, characters)
        self._characters += characters
        while len(self._entries) > DOCUMENTS or self._characters > CHARACTERS:
            _, (_, dropped) = self._entries.popitem(last=False)
            self._characters -= dropped
