"""The moment: what holds, and a fact as it was known (semantics.md, Moment).

Adapters filter by the moment and return all four times of a fact; `as_known_at` then takes away
what was learnt later.  A conjunction of `heard_of` and the three lines of `holds` is what each
adapter says in its store's own language.
"""

from datetime import UTC, datetime

import msgspec

from backends.records import Fact, Moment

ALL_TIME = datetime.max.replace(tzinfo=UTC)
"""A `known_at` by which everything is heard of."""


def heard_of(recorded_at: datetime | None, known_at: datetime) -> bool:
    """Whether something recorded at `recorded_at` (missing: always) exists at `known_at`."""
    return recorded_at is None or recorded_at <= known_at


def as_known_at(fact: Fact, known_at: datetime) -> Fact | None:
    """The fact as the memory had it at `known_at`: `None` if it had not heard of it, without its end
    if it learnt of that later."""
    if not heard_of(fact.recorded_at, known_at):
        return None
    if fact.retracted_at is not None and fact.retracted_at > known_at:
        return msgspec.structs.replace(fact, valid_to=None, retracted_at=None)
    return fact


def holds(fact: Fact, moment: Moment) -> bool:
    """Whether the fact holds at the moment, all intervals half-open."""
    known = as_known_at(fact, moment.known_at)
    if known is None or (known.retracted_at is not None and known.valid_to is None):
        return False
    begun = known.valid_from is None or known.valid_from <= moment.valid_at
    return begun and (known.valid_to is None or moment.valid_at < known.valid_to)
