"""Filters as conditions, with the parameters that they name."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

import msgspec

from backends.neo4j.values import name_order
from backends.records import EntityFilter, EpisodeFilter, FactFilter, TimeRange


class Conditions(msgspec.Struct, frozen=True):
    """Cypher that a row must meet, joined by AND, and its parameters."""

    where: tuple[str, ...]
    parameters: dict[str, Any]


def of_entities(where: EntityFilter) -> Conditions:
    """The entities `e` that pass.  `name_contains` ignores the case of letters of every script."""
    found = _Found("e")
    if where.names is not None:
        found.listed("nameOrder", "nameOrders", [name_order(name) for name in where.names])
    found.listed("name", "names", where.names)
    found.listed("type", "types", where.types)
    found.within("createdAt", where.created_at)
    if where.name_contains is not None:
        found.add("toLower(e.name) CONTAINS toLower($contained)", contained=where.name_contains)
    return found.conditions()


def of_facts(where: FactFilter) -> Conditions:
    """The facts `f` that pass, at whatever moment."""
    found = _Found("f")
    found.listed("predicate", "predicates", where.predicates)
    found.listed("subject", "subjects", where.subjects)
    found.listed("object", "objects", where.objects)
    found.within("validFrom", where.valid_from)
    return found.conditions()


def of_episodes(where: EpisodeFilter) -> Conditions:
    """The episodes `e` that pass, whenever recorded."""
    found = _Found("e")
    kinds = None if where.kinds is None else [kind.value for kind in where.kinds]
    found.listed("kind", "kinds", kinds)
    found.listed("source", "sources", where.sources)
    found.within("occurredAt", where.occurred_at)
    if where.mentions is not None:
        found.add(
            "EXISTS { MATCH (e)-[m:MENTIONS]->(mentioned:Entity) WHERE "
            "mentioned.key IN $mentioned AND mentioned.nameOrder IS NOT NULL }",
            mentioned=list(where.mentions),
        )
    return found.conditions()


class _Found:
    def __init__(self, variable: str) -> None:
        self._variable = variable
        self._where: list[str] = []
        self._parameters: dict[str, Any] = {}

    def add(self, condition: str, **parameters: Any) -> None:
        self._where.append(condition)
        self._parameters |= parameters

    def listed(self, name: str, parameter: str, values: Sequence[str] | None) -> None:
        if values is not None:
            self.add(f"{self._variable}.{name} IN ${parameter}", **{parameter: list(values)})

    def within(self, name: str, span: TimeRange | None) -> None:
        if span is None:
            return
        if span.start is not None:
            self.add(f"{self._variable}.{name} >= $start", start=span.start.astimezone(UTC))
        if span.end is not None:
            self.add(f"{self._variable}.{name} < $end", end=span.end.astimezone(UTC))

    def conditions(self) -> Conditions:
        return Conditions(tuple(self._where), self._parameters)
