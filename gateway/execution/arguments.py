"""Arguments of a field: built once for all parents, and where they are constant, once for all requests.

Resolvers must not change what they are given.
"""

from typing import Any

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    is_required_argument,
)
from graphql.execution.values import VariableValues, get_argument_values
from graphql.pyutils import Undefined

_IMMUTABLE = (str, int, float, bool, type(None))


class Arguments:
    """The arguments of one field of a document."""

    __slots__ = ("_constant", "_definition", "_depends", "_node", "_variables")

    def __init__(self, definition: GraphQLField, node: FieldNode) -> None:
        self._definition = definition
        self._node = node
        self._depends = any(_has_variable(each.value) for each in node.arguments or ())
        self._constant: dict[str, Any] | None = None if definition.args or node.arguments else {}
        self._variables = _variables(definition, node)

    def values(self, variables: VariableValues, *, hide_suggestions: bool) -> dict[str, Any]:
        """The coerced arguments.  Raises GraphQLError."""
        if self._constant is not None:
            return self._constant
        if self._variables is not None:
            given = {name: variables.coerced.get(each) for name, each in self._variables}
            if None not in given.values():
                return given
        values = get_argument_values(
            self._definition, self._node, variables, None, hide_suggestions
        )
        if not self._depends and all(type(each) in _IMMUTABLE for each in values.values()):
            self._constant = values
        return values


def _variables(definition: GraphQLField, node: FieldNode) -> tuple[tuple[str, str], ...] | None:
    """The name of each argument for the resolver, and the variable that it is, if there is no other sort of
    argument: their values are coerced already, and need another look only where one is null or missing."""
    given = {each.name.value: each.value for each in node.arguments or ()}
    found: list[tuple[str, str]] = []
    for name, argument in definition.args.items():
        value = given.get(name)
        if isinstance(value, VariableNode):
            found.append((argument.out_name or name, value.name.value))
        elif value is not None or is_required_argument(argument) or _has_default(argument):
            return None
    return tuple(found)


def _has_default(argument: GraphQLArgument) -> bool:
    return argument.default is not None or argument.default_value is not Undefined


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
