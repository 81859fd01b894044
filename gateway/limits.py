"""How large a document may be, looked at after parsing and before anything that grows faster than it does.

A document is walked as it would be executed: level by level, fields that merge taken together, fragments in
the place where they are spread, each once for every selection that they merge into.  So the walk costs what
it counts, and it stops at a limit:

    depth      levels of fields
    aliases    fields under a name that is not their own
    fields     all fields, those of a fragment once for each place of it
    overlaps   pairs of fields with one response name, and of fragments in one place: validation compares
               them with one another
    digits     of a number

Introspection queries pass with room to spare.
"""

import re
from collections.abc import Iterable, Iterator

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    InlineFragmentNode,
    IntValueNode,
    Node,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Visitor,
    visit,
)

from backends.errors import LimitExceeded

MOST_DIGITS = 400
"""Of a number in a document: every finite float and every integer of GraphQL has fewer."""
_LONG_NUMBER = re.compile(rf"\d{{{MOST_DIGITS + 1}}}")

Fragments = dict[str, FragmentDefinitionNode]


class DocumentLimits(msgspec.Struct, frozen=True):
    """The most that a document may hold of each."""

    tokens: int = 10_000
    depth: int = 40
    aliases: int = 500
    fields: int = 5_000
    overlaps: int = 10_000


def too_large(what: str, most: int, setting: str) -> GraphQLError:
    """The error of a document that holds more than it may."""
    message = (
        f"the document has more than {most:,} {what} (limits.{setting}); "
        "ask for less, or split it into several requests"
    )
    return GraphQLError(message, original_error=LimitExceeded(message))


def exceeded(document: DocumentNode, text: str, limits: DocumentLimits) -> GraphQLError | None:
    """The limit that a document exceeds, if it exceeds any."""
    if _LONG_NUMBER.search(text) and _has_long_number(document):
        return too_large("digits in a number", MOST_DIGITS, "digits is fixed")
    fragments = {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    walk = _Walk(fragments, limits)
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode) and (
            error := walk.exceeded(definition.selection_set)
        ):
            return error
    for name, fragment in fragments.items():
        if name not in walk.spread and (error := walk.exceeded(fragment.selection_set)):
            return error
    return None


def named(error: GraphQLError, limits: DocumentLimits) -> GraphQLError:
    """The error of a document that could not even be parsed or validated: if for its size, as a limit."""
    if isinstance(error.original_error, RecursionError) or "nested too deeply" in error.message:
        message = "the document is nested too deeply; split it into several requests"
        return GraphQLError(message, original_error=LimitExceeded(message))
    if isinstance(error, GraphQLSyntaxError) and error.message.endswith("Parsing aborted."):
        return too_large("tokens", limits.tokens, "tokens")
    return error


class _Walk:
    """The counts of one document."""

    def __init__(self, fragments: Fragments, limits: DocumentLimits) -> None:
        self._fragments = fragments
        self._limits = limits
        self._aliases = self._fields = self._overlaps = 0
        self.spread: set[str] = set()
        """Fragments that have been walked where they are spread."""

    def exceeded(self, root: SelectionSetNode) -> GraphQLError | None:
        """The limit that one operation exceeds, counted on from those before it."""
        level = [[root]]
        depth = 0
        while level:
            depth += 1
            if depth > self._limits.depth:
                return too_large("levels of fields", self._limits.depth, "depth")
            beneath: list[list[SelectionSetNode]] = []
            for merged in level:
                groups: dict[str, list[FieldNode]] = {}
                for field in self._fields_of(merged):
                    self._note(field, groups)
                    if (error := self._full()) is not None:
                        return error
                beneath.extend(
                    inner
                    for group in groups.values()
                    if (inner := [each.selection_set for each in group if each.selection_set])
                )
            level = beneath
        return None

    def _note(self, field: FieldNode, groups: dict[str, list[FieldNode]]) -> None:
        group = groups.setdefault(field.alias.value if field.alias else field.name.value, [])
        self._overlaps += len(group)
        self._fields += 1
        self._aliases += field.alias is not None
        group.append(field)

    def _full(self) -> GraphQLError | None:
        limits = self._limits
        if self._aliases > limits.aliases:
            return too_large("aliases", limits.aliases, "aliases")
        if self._fields > limits.fields:
            return too_large("fields", limits.fields, "fields")
        if self._overlaps > limits.overlaps:
            return too_large("pairs of fields or fragments that merge", limits.overlaps, "overlaps")
        return None

    def _fields_of(self, merged: Iterable[SelectionSetNode]) -> Iterator[FieldNode]:
        """The fields of selection sets that are merged, fragments in their places, each fragment once."""
        seen: set[str] = set()
        waiting: list[SelectionNode] = [
            selection for each in merged for selection in each.selections
        ][::-1]
        while waiting:
            selection = waiting.pop()
            if isinstance(selection, FieldNode):
                yield selection
            elif isinstance(selection, InlineFragmentNode):
                waiting.extend(selection.selection_set.selections[::-1])
            elif isinstance(selection, FragmentSpreadNode):
                fragment = self._fragments.get(selection.name.value)
                if fragment is not None and selection.name.value not in seen:
                    self._overlaps += len(seen)  # validation compares them with one another, too
                    seen.add(selection.name.value)
                    waiting.extend(fragment.selection_set.selections[::-1])
        self.spread |= seen


class _Numbers(Visitor):
    """Looks for a number that is too long."""

    found = False

    def enter_int_value(self, node: IntValueNode, *_: object) -> None:
        """An integer."""
        self.found |= len(node.value) > MOST_DIGITS

    def enter_float_value(self, node: FloatValueNode, *_: object) -> None:
        """A float."""
        self.found |= len(node.value) > MOST_DIGITS


def _has_long_number(document: Node) -> bool:
    numbers = _Numbers()
    visit(document, numbers)
    return numbers.found
