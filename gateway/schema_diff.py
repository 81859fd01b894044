"""How two schemas differ: what breaks clients, what may surprise them, what is new."""

from graphql import (
    BreakingChange,
    DangerousChange,
    GraphQLSchema,
    find_breaking_changes,
    find_dangerous_changes,
)


def breaking(old: GraphQLSchema, new: GraphQLSchema) -> list[str]:
    """What a client of the old schema can no longer do with the new one."""
    return _described(find_breaking_changes(old, new))


def dangerous(old: GraphQLSchema, new: GraphQLSchema) -> list[str]:
    """What a client of the old schema may trip over."""
    return _described(find_dangerous_changes(old, new))


def additions(old: GraphQLSchema, new: GraphQLSchema) -> list[str]:
    """What the new schema has that the old one has not."""
    return [
        line.replace("was removed", "was added")
        for line in _described(find_breaking_changes(new, old))
        if "was removed" in line
    ]


def _described(changes: list[BreakingChange] | list[DangerousChange]) -> list[str]:
    return sorted(change.description for change in changes)
