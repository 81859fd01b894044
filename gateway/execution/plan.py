"""The plan of an operation: what its selections come to on each type, worked out once and kept.

    Plan        an operation, for given values of the variables in @skip and @include
    Selection   a selection set on one object type: fields merged, fragments resolved
    Field       a field of a selection: where its values come from, and how they are completed

graphql-core itself collects the fields, so merging and fragments are as it does them.  Beneath a field
selections are made when they are first needed: which types an abstract type turns out to be is known then.
A plan knows types and the document only; it holds nothing of a request.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    is_abstract_type,
    is_leaf_type,
    is_object_type,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FragmentDetails,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues
from graphql.pyutils import Path

from gateway.execution.arguments import Arguments
from gateway.execution.completion import Completion
from gateway.execution.core import is_list, is_non_null
from gateway.execution.leaves import Leaf
from gateway.execution.lists import ListOf
from gateway.execution.objects import Abstract, Object
from gateway.execution.shapes import Shape
from gateway.execution.sources import Source, source_of
from gateway.execution.unsupported import Unsupported

TOO_DEEP = "Selections are nested too deeply. Execution aborted."


class Field:
    """A field of a selection."""

    __slots__ = (
        "arguments", "bubbles", "completion", "definition", "details", "key", "name", "nodes",
        "parent_type", "path", "selections", "source",
    )  # fmt: skip

    def __init__(
        self, plan: "Plan", parent: GraphQLObjectType, key: str, details: list[FieldDetails],
        path: Path | None,
    ) -> None:  # fmt: skip
        self.key = key
        self.details = details
        self.nodes: list[FieldNode] = [each.node for each in details]
        self.name = self.nodes[0].name.value
        self.parent_type = parent
        self.path = Path(path, key, parent.name)
        """The response path without indices: one path stands for all rows."""
        definition = plan.schema.get_field(parent, self.name)
        assert definition is not None
        self.definition = definition
        self.arguments = Arguments(definition, self.nodes[0])
        self.completion: Completion = completion_of(definition.type, propagates=plan.propagates)
        self.bubbles = self.completion.bubbles
        """Whether an error here takes the parent with it."""
        self.source: Source = source_of(plan.schema, self.name, definition)
        self.selections: dict[str, Selection] = {}


class Selection:
    """A selection set on one object type."""

    __slots__ = ("fields", "shape")

    def __init__(self, fields: tuple[Field, ...]) -> None:
        self.fields = fields
        self.shape = Shape(tuple(field.key for field in fields))


class Plan:
    """An operation, compiled."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDetails],
        branches: VariableValues,
    ) -> None:
        self.schema = schema
        self.operation = operation
        self.propagates = not any(
            directive.name.value == "experimental_disableErrorPropagation"
            for directive in operation.directives or ()
        )
        self._fragments = dict(fragments)
        self._branches = branches
        root_type = schema.get_root_type(operation.operation)
        if root_type is None:
            raise Unsupported("no root type")
        collected = collect_fields(schema, self._fragments, branches, root_type, operation)
        self.root = self._selection(root_type, collected.grouped_field_set, None)
        self.is_serial = operation.operation is OperationType.MUTATION

    def beneath(self, field: Field, type_: GraphQLObjectType) -> Selection:
        """A field's selection on a type.  Raises GraphQLError where selections are nested too deeply."""
        known = field.selections.get(type_.name)
        if known is not None:
            return known
        try:
            collected = collect_subfields(
                self.schema, self._fragments, self._branches, self.operation, type_, field.details
            )
        except RecursionError:
            collected = None
        if (
            collected is None
        ):  # raised here, not above: it must not carry the frames of the recursion
            raise GraphQLError(TOO_DEEP)
        made = self._selection(type_, collected.grouped_field_set, field.path)
        field.selections[type_.name] = made
        return made

    def _selection(
        self,
        type_: GraphQLObjectType,
        grouped: Mapping[str, list[FieldDetails]],
        path: Path | None,
    ) -> Selection:
        return Selection(
            tuple(
                Field(self, type_, key, details, path)
                for key, details in grouped.items()
                if self.schema.get_field(type_, details[0].node.name.value) is not None
            )
        )


def completion_of(type_: Any, *, propagates: bool) -> Completion:
    """The completion of a type; `propagates` says whether errors take what may not be null with them."""
    is_nullable = not is_non_null(type_)
    inner: Any = type_ if is_nullable else type_.of_type
    if is_list(inner):
        items = completion_of(inner.of_type, propagates=propagates)
        return ListOf(items, is_nullable=is_nullable, propagates=propagates)
    if is_leaf_type(inner):
        return Leaf(inner, is_nullable=is_nullable, propagates=propagates)
    if is_abstract_type(inner):
        return Abstract(inner, is_nullable=is_nullable, propagates=propagates)
    assert is_object_type(inner)
    return Object(inner, is_nullable=is_nullable, propagates=propagates)
