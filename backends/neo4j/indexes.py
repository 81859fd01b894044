"""The search indexes: which are ready, and how deep to ask them.

depth and some to spare   →   what passes is enough, and better than the last of what was given?
else, up to ten times     →   the same once more, if enough may be expected to pass
else                      →   it takes another way, without the index's limit
"""

import math
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from backends.neo4j.engine import Neo4jEngine
from backends.records import Hit

SPARE = 100
"""How much deeper than asked an index is searched: for equal scores at the edge, and for recall."""

DEEPER = 10
"""How many times as deep it is searched once more, at most, when too little passed."""

DEEPEST = 10_000
"""How deep an index is searched at all: Lucene makes room for so many in each of its segments."""

SCANNED, GIVEN = 8, 30
"""Microseconds that a scan costs for each vector that passes, and an index for each that it gives."""

SCANNED_WHOLE = 2_000
"""As many vectors are compared one by one, of all questions together: some milliseconds, and exact."""

LOOK_AGAIN, LOOK_SOON = 30.0, 1.0
"""Seconds that what is known of the indexes is good for; and of one that is not ready."""

Found = Sequence[tuple[str | None, float]]
"""What an index gave: a key, `None` where the entry does not pass, and its score."""


class IndexState(msgspec.Struct, frozen=True):
    """An index as it is now: ONLINE, POPULATING or FAILED; the length of its vectors, if it holds some."""

    state: str
    dimension: int | None


class VectorIndex(msgspec.Struct, frozen=True):
    """A vector index that can be asked: the length of its vectors, and how many entries there are of its
    kind, of all tenants."""

    dimension: int
    held: int


class SearchIndexes:
    """What there is of full-text and vector indexes, looked up now and then.

    An index that is not there is an error to ask, and one that is still being filled lets its askers wait
    for half a minute.
    """

    def __init__(self, engine: Neo4jEngine) -> None:
        self._engine = engine
        self._states: dict[str, IndexState] = {}
        self._looked = -LOOK_AGAIN
        self._held: dict[str, tuple[float, int]] = {}

    async def state(self, name: str) -> IndexState:
        """How an index is; MISSING where there is none."""
        age = time.monotonic() - self._looked
        if age >= LOOK_AGAIN or (age >= LOOK_SOON and not self._online(name)):
            await self._look()
        return self._states.get(name, IndexState("MISSING", None))

    async def vectors(self, name: str, label: str, questions: int) -> VectorIndex | None:
        """The vector index of a label if it is of use: it does not see what is not committed, may not be
        ready, may not be there, and is not needed for few."""
        if self._engine.in_batch:
            return None
        there = await self.state(name)
        if there.state != "ONLINE" or there.dimension is None:
            return None
        held = await self.held(label)
        return None if held * questions <= SCANNED_WHOLE else VectorIndex(there.dimension, held)

    async def held(self, label: str) -> int:
        """How many nodes there are of a label, of all tenants; the server knows without counting."""
        looked, count = self._held.get(label, (-LOOK_AGAIN, 0))
        if time.monotonic() - looked >= LOOK_AGAIN:
            ((count,),) = await self._engine.rows(f"MATCH (n:{label}) RETURN count(n)", {})
            self._held[label] = (time.monotonic(), count)
        return count

    def forget(self) -> None:
        """Look before the next question: something is no longer as it was."""
        self._looked = -LOOK_AGAIN

    def _online(self, name: str) -> bool:
        return name in self._states and self._states[name].state == "ONLINE"

    async def _look(self) -> None:
        query = """
            SHOW INDEXES YIELD name, type, state, options
            WHERE type IN ['FULLTEXT', 'VECTOR']
            RETURN name, state, options.indexConfig['vector.dimensions']"""
        rows = await self._engine.rows(query, {})
        self._states = {name: IndexState(state, dimension) for name, state, dimension in rows}
        self._looked = time.monotonic()


async def deepened(
    ask: Callable[[int], Awaitable[Found]], depth: int, *, whole: bool, held: int | None = None
) -> list[Hit] | None:
    """`deepened_each` of a single question; `None` when the index cannot tell."""

    async def ask_one(_: Sequence[str], asked: int) -> dict[str, Found]:
        return {"": await ask(asked)}

    done, _ = await deepened_each(ask_one, [""], depth, whole=whole, held=held)
    return done.get("")


async def deepened_each(
    ask: Callable[[Sequence[str], int], Awaitable[dict[str, Found]]],
    questions: Sequence[str],
    depth: int,
    *,
    whole: bool,
    held: int | None = None,
) -> tuple[dict[str, list[Hit]], list[str]]:
    """The best `depth` that an index gives for each question, and the questions that it cannot tell.

    A question that `ask` leaves out of its answer is dropped.  `whole` says whether an index that gives
    less than it is asked for has given everything; `held` how many entries there are, where a scan of
    those that pass may be the cheaper way.
    """
    done: dict[str, list[Hit]] = {}
    left: list[str] = []
    again, asked = list(questions), depth + SPARE
    for _ in range(2):
        if not again or asked > DEEPEST:
            break
        found = await ask(again, asked)
        again, times = [], 1.0
        for question, each in found.items():
            if (hits := settled(each, asked, depth, whole=whole)) is not None:
                done[question] = hits
            elif (needed := _times_as_deep(each, asked, depth, held)) is None:
                left.append(question)
            else:
                again.append(question)
                times = max(times, needed)
        asked = min(math.ceil(asked * times), DEEPEST)
    return done, left + again


def settled(found: Found, asked: int, depth: int, *, whole: bool) -> list[Hit] | None:
    """The best `depth` of what an index gave when `asked` for so many; `None` if there may be better."""
    hits = best(found, depth)
    if whole and len(found) < asked:
        return hits
    if len(hits) < depth:
        return None
    floor = min((score for _, score in found), default=0.0)
    return hits if not hits or hits[-1].score > floor else None


def best(found: Found, depth: int) -> list[Hit]:
    """The best `depth` of those that pass, ties by key."""
    hits = [Hit(key, score) for key, score in found if key is not None]
    return sorted(hits, key=lambda hit: (-hit.score, hit.key))[:depth]


def _times_as_deep(found: Found, asked: int, depth: int, held: int | None) -> float | None:
    """How many times as deep to ask an index that was not deep enough, by the share that passed; `None`
    where the most promises too little, or a scan is cheaper."""
    passed = sum(key is not None for key, _ in found)
    if len(found) < asked or passed * DEEPER < depth:
        return None
    times = DEEPER if passed >= depth else min(DEEPER, 2 * depth / passed)
    if held is not None and held * passed / asked * SCANNED < asked * times * GIVEN:
        return None
    return times
