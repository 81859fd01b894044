"""Arguments that many fields share, with their descriptions, and what null means in them."""

from datetime import datetime
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry import UNSET

T = TypeVar("T")


def given(value: Any, default: T) -> Any | T:
    """The value of an argument; the default where it is null or absent (semantics.md, Filters)."""
    return default if value is None or value is UNSET else value


def listed(value: Any) -> tuple[Any, ...] | None:
    """A list argument as a tuple; `None` where it is null or absent.  An empty list matches nothing."""
    return None if value is None or value is UNSET else tuple(value)


First = Annotated[
    int | None,
    strawberry.argument(description="The first so many: 20 unless said, at most 200."),
]
After = Annotated[
    str | None, strawberry.argument(description="Only what follows this cursor of the same list.")
]
Last = Annotated[
    int | None, strawberry.argument(description="The last so many; not together with `first`.")
]
Before = Annotated[
    str | None,
    strawberry.argument(description="Only what precedes this cursor; needs `last`."),
]
ValidAt = Annotated[
    datetime | None,
    strawberry.argument(
        description="When it must hold in the world; here and beneath. Now unless set further out."
    ),
]
KnownAt = Annotated[
    datetime | None,
    strawberry.argument(
        description="What the memory knew at this time; here and beneath. Now unless set further out."
    ),
]
IncludeInvalidated = Annotated[
    bool | None,
    strawberry.argument(description="Every fact heard of by `knownAt`, whether it holds or not."),
]
Predicates = Annotated[
    list[str] | None,
    strawberry.argument(description="Only facts with one of these predicates; none for `[]`."),
]
Types = Annotated[
    list[str] | None,
    strawberry.argument(description="Only entities of one of these types; none for `[]`."),
]
Key = Annotated[str, strawberry.argument(description="The owning store's own identifier.")]
MinScore = Annotated[
    float | None,
    strawberry.argument(description="Only items with at least this cosine similarity."),
]
SimilarFirst = Annotated[
    int | None, strawberry.argument(description="The nearest so many: 10 unless said, at most 200.")
]
