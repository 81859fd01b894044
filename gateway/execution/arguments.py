"""Arguments of a field: built once for all parents, and where they are constant, once for all requests.

Resolvers must not change what they are given.
"""

from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
)
from graphql.execution.values import VariableValues, get_argument_values

_IMMUTABLE = (str, int, float, bool, type(None))


class Arguments:
    """The arguments of one field of a document."""

    __slots__ = ("_constant", "_definition", "_depends", "_node")

    def __init__(self, definition: GraphQLField, node: FieldNode) -> None:
        self._definition = definition
        self._node = node
        self._depends = any(_has_variable(each.value) for each in node.arguments or ())
        self._constant: dict[str, Any] | None = None if definition.args or node.arguments else {}

    def values(self, variables: VariableValues, *, hide_suggestions: bool) -> dict[str, Any]:
        """The coerced arguments.  Raises GraphQLError."""
        if self._constant is not None:
            return self._constant
        values = get_argument_values(
            self._definition, self._node, variables, None, hide_suggestions
        )
        if not self._depends and all(type(each) in _IMMUTABLE for each in values.values()):
            self._constant = values
        return values


def _has_variable(value: ValueNode) -> bool:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, VariableNode):
            return True
        if isinstance(each, ListValueNode):
            waiting.extend(each.values)
        elif isinstance(each, ObjectValueNode):
            waiting.extend(field.value for field in each.fields)
    return False
