"""What is left to graphql-core, why, and how often."""

from collections import Counter
from collections.abc import Mapping
from logging import getLogger

from graphql import (
    DirectiveNode,
    FieldNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)
from graphql.execution.collect_fields import FragmentDetails

log = getLogger("memory_gateway.execution")

fallbacks: Counter[str] = Counter()
"""How many operations were left to graphql-core since the process began, by reason."""


class Unsupported(Exception):
    """An operation that is left to graphql-core; its text is the reason."""


def note_fallback(reason: str, operation: OperationDefinitionNode) -> None:
    """Count an operation that is left to graphql-core, and log it."""
    fallbacks[reason] += 1
    name = operation.name.value if operation.name else "an anonymous operation"
    log.info("left to graphql-core: %s (%s; %d so far)", name, reason, fallbacks[reason])


def branch_variables(
    operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDetails]
) -> tuple[str, ...]:
    """The variables that @skip and @include depend on.  Raises Unsupported."""
    if any(fragment.definition.variable_definitions for fragment in fragments.values()):
        raise Unsupported("fragment variables")
    names: set[str] = set()
    waiting: list[SelectionSetNode] = [
        operation.selection_set,
        *(fragment.definition.selection_set for fragment in fragments.values()),
    ]
    while waiting:
        for selection in waiting.pop().selections:
            for directive in selection.directives or ():
                names.update(_condition(directive))
            if isinstance(selection, FieldNode) and selection.name.value in ("__schema", "__type"):
                raise Unsupported("introspection")
            if isinstance(selection, (FieldNode, InlineFragmentNode)) and selection.selection_set:
                waiting.append(selection.selection_set)
    return tuple(sorted(names))


def _condition(directive: DirectiveNode) -> list[str]:
    """The variable of @skip or @include, if it is one."""
    if directive.name.value in ("defer", "stream"):
        raise Unsupported(f"@{directive.name.value}")
    if directive.name.value not in ("skip", "include"):
        return []
    return [
        argument.value.name.value
        for argument in directive.arguments or ()
        if isinstance(argument.value, VariableNode)
    ]
