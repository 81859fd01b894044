"""The moment in Cypher: `backends.moment` said as conditions.

`$knownAt` and `$validAt` are the moment's two clocks.  A time that is no time (another program's) is before
and after nothing: what has one is not shown.  There is no OR here: Neo4j would seek an index once for each
side of it, and sort what it found.
"""

from datetime import UTC, datetime
from typing import Any

from backends.records import Moment


def heard_of(variable: str) -> str:
    """What was recorded by `$knownAt`, or at no time that is known."""
    return f"coalesce({variable}.recordedAt, $knownAt) <= $knownAt"


def visible(variable: str, *, include_invalidated: bool) -> str:
    """The facts that a list at the moment shows."""
    heard = heard_of(variable)
    if include_invalidated:
        return heard
    begun = f"coalesce({variable}.validFrom, $validAt) <= $validAt"
    unended = (
        f"CASE WHEN {variable}.retractedAt > $knownAt THEN true "
        f"WHEN {variable}.validTo IS NULL THEN {variable}.retractedAt IS NULL "
        f"ELSE {variable}.validTo > $validAt END"
    )
    return f"{heard} AND {begun} AND {unended}"


def known(known_at: datetime) -> dict[str, Any]:
    """What `heard_of` needs."""
    return {"knownAt": known_at.astimezone(UTC)}


def clocks(moment: Moment) -> dict[str, Any]:
    """What `visible` needs."""
    return {**known(moment.known_at), "validAt": moment.valid_at.astimezone(UTC)}
