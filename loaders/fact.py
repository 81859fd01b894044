"""Loaders of facts.  What they give is as known at the moment asked (backends.moment)."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from backends.federation import Federation
from backends.moment import as_known_at
from backends.records import (
    Edges,
    Fact,
    FactFilter,
    Fields,
    Kind,
    Moment,
    Order,
    Page,
    PageRequest,
    Scope,
)
from loaders.base import Loader, Once, Paged

TIMES = frozenset({"valid_to", "recorded_at", "retracted_at"})
"""What it takes to say how a fact was known."""


class FactPage(msgspec.Struct, frozen=True):
    """A page of the facts that pass a filter at a moment."""

    where: FactFilter
    order: Order | None
    moment: Moment
    page: PageRequest


class FactCount(msgspec.Struct, frozen=True):
    """The number of facts that pass a filter at a moment."""

    where: FactFilter
    moment: Moment


class FactsOf(msgspec.Struct, frozen=True):
    """The facts about entities, or drawn from episodes, at a moment."""

    kind: Kind
    edges: Edges
    moment: Moment


class Between(msgspec.Struct, frozen=True):
    """The first facts that join two entities at a moment."""

    edges: Edges
    moment: Moment
    first: int


class FactLoaders:
    """Facts by key, by filter, by what they are about or drawn from, and by both ends."""

    def __init__(self, federation: Federation, scope: Scope) -> None:
        facts = federation.facts

        async def by_key(
            keys: Sequence[str], known_at: datetime, fields: Fields
        ) -> list[Fact | None]:
            found = await facts.get_many(scope, keys, fields | TIMES)
            return [fact and as_known_at(fact, known_at) for fact in found]

        async def pages(asked: FactPage, fields: Fields) -> Page[Fact]:
            page = await facts.find(
                scope, asked.where, asked.order, asked.moment, asked.page, fields | TIMES
            )
            return _known_page(page, asked.moment.known_at)

        async def count(asked: FactCount, _: Fields) -> int:
            return await facts.count(scope, asked.where, asked.moment)

        async def of(
            keys: Sequence[str], paged: Paged[FactsOf], fields: Fields
        ) -> list[Page[Fact]]:
            asked = paged.asked
            pages = await facts.of(
                scope, asked.kind, keys, asked.edges, asked.moment, paged.page, fields | TIMES
            )
            return [_known_page(each, asked.moment.known_at) for each in pages]

        async def count_of(keys: Sequence[str], asked: FactsOf, _: Fields) -> list[int]:
            return await facts.count_of(scope, asked.kind, keys, asked.edges, asked.moment)

        async def between(
            pairs: Sequence[tuple[str, str]], asked: Between, fields: Fields
        ) -> list[list[Fact]]:
            found = await facts.between(
                scope, pairs, asked.edges, asked.moment, asked.first, fields | TIMES
            )
            return [_known(each, asked.moment.known_at) for each in found]

        self.by_key = Loader(by_key)
        self.pages = Once(pages)
        self.count = Once(count)
        self.of = Loader(of)
        self.count_of = Loader(count_of)
        self.between = Loader(between)


def _known(facts: Sequence[Fact], known_at: datetime) -> list[Fact]:
    known = (as_known_at(fact, known_at) for fact in facts)
    return [fact for fact in known if fact is not None]


def _known_page(page: Page[Fact], known_at: datetime) -> Page[Fact]:
    return msgspec.structs.replace(page, items=_known(page.items, known_at))
