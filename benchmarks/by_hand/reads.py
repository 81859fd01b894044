"""What the coroutines ask of stores: batched reads, a dict a node, its keys as the query names them."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from backends.records import Hit, Kind, Method, Moment
from backends.roles import Vector

Node = dict[str, Any]
Columns = tuple[str, ...]
"""Names of the schema's fields; `document`, `subject` and `object` are keys at first."""


class Texts(Protocol):
    """Documents and chunks."""

    async def documents(self, first: int) -> list[Node]:
        """The first documents by key: key, title."""
        ...

    async def titles(self, keys: Sequence[str]) -> dict[str, str | None]:
        """The titles of documents by key."""
        ...

    async def chunks(self, keys: Sequence[str]) -> dict[str, Node]:
        """Chunks by key: text, document."""
        ...

    async def chunks_of(
        self, documents: Sequence[str], first: int, columns: Columns
    ) -> list[list[Node]]:
        """The first chunks of each document."""
        ...

    async def next_of(self, chunks: Sequence[str]) -> list[str | None]:
        """The key of the chunk after each; all have a position."""
        ...


class Graph(Protocol):
    """Entities, facts, mentions and episodes."""

    async def entities(self, first: int) -> list[Node]:
        """The first entities by name: key, name."""
        ...

    async def names(self, keys: Sequence[str]) -> dict[str, str]:
        """The names of entities by key."""
        ...

    async def entities_of(
        self, kind: Kind, keys: Sequence[str], first: int, columns: Columns
    ) -> list[list[Node]]:
        """The first entities that each chunk or episode mentions."""
        ...

    async def facts(self, keys: Sequence[str]) -> dict[str, Node]:
        """Facts by key: statement, subject, object."""
        ...

    async def facts_of(
        self, entities: Sequence[str], first: int, moment: Moment, columns: Columns
    ) -> list[list[Node]]:
        """The first facts about each entity that hold at the moment, as known then."""
        ...

    async def facts_from(
        self, episodes: Sequence[str], first: int, known_at: datetime
    ) -> list[list[Node]]:
        """The first facts drawn from each episode, whether they hold or not: statement."""
        ...

    async def facts_between(
        self, pairs: Sequence[tuple[str, str]], first: int, moment: Moment
    ) -> list[list[Node]]:
        """The first facts that join each pair and hold at the moment: predicate."""
        ...

    async def neighbors(
        self, entities: Sequence[str], first: int, moment: Moment
    ) -> list[list[Node]]:
        """The first other ends of each entity's facts that hold at the moment: key, name."""
        ...

    async def count_neighbors(self, entities: Sequence[str], moment: Moment) -> list[int]:
        """How many there are."""
        ...

    async def episodes(self, first: int, known_at: datetime) -> list[Node]:
        """The first episodes by time: key, name, content, occurredAt, document."""
        ...

    async def episodes_by_key(self, keys: Sequence[str]) -> dict[str, Node]:
        """Episodes by key: content, occurredAt."""
        ...

    async def episodes_of(
        self, facts: Sequence[str], first: int, known_at: datetime
    ) -> list[list[Node]]:
        """The first episodes that each fact was drawn from: key, name, occurredAt."""
        ...


class Index(Protocol):
    """A search index of some kinds."""

    async def words(self, kind: Kind, query: str, moment: Moment, depth: int) -> list[Hit]:
        """The best by words."""
        ...

    async def vectors(self, kind: Kind, vector: Vector, moment: Moment, depth: int) -> list[Hit]:
        """The best by cosine."""
        ...


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """A memory to ask by hand: who holds what, and how a search is fused."""

    texts: Texts
    graph: Graph
    indexes: Mapping[Kind, Index]
    embed: Callable[[Sequence[str]], Awaitable[Sequence[Vector | None]]]
    weights: dict[Method, float]
    depth: int
    sent: Callable[[], int]
    """How many statements were sent so far."""
