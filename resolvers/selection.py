"""What a query selects beneath a field: so that a store is asked for those columns only."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import msgspec
from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionNode,
    value_from_ast_untyped,
)
from strawberry.utils.str_converters import to_snake_case

from backends.records import Fields
from resolvers.context import Context, Info

Columns = Mapping[str, tuple[str, ...]]
"""GraphQL fields that need attributes other than the one of their name."""

NODES = (("nodes",), ("edges", "node"))
"""Where a connection's items stand."""


def selected(info: Info, *paths: tuple[str, ...]) -> frozenset[str]:
    """The names of the fields selected at any of the paths beneath the field, under whatever type."""
    return frozenset(node.name.value for path in paths or ((),) for node in _beneath(info, path))


def columns(record: type[msgspec.Struct], names: frozenset[str], special: Columns) -> Fields:
    """The attributes of a record that these fields need."""
    needed = {
        attribute for name in names for attribute in special.get(name, (_attribute_of(name),))
    }
    return frozenset(needed.intersection(record.__struct_fields__))


@cache
def _attribute_of(field: str) -> str:
    """The attribute of a field's name; fields are the schema's, so there are only so many."""
    return to_snake_case(field)


def _beneath(info: Info, path: tuple[str, ...]) -> list[FieldNode]:
    nodes = list(_raw(info).field_nodes)
    for name in (*path, None):
        nodes = [
            inner
            for node in nodes
            if node.selection_set is not None
            for inner in _fields(info, node.selection_set.selections)
            if name is None or inner.name.value == name
        ]
    return nodes


def _fields(info: Info, selections: Sequence[SelectionNode]) -> Iterator[FieldNode]:
    for selection in selections:
        if not _included(info, selection.directives or ()):
            continue
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, InlineFragmentNode):
            yield from _fields(info, selection.selection_set.selections)
        elif isinstance(selection, FragmentSpreadNode):
            fragment = _raw(info).fragments[selection.name.value]
            yield from _fields(info, fragment.selection_set.selections)


def _included(info: Info, directives: Sequence[DirectiveNode]) -> bool:
    """Whether @skip and @include let a selection through; validation has seen to their form."""
    for directive in directives:
        name = directive.name.value
        if name in ("skip", "include"):
            condition = next(iter(directive.arguments or ()))
            value = value_from_ast_untyped(condition.value, info.variable_values)
            if bool(value) is (name == "skip"):
                return False
    return True


def _raw(info: Info) -> GraphQLResolveInfo[Context]:
    # Strawberry has no public way to the nodes of a field.
    return info._raw_info  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType]
