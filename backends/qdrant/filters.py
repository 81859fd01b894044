"""Filters and the moment, said as Qdrant says them: the tenant first, all of it inside the search.

A value that is missing is absent from a point's payload, which `is_empty` finds.  Times are compared as
datetimes, to the microsecond; Qdrant compares numbers as 64-bit floats, which cannot hold the microseconds
of every year.  Metadata is matched by its tokens (`backends.metadata`).
"""

from collections.abc import Sequence
from datetime import datetime

from qdrant_client import models

from backends.records import Kind, Moment, Scope, SearchFilter, TimeRange

Conditions = list[models.Condition]


def of_tenant(scope: Scope) -> models.Filter:
    """Everything of a tenant."""
    return models.Filter(must=[_equal("tenant", scope.tenant)])


def passing(scope: Scope, where: SearchFilter) -> models.Filter:
    """What passes the filter, at whatever moment."""
    return _filter(scope, where, [])


def searched(scope: Scope, kind: Kind, where: SearchFilter, moment: Moment) -> models.Filter:
    """What a leg may find at the moment."""
    return _filter(scope, where, _visible(kind, moment))


def nothing(where: SearchFilter) -> bool:
    """Whether nothing can pass, since an empty list matches nothing: no reason to ask."""
    lists = (where.sources, where.documents, where.entity_types)
    return () in lists or any(not match.tokens and not match.negated for match in where.metadata)


def _filter(scope: Scope, where: SearchFilter, more: Conditions) -> models.Filter:
    must: Conditions = [
        _equal("tenant", scope.tenant),
        *_listed("source", where.sources),
        *_listed("document_key", where.documents),
        *_listed("type", where.entity_types),
        *_within("created_at", where.created_at),
        *(_any_of("tokens", each.tokens) for each in where.metadata if not each.negated),
        *more,
    ]
    must_not: Conditions = [
        _any_of("tokens", each.tokens) for each in where.metadata if each.negated and each.tokens
    ]
    return models.Filter(must=must, must_not=must_not or None)


def _visible(kind: Kind, moment: Moment) -> Conditions:
    """`backends.moment` as conditions."""
    heard_of = _missing_or("recorded_at", _until(moment.known_at))
    if kind is Kind.EPISODE:
        return [heard_of]
    if kind is not Kind.FACT:
        return []
    endless = models.Filter(must=[_missing("retracted_at"), _missing("valid_to")])
    return [
        heard_of,
        _missing_or("valid_from", _until(moment.valid_at)),
        models.Filter(
            should=[
                _in_range("retracted_at", models.DatetimeRange(gt=moment.known_at)),
                _in_range("valid_to", models.DatetimeRange(gt=moment.valid_at)),
                endless,
            ]
        ),
    ]


def _listed(name: str, values: Sequence[str] | None) -> Conditions:
    return [] if values is None else [_any_of(name, values)]


def _within(name: str, span: TimeRange | None) -> Conditions:
    if span is None or span == TimeRange():
        return []
    return [_in_range(name, models.DatetimeRange(gte=span.start, lt=span.end))]


def _until(instant: datetime) -> models.DatetimeRange:
    return models.DatetimeRange(lte=instant)


def _equal(name: str, value: str) -> models.FieldCondition:
    return models.FieldCondition(key=name, match=models.MatchValue(value=value))


def _any_of(name: str, values: Sequence[str]) -> models.FieldCondition:
    return models.FieldCondition(key=name, match=models.MatchAny(any=list(values)))


def _in_range(name: str, span: models.DatetimeRange) -> models.FieldCondition:
    return models.FieldCondition(key=name, range=span)


def _missing(name: str) -> models.IsEmptyCondition:
    return models.IsEmptyCondition(is_empty=models.PayloadField(key=name))


def _missing_or(name: str, span: models.DatetimeRange) -> models.Filter:
    return models.Filter(should=[_missing(name), _in_range(name, span)])
