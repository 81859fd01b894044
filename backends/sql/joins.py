"""The facts of a parent and what they join it to, as conditions and statements."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, CompoundSelect, Integer, Select, func, select, union

from backends.records import Direction, Edges, FactFilter, Kind, Moment, Scope
from backends.sql import filters, tables
from backends.sql.dialect import PARENT, element, one_of
from backends.sql.keyset import Conditions, Ordering, Sources, Span
from backends.sql.moments import visible
from backends.sql.reads import count_where
from backends.sql.statements import bound

_C = tables.fact.c
WAYS = {
    Direction.OUT: (Direction.OUT,),
    Direction.IN: (Direction.IN,),
    Direction.BOTH: (Direction.OUT, Direction.IN),
}
NEAR = {Direction.OUT: _C.subject_key, Direction.IN: _C.object_key}
FAR = {Direction.OUT: _C.object_key, Direction.IN: _C.subject_key}
"""The end of a fact that is the parent, and the other, by the way that the fact leads."""


def found(scope: Scope, where: FactFilter, moment: Moment) -> Conditions:
    """The facts that pass a filter at the moment."""
    return [
        *filters.of_facts(scope, where),
        visible(_C, moment, include_invalidated=where.include_invalidated),
    ]


def shown(scope: Scope, edges: Edges, moment: Moment) -> list[ColumnElement[bool]]:
    """The facts that may join, of whatever parent and way."""
    conditions = [
        _C.tenant == scope.tenant,
        visible(_C, moment, include_invalidated=edges.include_invalidated),
    ]
    if edges.predicates is not None:
        conditions.append(one_of(_C.predicate, edges.predicates))
    return conditions


def of_parent(scope: Scope, kind: Kind, edges: Edges, moment: Moment) -> Sources:
    """The facts of a parent."""
    if kind is Kind.EPISODE:
        drawn_edges = Edges(include_invalidated=edges.include_invalidated)
        link = tables.fact_episode.c
        drawn = select(link.fact_key).where(link.tenant == scope.tenant, link.episode_key == PARENT)
        return [[*shown(scope, drawn_edges, moment), _C.key.in_(drawn)]]
    shared = shown(scope, edges, moment)
    out = [*shared, _C.subject_key == PARENT]
    into = [*shared, _C.object_key == PARENT]
    return _by_way(edges, out, into)


def between(scope: Scope, edges: Edges, moment: Moment) -> Sources:
    """The facts between the two keys of a parent, a list of JSON."""
    near, far = element(PARENT, 0), element(PARENT, 1)
    shared = shown(scope, edges, moment)
    out = [*shared, _C.subject_key == near, _C.object_key == far]
    back = [*shared, _C.object_key == near, _C.subject_key == far]
    return _by_way(edges, out, back)


def _by_way(
    edges: Edges, out: list[ColumnElement[bool]], into: list[ColumnElement[bool]]
) -> Sources:
    return {
        Direction.OUT: [out],
        Direction.IN: [into],
        Direction.BOTH: [out, [*into, _C.subject_key != _C.object_key]],
    }[edges.direction]


def count_of_parent(scope: Scope, kind: Kind, edges: Edges, moment: Moment) -> ColumnElement[int]:
    """How many facts a parent has."""
    counted = [count_where(tables.fact, source) for source in of_parent(scope, kind, edges, moment)]
    return sum(counted[1:], counted[0])


def far_ends(scope: Scope, edges: Edges, moment: Moment) -> Sources:
    """The facts that lead from a parent to another, by the ways that they lead."""
    shared = [*shown(scope, edges, moment), _C.subject_key != _C.object_key]
    return [[*shared, NEAR[way] == PARENT] for way in WAYS[edges.direction]]


def each_way(scope: Scope, edges: Edges, moment: Moment) -> list[tuple[partial[Sources], Ordering]]:
    """What `far_ends` has by each way, and the order of what stands there: parts of a statement to come."""
    return [
        (
            partial(far_ends, scope, msgspec.structs.replace(edges, direction=way), moment),
            Ordering(FAR[way]),
        )
        for way in WAYS[edges.direction]
    ]


def neighbors(scope: Scope, edges: Edges, moment: Moment, span: Span) -> Select[Any]:
    """A window on the keys that facts join a parent to."""
    ways = zip(WAYS[edges.direction], far_ends(scope, edges, moment), strict=True)
    windows = [
        Ordering(FAR[way]).window(FAR[way], [source], span, distinct=True).subquery()
        for way, source in ways
    ]
    row = union(*(select(window.c.row) for window in windows)).subquery().c.row
    return select(row).order_by(row.desc() if span.backward else row.asc()).limit(span.limit)


def count_neighbors(scope: Scope, edges: Edges, moment: Moment) -> ColumnElement[int]:
    """How many keys facts join a parent to."""
    ways = zip(WAYS[edges.direction], far_ends(scope, edges, moment), strict=True)
    parts = [select(FAR[way].label("other")).where(*source).distinct() for way, source in ways]
    return select(func.count()).select_from(union(*parts).subquery()).scalar_subquery()


def joined(scope: Scope, keys: Sequence[str], edges: Edges, moment: Moment) -> Select[Any, Any]:
    """Pairs of a key and another that a fact joins to it."""
    shared = [*shown(scope, edges, moment), _C.subject_key != _C.object_key]
    parts = [
        select(NEAR[way].label("key"), FAR[way].label("other")).where(
            *shared, one_of(NEAR[way], keys)
        )
        for way in WAYS[edges.direction]
    ]
    pairs = union(*parts).subquery()
    return select(pairs.c.key, pairs.c.other)


def reached(
    scope: Scope,
    keys: Sequence[str],
    visited: Sequence[str],
    edges: Edges,
    moment: Moment,
    limit: int,
) -> Select[Any]:
    """The first keys that facts join to any of these, without those visited."""
    other = joined(scope, keys, edges, moment).subquery().c.other
    fresh = select(other).where(~one_of(other, visited)).distinct()
    return fresh.order_by(other).limit(bound(limit, Integer()))


def among(scope: Scope, keys: Sequence[str], edges: Edges, moment: Moment) -> Conditions:
    """The facts both of whose ends are among the keys."""
    return [
        *shown(scope, edges, moment),
        one_of(_C.subject_key, keys),
        one_of(_C.object_key, keys),
    ]


def unstated(scope: Scope, entity_keys: Sequence[str]) -> CompoundSelect[Any]:
    """The facts of these entities that have no statement."""
    blank = (_C.tenant == scope.tenant, _C.statement.is_(None))
    return union(
        select(_C.key).where(*blank, one_of(_C.subject_key, entity_keys)),
        select(_C.key).where(*blank, one_of(_C.object_key, entity_keys)),
    )
