"""The search indexes of Neo4j: Lucene, and vectors compared exactly where they are few."""

from datetime import datetime
from typing import Any

from backends.neo4j.entries import LABELS, VECTOR_INDEXES, WORD_INDEXES
from backends.neo4j.keywords import lucene_query, words_of
from backends.records import Hit, Kind, Moment, Scope, SearchFilter
from backends.roles import Vector
from benchmarks.by_hand.graph import HEARD, HOLDS, Neo4j

SPARE = 100
"""How much deeper than the page an index is asked: what the moment hides must not be missing in the end."""
FEW = 2_000
_MICRO = 1_000_000
_VISIBLE = {
    Kind.FACT: f"n.tenant = $tenant AND {HOLDS.format('n')}",
    Kind.EPISODE: f"n.tenant = $tenant AND {HEARD.format('n')}",
}


class GraphIndex:
    """Plays `Index`."""

    def __init__(self, server: Neo4j, held: dict[Kind, int]) -> None:
        self._server = server
        self._held = held

    @classmethod
    async def over(cls, server: Neo4j) -> "GraphIndex":
        """The indexes of a server, whose entries it counts once."""
        held: dict[Kind, int] = {}
        for kind, label in LABELS.items():
            (held[kind],) = await server.asked(f"MATCH (n:{label}) RETURN [count(n)]")
        return cls(server, held)

    async def words(self, kind: Kind, query: str, moment: Moment, depth: int) -> list[Hit]:
        scope = Scope(self._server.tenant)
        distinct = list(dict.fromkeys(words_of(query)))
        found = await self._server.asked(
            "CALL db.index.fulltext.queryNodes($index, $query, $options) YIELD node AS n, score "
            f"WITH n, score WHERE score > 0 AND {_visible(kind)} RETURN collect([n.key, score])",
            index=WORD_INDEXES[kind],
            query=lucene_query(scope, distinct, SearchFilter()),
            options={"limit": depth + SPARE},
            **_clocks(kind, moment),
        )
        return _best(found, depth)

    async def vectors(self, kind: Kind, vector: Vector, moment: Moment, depth: int) -> list[Hit]:
        few = self._held[kind] <= FEW
        cosine = "round((2 * vector.similarity.cosine({0}, $vector) - 1) * 1000000)"
        if few:  # the name is hidden, else vectors would be read before they are filtered
            query = (
                f"MATCH (n:{LABELS[kind]}) WHERE {_visible(kind)} AND n.digest IS NOT NULL "
                f"WITH n, {cosine.format('n[$stored]')} AS score ORDER BY score DESC, n.keyOrder "
                "LIMIT $depth RETURN collect([n.key, score])"
            )
        else:
            query = (
                "CALL db.index.vector.queryNodes($index, $near, $vector) YIELD node AS n "
                f"WITH n WHERE {_visible(kind)} RETURN collect([n.key, {cosine.format('n.vector')}])"
            )
        found = await self._server.asked(
            query,
            index=VECTOR_INDEXES[kind],
            near=depth + SPARE,
            stored="vector",
            vector=vector.tolist(),
            depth=depth,
            **_clocks(kind, moment),
        )
        return _best([(key, score / _MICRO) for key, score in found], depth)


def _visible(kind: Kind) -> str:
    return _VISIBLE.get(kind, "n.tenant = $tenant")


def _best(found: list[Any], depth: int) -> list[Hit]:
    hits = [Hit(key, score) for key, score in found]
    return sorted(hits, key=lambda hit: (-hit.score, hit.key))[:depth]


def _clocks(kind: Kind, moment: Moment) -> dict[str, datetime]:
    clocks = {"knownAt": moment.known_at, "validAt": moment.valid_at}
    return clocks if kind in _VISIBLE else {}
