"""Reciprocal rank fusion, pure.

Each leg gives ranks from 1; a result's score is the sum over its legs of weight / (60 + rank)
(Cormack, Clarke and Büttcher, SIGIR 2009).
"""

from collections.abc import Sequence

import msgspec

from backends.records import Hit, Kind, Method

RANK_CONSTANT = 60


class Leg(msgspec.Struct, frozen=True):
    """What one store found for one kind by one method, best first."""

    store: str
    kind: Kind
    method: Method
    hits: Sequence[Hit]


class Match(msgspec.Struct, frozen=True):
    """Why a result is there: the leg that found it, its rank and score there."""

    store: str
    method: Method
    rank: int
    score: float


class Result(msgspec.Struct, frozen=True):
    """A fused result."""

    kind: Kind
    key: str
    score: float
    matches: tuple[Match, ...]


def fuse(legs: Sequence[Leg], weights: dict[Method, float]) -> list[Result]:
    """The results of all legs, best first, ties by kind and key."""
    found: dict[tuple[str, str], list[Match]] = {}
    for leg in legs:
        ranked = sorted(leg.hits, key=lambda hit: (-hit.score, hit.key))
        for rank, hit in enumerate(ranked, 1):
            match = Match(leg.store, leg.method, rank, hit.score)
            found.setdefault((leg.kind.value, hit.key), []).append(match)
    results = [
        Result(Kind(kind), key, _score(matches, weights), tuple(matches))
        for (kind, key), matches in found.items()
    ]
    return sorted(results, key=lambda result: (-result.score, result.kind.value, result.key))


def _score(matches: Sequence[Match], weights: dict[Method, float]) -> float:
    return sum(weights[match.method] / (RANK_CONSTANT + match.rank) for match in matches)
