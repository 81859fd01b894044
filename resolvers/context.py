"""All that a resolver may reach: the loaders, the moment at its place, and the limits."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import strawberry

from backends.federation import Federation
from backends.records import Moment, Scope
from backends.watching import HealthWatch
from loaders.request import Loaders
from loaders.search import SearchRules
from resolvers.clocks import Clocks, MomentOfPlace, Place


class Limits(msgspec.Struct, frozen=True):
    """How much one field may be asked for."""

    default_page: int = 20
    largest_page: int = 200
    longest_query: int = 10_000
    """Characters of a search query."""


class Context:
    """One operation's.  Made inside the event loop."""

    def __init__(
        self,
        federation: Federation,
        watch: HealthWatch,
        scope: Scope,
        limits: Limits,
        rules: SearchRules,
    ) -> None:
        self.loaders = Loaders(federation, scope, rules)
        self.watch = watch
        self.limits = limits
        self.moments = MomentOfPlace(datetime.now(UTC))
        self.pools: dict[tuple[Any, Place], Any] = {}
        """What `resolvers.batched` has collected in this tick."""
        self.tasks: set[asyncio.Task[None]] = set()

    def enter(self, info: "Info", valid_at: Any = None, known_at: Any = None) -> Clocks:
        """The clocks that govern a field whose own arguments set these (`None` and UNSET set nothing)."""
        return self.moments.enter(info.path, Clocks(valid_at or None, known_at or None))

    def clocks(self, info: "Info") -> Clocks:
        """The clocks that govern a field."""
        return self.moments.at(info.path)

    def moment(self, info: "Info") -> Moment:
        """The moment that governs a field."""
        return self.moments.moment(self.moments.at(info.path))


Info = strawberry.Info[Context, None]

Keys = Sequence[str]
