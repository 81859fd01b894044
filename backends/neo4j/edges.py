"""Facts as edges: where those of an entity, of an episode or between two entities are found.

Each source names an index of FACT that begins with the tenant and an end, so that an entity with a
hundred thousand facts costs no more than its page.
"""

from collections.abc import Sequence
from typing import Any

from backends.neo4j import lookup
from backends.neo4j.keyset import Source
from backends.neo4j.listing import Question
from backends.neo4j.moments import clocks, visible
from backends.neo4j.ordering import Ordering
from backends.records import Direction, Edges, Kind, Moment

OURS = "f.tenant = $tenant"
OUT_OF_PARENT = (OURS, "f.subject = parent")
INTO_PARENT = (OURS, "f.object = parent")
NO_LOOP = "f.subject <> f.object"

BY_VALID_OF_SUBJECT = Ordering(
    ("f.tenant", "f.subject"), "f.keyOrder", "f.validFromOrder", missing=True
)
BY_VALID_OF_OBJECT = Ordering(
    ("f.tenant", "f.object"), "f.keyOrder", "f.validFromOrder", missing=True
)
BY_VALID_OUT = Ordering(
    ("f.tenant", "f.subject", "f.objectOrder"), "f.keyOrder", "f.validFromOrder", missing=True
)
BY_VALID_BACK = Ordering(
    ("f.tenant", "f.object", "f.subjectOrder"), "f.keyOrder", "f.validFromOrder", missing=True
)
BY_VALID_DRAWN = Ordering(
    ("p.tenant", "p.episode"), "p.factOrder", "p.validFromOrder", missing=True
)
BY_OBJECT = Ordering(("f.tenant", "f.subject"), "f.objectOrder")
BY_SUBJECT = Ordering(("f.tenant", "f.object"), "f.subjectOrder")


def facts_of(kind: Kind, edges: Edges, moment: Moment) -> Question:
    """The facts of a parent: about an entity, once each, or drawn from an episode."""
    shown = visible("f", include_invalidated=edges.include_invalidated)
    if kind is Kind.EPISODE:
        drawn = Source(
            "(p:Provenance)",
            f"p:Provenance({BY_VALID_DRAWN.properties})",
            ("p.tenant = $tenant", "p.episode = parent"),
            BY_VALID_DRAWN,
            "f",
            "f, p",
            f"CALL (p) {{ {lookup.fact('p.fact')} AND {shown} RETURN f }}",
        )
        return Question([drawn], clocks(moment))
    met, parameters = conditions(edges, moment)
    out = fact_source(BY_VALID_OF_SUBJECT, (*OUT_OF_PARENT, *met))
    into = fact_source(BY_VALID_OF_OBJECT, (*INTO_PARENT, *met))
    other = fact_source(BY_VALID_OF_OBJECT, (*INTO_PARENT, NO_LOOP, *met))
    return Question(_chosen(edges, out, into, other), parameters)


def facts_between(edges: Edges, moment: Moment) -> Question:
    """The facts that join a pair, `parent.near` and `parent.far` with the order of each."""
    met, parameters = conditions(edges, moment)
    out_ends = (OURS, "f.subject = parent.near", "f.objectOrder = parent.farOrder")
    back_ends = (OURS, "f.object = parent.near", "f.subjectOrder = parent.farOrder")
    out = fact_source(BY_VALID_OUT, (*out_ends, *met))
    back = fact_source(BY_VALID_BACK, (*back_ends, *met))
    other = fact_source(BY_VALID_BACK, (*back_ends, NO_LOOP, *met))
    return Question(_chosen(edges, out, back, other), parameters)


def neighbours_of(edges: Edges, moment: Moment) -> Question:
    """The entities that facts join to a parent, by key; a fact about itself joins it to nothing."""
    met, parameters = conditions(edges, moment)
    out = _end("(s)-[f:FACT]->(o)", "o", BY_OBJECT, (*OUT_OF_PARENT, *met))
    into = _end("(s)-[f:FACT]->(o)", "s", BY_SUBJECT, (*INTO_PARENT, *met))
    return Question(_chosen(edges, out, into, into), parameters, distinct=True)


def keys_joined(edges: Edges, moment: Moment, *, unvisited: bool = False) -> Question:
    """Their keys; `unvisited` leaves out those of the parameter `visited`, as `ordered`."""
    met, parameters = conditions(edges, moment)
    new_out, new_into = (
        (f"NOT f.{name}Order IN $visited",) if unvisited else () for name in ("object", "subject")
    )
    pattern = "()-[f:FACT]->()"
    out = _end(pattern, "f.object", BY_OBJECT, (*OUT_OF_PARENT, *met, *new_out))
    into = _end(pattern, "f.subject", BY_SUBJECT, (*INTO_PARENT, *met, *new_into))
    return Question(_chosen(edges, out, into, into), parameters, distinct=True)


def conditions(edges: Edges, moment: Moment) -> tuple[tuple[str, ...], dict[str, Any]]:
    """What a fact must meet, and the parameters that this names."""
    met = [visible("f", include_invalidated=edges.include_invalidated)]
    parameters = clocks(moment)
    if edges.predicates is not None:
        met.append("f.predicate IN $predicates")
        parameters["predicates"] = list(edges.predicates)
    return tuple(met), parameters


def fact_source(ordering: Ordering, where: tuple[str, ...]) -> Source:
    """Facts in the order of the index that an ordering names."""
    return Source("()-[f:FACT]->()", f"f:FACT({ordering.properties})", where, ordering, "f", "f")


def _end(match: str, item: str, ordering: Ordering, where: tuple[str, ...]) -> Source:
    """The far ends of facts, in the order of their keys; each comes as often as there are facts."""
    index = f"f:FACT({ordering.properties}, validFromOrder, keyOrder)"
    held = ("f.validFromOrder IS NOT NULL", "f.keyOrder IS NOT NULL")
    carried = "f" if "." in item else f"f, {item}"
    return Source(match, index, (*where, *held, NO_LOOP), ordering, item, carried)


def _chosen(edges: Edges, out: Source, into: Source, other: Source) -> Sequence[Source]:
    """The sources of a direction; of both, `other` leaves out what `out` gives already."""
    return {Direction.OUT: [out], Direction.IN: [into], Direction.BOTH: [out, other]}[
        edges.direction
    ]
