"""Loaders of episodes.  None is given that was recorded after the moment asked."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from backends.federation import Federation
from backends.moment import heard_of
from backends.records import (
    Episode,
    EpisodeFilter,
    Fields,
    Kind,
    Order,
    Page,
    PageRequest,
    Scope,
)
from backends.roles import Step
from loaders.base import Loader, Once, Paged


class EpisodePage(msgspec.Struct, frozen=True):
    """A page of the episodes that pass a filter."""

    where: EpisodeFilter
    order: Order | None
    known_at: datetime
    page: PageRequest


class EpisodeCount(msgspec.Struct, frozen=True):
    """The number of episodes that pass a filter."""

    where: EpisodeFilter
    known_at: datetime


class EpisodesOf(msgspec.Struct, frozen=True):
    """The episodes that belong to things of a kind."""

    kind: Kind
    known_at: datetime


class Adjacent(msgspec.Struct, frozen=True):
    """The episode one step away."""

    step: Step
    known_at: datetime


class EpisodeLoaders:
    """Episodes by key, by filter, by what they belong to and by neighbour."""

    def __init__(self, federation: Federation, scope: Scope) -> None:
        episodes = federation.episodes

        async def by_key(
            keys: Sequence[str], known_at: datetime, fields: Fields
        ) -> list[Episode | None]:
            found = await episodes.get_many(scope, keys, fields | {"recorded_at"})
            return [
                episode if episode and heard_of(episode.recorded_at, known_at) else None
                for episode in found
            ]

        async def pages(asked: EpisodePage, fields: Fields) -> Page[Episode]:
            return await episodes.find(
                scope, asked.where, asked.order, asked.known_at, asked.page, fields
            )

        async def count(asked: EpisodeCount, _: Fields) -> int:
            return await episodes.count(scope, asked.where, asked.known_at)

        async def of(
            keys: Sequence[str], paged: Paged[EpisodesOf], fields: Fields
        ) -> list[Page[Episode]]:
            asked = paged.asked
            return await episodes.of(scope, asked.kind, keys, asked.known_at, paged.page, fields)

        async def count_of(keys: Sequence[str], asked: EpisodesOf, _: Fields) -> list[int]:
            return await episodes.count_of(scope, asked.kind, keys, asked.known_at)

        async def adjacent(
            keys: Sequence[str], asked: Adjacent, fields: Fields
        ) -> list[Episode | None]:
            return await episodes.adjacent(scope, keys, asked.step, asked.known_at, fields)

        self.by_key = Loader(by_key)
        self.pages = Once(pages)
        self.count = Once(count)
        self.of = Loader(of)
        self.count_of = Loader(count_of)
        self.adjacent = Loader(adjacent)
