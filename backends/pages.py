"""The page that the rows of a window make, whatever store read them."""

from collections.abc import Sequence
from typing import TypeVar

from backends.records import Page, PageRequest

T = TypeVar("T")

Outside = tuple[bool, bool]
"""Whether rows stand at or before a page's `after`, and at or after its `before`."""


def page_of(items: Sequence[T], page: PageRequest, outside: Outside = (False, False)) -> Page[T]:
    """The page that a window's rows make: in the page's own direction, one more than it may hold where it
    is to know its ends."""
    more = len(items) > page.limit
    kept = list(items[: page.limit])
    if page.backward:
        kept.reverse()
    if not page.ends:
        return Page(kept)
    before, after = outside
    return Page(
        kept,
        has_next=after or (more and not page.backward),
        has_previous=before or (more and page.backward),
    )
