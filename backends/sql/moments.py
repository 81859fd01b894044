"""The moment in SQL: `backends.moment` said as conditions, on facts and on entries of the search index."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_

from backends.records import Moment
from backends.sql.columns import Instant
from backends.sql.statements import bound


def heard_of(columns: Any, known_at: datetime) -> ColumnElement[bool]:
    """What was recorded by `known_at`, or at no time that is known."""
    k = bound(known_at, Instant())
    return or_(columns.recorded_at.is_(None), columns.recorded_at <= k)


def holds(columns: Any, moment: Moment) -> ColumnElement[bool]:
    """The facts that hold at the moment."""
    k, v = bound(moment.known_at, Instant()), bound(moment.valid_at, Instant())
    endless = and_(columns.retracted_at.is_(None), columns.valid_to.is_(None))
    return and_(
        heard_of(columns, moment.known_at),
        or_(columns.valid_from.is_(None), columns.valid_from <= v),
        or_(columns.retracted_at > k, columns.valid_to > v, endless),
    )


def visible(columns: Any, moment: Moment, *, include_invalidated: bool) -> ColumnElement[bool]:
    """The facts that a list at the moment shows."""
    if include_invalidated:
        return heard_of(columns, moment.known_at)
    return holds(columns, moment)
