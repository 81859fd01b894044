"""The moment at its place in a query (semantics.md, Moment).

A moment flows down: what stands beneath a field that sets one is governed by it.  So it is a property of
the place in the query (the response path without indices), known before any row is.
"""

from datetime import datetime

import msgspec
from graphql.pyutils import Path

from backends.records import Moment

Place = tuple[str, ...]


class Clocks(msgspec.Struct, frozen=True):
    """Which times are set, each on its own; one that is not is the operation's now."""

    valid_at: datetime | None = None
    known_at: datetime | None = None

    @property
    def are_set(self) -> bool:
        """Whether ids are dated."""
        return self.valid_at is not None or self.known_at is not None

    def within(self, outer: "Clocks") -> "Clocks":
        """These clocks beneath others: the innermost wins."""
        return Clocks(self.valid_at or outer.valid_at, self.known_at or outer.known_at)


UNSET_CLOCKS = Clocks()


class MomentOfPlace:
    """The clocks of each place of one operation."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._set: dict[Place, Clocks] = {}

    def enter(self, path: Path, clocks: Clocks) -> Clocks:
        """Set clocks for a field and all beneath; gives those that govern it."""
        place = place_of(path)
        governing = clocks.within(self._at(place[:-1]))
        if clocks.are_set:
            self._set[place] = governing
        return governing

    def at(self, path: Path) -> Clocks:
        """The clocks that govern a field."""
        return self._at(place_of(path)) if self._set else UNSET_CLOCKS

    def moment(self, clocks: Clocks) -> Moment:
        """Both times, now where none is set."""
        return Moment(clocks.valid_at or self._now, clocks.known_at or self._now)

    def _at(self, place: Place) -> Clocks:
        for length in range(len(place), 0, -1):
            if (clocks := self._set.get(place[:length])) is not None:
                return clocks
        return UNSET_CLOCKS


def place_of(path: Path | None) -> Place:
    """The response path without indices."""
    keys: list[str] = []
    while path is not None:
        if isinstance(path.key, str):
            keys.append(path.key)
        path = path.prev
    return tuple(reversed(keys))
