"""Paths and subgraphs."""

import itertools
from typing import Annotated, Any, cast

import strawberry
from strawberry import UNSET

from backends import records
from backends.records import Edges, Kind
from loaders.fact import Between
from loaders.traversal import PathQuestion, SubgraphQuestion
from resolvers.arguments import KnownAt, Predicates, ValidAt, given, listed
from resolvers.context import Info
from resolvers.entity import Entity
from resolvers.errors import InputError
from resolvers.fact import Fact
from resolvers.ids import key_of, keys_of
from resolvers.readers import READERS

LONGEST_PATH = 10
DEEPEST = 5
MOST_AROUND = 200
MOST_ENTITIES = 1_000


@strawberry.type(description="A shortest way from one entity to another, along facts.")
class Path:
    length: int = strawberry.field(description="How many facts it has.")
    entities: list[Entity] = strawberry.field(
        description="The entities along it, both ends included."
    )
    facts: list[Fact] = strawberry.field(description="The facts between them, in turn.")


@strawberry.type(description="What lies around some entities.")
class Subgraph:
    entities: list[Entity] = strawberry.field(
        description="The entities, nearest first, then by key."
    )
    facts: list[Fact] = strawberry.field(
        description="The facts with both ends among them, by validFrom (missing last), key."
    )
    truncated: bool = strawberry.field(description="Whether anything was left out.")


@strawberry.type
class TraversalRoot:
    @strawberry.field(
        description=(
            "A shortest path along facts that hold at the moment, followed either way; the same one "
            "every time, the smallest by its entities' keys. Null if there is none."
        )
    )
    async def path(
        self,
        info: Info,
        from_: Annotated[
            strawberry.ID, strawberry.argument(name="from", description="The entity to start from.")
        ],
        to: Annotated[strawberry.ID, strawberry.argument(description="The entity to reach.")],
        max_length: Annotated[
            int | None, strawberry.argument(description="At most so many facts, 1 to 10.")
        ] = 4,
        predicates: Predicates = UNSET,
        valid_at: ValidAt = UNSET,
        known_at: KnownAt = UNSET,
    ) -> Path | None:
        longest = _bounded("maxLength", given(max_length, 4), 1, LONGEST_PATH)
        edges = Edges(predicates=listed(predicates))
        moment = info.context.moments.moment(info.context.enter(info, valid_at, known_at))
        start, end = key_of(from_, Kind.ENTITY), key_of(to, Kind.ENTITY)
        loaders = info.context.loaders
        ends = list(dict.fromkeys((start, end)))
        if None in await loaders.entity.by_key.load_all(ends, moment.known_at):
            return None
        question = PathQuestion(start, end, longest, edges, moment)
        keys = await loaders.traversal.paths.load_one(question)
        if keys is None:
            return None
        return Path(
            length=len(keys) - 1,
            entities=await _entities(info, keys, moment.known_at),
            facts=await _between(info, keys, Between(edges, moment, 1)),
        )

    @strawberry.field(
        description="The entities within some facts of others, and the facts among them, at the moment."
    )
    async def subgraph(
        self,
        info: Info,
        around: Annotated[
            list[strawberry.ID],
            strawberry.argument(
                description="Entities to start from, at most 200; ids that name nothing are left out."
            ),
        ],
        depth: Annotated[
            int | None, strawberry.argument(description="How many facts away at most, 0 to 5.")
        ] = 1,
        limit: Annotated[
            int | None, strawberry.argument(description="How many entities at most, 1 to 1000.")
        ] = 100,
        predicates: Predicates = UNSET,
        valid_at: ValidAt = UNSET,
        known_at: KnownAt = UNSET,
    ) -> Subgraph | None:
        if len(around) > MOST_AROUND:
            raise InputError(
                f"around: {len(around)} ids are given; at most {MOST_AROUND} are allowed"
            )
        deepest = _bounded("depth", given(depth, 1), 0, DEEPEST)
        most = _bounded("limit", given(limit, 100), 1, MOST_ENTITIES)
        moment = info.context.moments.moment(info.context.enter(info, valid_at, known_at))
        keys = list(dict.fromkeys(keys_of(around, Kind.ENTITY)))
        loaders = info.context.loaders
        known = await loaders.entity.by_key.load_all(keys, moment.known_at)
        start = tuple(key for key, record in zip(keys, known, strict=True) if record)
        edges = Edges(predicates=listed(predicates))
        found = await loaders.traversal.subgraphs.load_one(
            SubgraphQuestion(start, deepest, most, edges, moment),
            READERS[Kind.FACT].fields(info, ("facts",)),
        )
        return Subgraph(
            entities=await _entities(info, found.keys, moment.known_at),
            facts=cast("list[Fact]", found.facts),
            truncated=found.truncated,
        )


async def _entities(info: Info, keys: Any, known_at: Any) -> list[Entity]:
    """The entities of these keys, as the selection needs them."""
    fields = READERS[Kind.ENTITY].fields(info, ("entities",))
    loader = info.context.loaders.entity.by_key
    found = await loader.load_all(keys, known_at, fields)
    return cast(
        "list[Entity]",
        [record or records.Entity.missing(key) for key, record in zip(keys, found, strict=True)],
    )


async def _between(info: Info, keys: list[str], asked: Between) -> list[Fact]:
    """The first fact of each step of a path."""
    pairs = list(itertools.pairwise(keys))
    fields = READERS[Kind.FACT].fields(info, ("facts",))
    found = await info.context.loaders.fact.between.load_all(pairs, asked, fields)
    return cast("list[Fact]", [fact for each in found for fact in each])


def _bounded(name: str, value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise InputError(f"{name}: {value} is out of bounds; {least} to {most} are allowed")
    return value
