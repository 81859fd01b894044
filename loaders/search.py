"""Search: legs asked at the same time, fused, and rid of hits whose record is gone."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from backends.errors import MemoryGatewayError, StoreError
from backends.federation import Federation
from backends.fusion import Leg, Result, fuse
from backends.records import Fields, Hit, Kind, Method, Moment, Record, Scope, SearchFilter
from backends.roles import Vector
from loaders.base import Loader, Once

RecordsByKey = Callable[[Kind, Sequence[str], datetime, Fields], Awaitable[Sequence[Record | None]]]
"""Loads records of one kind, as the request's loaders do."""


class SearchRules(msgspec.Struct, frozen=True):
    """How deep each leg goes, and what a rank in it is worth."""

    depth: int = 200
    vector_weight: float = 1.0
    keyword_weight: float = 0.5

    @property
    def weights(self) -> dict[Method, float]:
        """By method."""
        return {Method.VECTOR: self.vector_weight, Method.KEYWORD: self.keyword_weight}


class Question(msgspec.Struct, frozen=True):
    """What a search asks, pages apart."""

    query: str
    kinds: tuple[Kind, ...]
    methods: tuple[Method, ...]
    where: SearchFilter
    moment: Moment


class Degraded(msgspec.Struct, frozen=True):
    """A part of a search that failed; without a method, the fetching of a kind's records."""

    store: str
    kind: Kind
    method: Method | None
    code: str
    message: str


class Answer(msgspec.Struct, frozen=True):
    """Every result, best first, and what is missing from them."""

    results: Sequence[Result]
    degraded: Sequence[Degraded]


class Similar(msgspec.Struct, frozen=True):
    """The items of a kind nearest to others of it."""

    kind: Kind
    where: SearchFilter
    first: int
    min_score: float | None


class SearchLoaders:
    """Searches, likenesses and embeddings."""

    def __init__(
        self, federation: Federation, scope: Scope, rules: SearchRules, records: RecordsByKey
    ) -> None:
        self._federation = federation
        self._scope = scope
        self._rules = rules
        self._records = records

        async def similar(keys: Sequence[str], asked: Similar, _: Fields) -> list[list[Hit]]:
            role = federation.vectors.get(asked.kind)
            if role is None:
                return [[] for _ in keys]
            return await role.similar(
                scope, asked.kind, keys, asked.where, asked.first, asked.min_score
            )

        async def embeddings(keys: Sequence[str], kind: Kind, _: Fields) -> list[Vector | None]:
            role = federation.vectors.get(kind)
            return await role.get_many(scope, kind, keys) if role else [None] * len(keys)

        self.answers = Once(self._answer)
        self.similar = Loader(similar)
        self.embeddings = Loader(embeddings)

    async def _answer(self, asked: Question, _: Fields) -> Answer:
        legs, degraded = await self._ask_legs(asked)
        legs, unfetched = await self._present(legs, asked.moment)
        return Answer(fuse(legs, self._rules.weights), [*degraded, *unfetched])

    async def _ask_legs(self, asked: Question) -> tuple[list[Leg], list[Degraded]]:
        """All legs at the same time.  If every one fails, the first one's error is the answer."""
        parts = [
            (kind, method, roles[kind])
            for method, roles in self._roles(asked.methods).items()
            for kind in asked.kinds
            if kind in roles and asked.where.covers(kind)
        ]
        vector = asyncio.ensure_future(self._embed(asked, parts))
        answers = await asyncio.gather(
            *(self._ask(asked, kind, method, vector) for kind, method, _ in parts),
            return_exceptions=True,
        )
        await asyncio.wait([vector])
        legs: list[Leg] = []
        degraded: list[Degraded] = []
        failure: MemoryGatewayError | None = None
        for (kind, method, store), answer in zip(parts, answers, strict=True):
            if isinstance(answer, MemoryGatewayError):
                failure = failure or answer
                degraded.append(_degraded(store, kind, method, answer))
            elif isinstance(answer, BaseException):
                raise answer
            else:
                legs.append(Leg(store, kind, method, answer))
        if failure is not None and not legs:
            raise failure
        return legs, degraded

    def _roles(self, methods: Sequence[Method]) -> dict[Method, Mapping[Kind, str]]:
        roles = self._federation.config.roles
        played = {Method.VECTOR: roles.vectors, Method.KEYWORD: roles.keywords}
        return {method: played[method] for method in methods}

    async def _embed(
        self, asked: Question, parts: Sequence[tuple[Kind, Method, str]]
    ) -> Vector | None:
        """The query's vector, made once for all legs that need it."""
        if not any(method is Method.VECTOR for _, method, _ in parts):
            return None
        return (await self._federation.embedder.embed([asked.query]))[0]

    async def _ask(
        self,
        asked: Question,
        kind: Kind,
        method: Method,
        embedding: "asyncio.Future[Vector | None]",
    ) -> list[Hit]:
        depth = self._rules.depth
        if method is Method.KEYWORD:
            role = self._federation.keywords[kind]
            return await role.search(
                self._scope, kind, asked.query, asked.where, asked.moment, depth
            )
        vector = await asyncio.shield(embedding)
        if vector is None:
            return []
        space = self._federation.embedder.space
        return await self._federation.vectors[kind].search(
            self._scope, kind, vector, space, asked.where, asked.moment, depth
        )

    async def _present(
        self, legs: Sequence[Leg], moment: Moment
    ) -> tuple[list[Leg], list[Degraded]]:
        """The legs without hits whose record is gone.  A store that holds a kind's records and finds
        them too cannot have such hits, and is not asked."""
        doubtful: dict[Kind, set[str]] = {}
        for leg in legs:
            if leg.store != self._federation.holder(leg.kind):
                doubtful.setdefault(leg.kind, set()).update(hit.key for hit in leg.hits)
        answers = await asyncio.gather(
            *(
                self._records(kind, sorted(keys), moment.known_at, frozenset())
                for kind, keys in doubtful.items()
            ),
            return_exceptions=True,
        )
        gone: dict[Kind, set[str]] = {}
        degraded: list[Degraded] = []
        for (kind, keys), answer in zip(doubtful.items(), answers, strict=True):
            if isinstance(answer, StoreError):
                degraded.append(_degraded(answer.store, kind, None, answer))
                gone[kind] = keys
            elif isinstance(answer, BaseException):
                raise answer
            else:
                gone[kind] = keys - {record.key for record in answer if record}
        kept = [
            msgspec.structs.replace(
                leg, hits=[hit for hit in leg.hits if hit.key not in gone.get(leg.kind, ())]
            )
            for leg in legs
        ]
        return kept, degraded


def _degraded(store: str, kind: Kind, method: Method | None, error: MemoryGatewayError) -> Degraded:
    return Degraded(getattr(error, "store", store), kind, method, error.code, str(error))
