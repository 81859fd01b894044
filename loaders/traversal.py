"""Traversals: a shortest path from both ends, and what lies around; a store call a level.

    path      a ──F1──F2──┐            the smaller frontier is expanded, until both meet;
              b ──B1──────┘ meet       then a walk forward takes the smallest key that still leads to b
    subgraph  around ─1─ ─2─ …         each level the nearest by key, until the limit

Paths are never enumerated: what is kept is each level's keys and the joins that were read.
"""

from collections.abc import Sequence

import msgspec

from backends.errors import LimitExceeded
from backends.federation import Federation
from backends.moment import as_known_at
from backends.records import Edges, Fact, Fields, Moment, Scope
from loaders.base import Once
from loaders.fact import TIMES

MOST_VISITED = 200_000
"""Entities that one path may visit."""
FACTS_PER_ENTITY = 10
"""A subgraph holds at most this many facts for each entity of its limit (semantics.md, Relations)."""


class PathQuestion(msgspec.Struct, frozen=True):
    """A shortest path between two keys."""

    start: str
    end: str
    longest: int
    edges: Edges
    moment: Moment


class SubgraphQuestion(msgspec.Struct, frozen=True):
    """What lies within `depth` facts of any of `around`."""

    around: tuple[str, ...]
    depth: int
    limit: int
    edges: Edges
    moment: Moment


class Surroundings(msgspec.Struct, frozen=True):
    """The entities' keys, nearest first then by key; the facts among them; whether that is all."""

    keys: Sequence[str]
    facts: Sequence[Fact]
    truncated: bool


class _Side:
    """One end's search: the keys of each level, and each key's joins to the level before."""

    def __init__(self, start: str) -> None:
        self.levels: list[set[str]] = [{start}]
        self.seen = {start}
        self.back: dict[str, set[str]] = {}

    @property
    def frontier(self) -> list[str]:
        return sorted(self.levels[-1])

    def advance(self, joined: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Take the joins of the frontier in."""
        level: set[str] = set()
        for key, others in joined:
            for other in others:
                if other not in self.seen:
                    level.add(other)
                    self.back.setdefault(other, set()).add(key)
        self.seen |= level
        self.levels.append(level)


class TraversalLoaders:
    """Paths and subgraphs."""

    def __init__(self, federation: Federation, scope: Scope) -> None:
        self._facts = federation.facts
        self._scope = scope
        self.paths = Once(self._path)
        self.subgraphs = Once(self._subgraph)

    async def _path(self, asked: PathQuestion, _: Fields) -> list[str] | None:
        """The keys along the smallest shortest path; `None` where none is short enough."""
        if asked.start == asked.end:
            return [asked.start]
        near, far = _Side(asked.start), _Side(asked.end)
        for _step in range(asked.longest):
            side, other = (
                (near, far) if len(near.levels[-1]) <= len(far.levels[-1]) else (far, near)
            )
            keys = side.frontier
            joined = await self._facts.expand(self._scope, keys, asked.edges, asked.moment)
            side.advance(list(zip(keys, joined, strict=True)))
            if len(near.seen) + len(far.seen) > MOST_VISITED:
                raise LimitExceeded(
                    f"path visits more than {MOST_VISITED:,} entities; name predicates, or a "
                    f"smaller maxLength than {asked.longest}"
                )
            if meeting := side.levels[-1] & other.levels[-1]:
                return _walk(near, far, meeting)
            if not side.levels[-1]:
                return None
        return None

    async def _subgraph(self, asked: SubgraphQuestion, fields: Fields) -> Surroundings:
        level = sorted(set(asked.around))
        truncated = len(level) > asked.limit
        level = level[: asked.limit]
        keys = list(level)
        for _step in range(asked.depth):
            if truncated or not level:
                break
            room = asked.limit - len(keys)
            level = await self._facts.reach(
                self._scope, level, keys, asked.edges, asked.moment, room + 1
            )
            truncated = len(level) > room
            level = level[:room]
            keys += level
        most = FACTS_PER_ENTITY * asked.limit
        facts = (
            await self._facts.among(
                self._scope, keys, asked.edges, asked.moment, most + 1, fields | TIMES
            )
            if keys
            else []
        )
        known = [as_known_at(fact, asked.moment.known_at) for fact in facts[:most]]
        shown = [fact for fact in known if fact is not None]
        return Surroundings(keys, shown, truncated or len(facts) > most)


def _walk(near: _Side, far: _Side, meeting: set[str]) -> list[str]:
    """From the start, each time the smallest key on a shortest path."""
    useful = [meeting]
    while len(useful) < len(near.levels):
        useful.append({key for each in useful[-1] for key in near.back[each]})
    useful.reverse()
    forward: dict[str, set[str]] = {}
    for level in useful[1:]:
        for key in level:
            for before in near.back[key]:
                forward.setdefault(before, set()).add(key)
    path = [min(useful[0])]
    while len(path) < len(useful):
        path.append(min(forward[path[-1]]))
    while path[-1] in far.back:
        path.append(min(far.back[path[-1]]))
    return path
