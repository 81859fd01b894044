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
    NamedTypeNode,
    SelectionNode,
    value_from_ast_untyped,
)
from strawberry.utils.str_converters import to_snake_case

from backends.records import Fields, Kind
from resolvers.context import Context, Info

Columns = Mapping[str, tuple[str, ...]]
"""GraphQL fields that need attributes other than the one of their name."""

KINDS = frozenset(kind.value.capitalize() for kind in Kind)
"""The types of things."""

NODES = (("nodes",), ("edges", "node"))
"""Where a connection's items stand."""


def selected(info: Info, *paths: tuple[str, ...], on: str | None = None) -> frozenset[str]:
    """The names of the fields selected at any of the paths beneath the field; `on` leaves out what is
    selected on another kind of thing than the type of that name."""
    return frozenset(
        node.name.value for path in paths or ((),) for node in _beneath(info, path, on)
    )


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


def _beneath(info: Info, path: tuple[str, ...], on: str | None) -> list[FieldNode]:
    nodes = list(_raw(info).field_nodes)
    for name in (*path, None):
        nodes = [
            inner
            for node in nodes
            if node.selection_set is not None
            for inner in _fields(info, node.selection_set.selections, on)
            if name is None or inner.name.value == name
        ]
    return nodes


def _fields(info: Info, selections: Sequence[SelectionNode], on: str | None) -> Iterator[FieldNode]:
    for selection in selections:
        if not _included(info, selection.directives or ()):
            continue
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, (InlineFragmentNode, FragmentSpreadNode)):
            fragment = (
                _raw(info).fragments[selection.name.value]
                if isinstance(selection, FragmentSpreadNode)
                else selection
            )
            if _can_meet(fragment.type_condition, on):
                yield from _fields(info, fragment.selection_set.selections, on)


def _can_meet(condition: NamedTypeNode | None, on: str | None) -> bool:
    """Whether a thing of the type `on` can meet a fragment's condition: it is never of another kind."""
    return condition is None or on is None or condition.name.value not in KINDS - {on}


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
