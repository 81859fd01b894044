"""A Strawberry schema with a bit of everything: a library, whose books fail in every way."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Generic, NewType, TypeVar

import strawberry
from graphql import GraphQLError
from strawberry.permission import PermissionExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info

from tests.gateway.execution.library_guards import (
    Allows,
    AllowsLater,
    AsksTheArguments,
    AsksTheArgumentsLater,
    AsksTheSource,
    Denies,
    DeniesLater,
    Loudly,
    LoudlyLater,
    Once,
    Raises,
)

T = TypeVar("T")
LATER = "Later"
"""What names of fields that have to be awaited end with."""

# Scalars, enums, inputs

Reversed = NewType("Reversed", str)


def _reverse(value: Any) -> str:
    if value == "raise":
        raise GraphQLError("cannot be reversed", extensions={"code": "REVERSED"})
    return str(value)[::-1]


SCALARS: dict[object, Any] = {
    Reversed: strawberry.scalar(name="Reversed", serialize=_reverse, parse_value=_reverse)
}


@strawberry.enum
class Color(Enum):
    RED = "red"
    GREEN = "green"
    BLUE = strawberry.enum_value("blue", name="AZURE")


@strawberry.input
class Filter:
    word: str | None = strawberry.UNSET
    least: int = 1
    colors: list[Color] = strawberry.field(default_factory=lambda: [Color.GREEN])
    also: "Filter | None" = None


def _told(value: Any) -> str:
    """A value as text that tells UNSET from null, and enums from their values."""
    return "UNSET" if value is strawberry.UNSET else repr(value)


# Batches


def batch(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give the resolver, which asks for one parent, a batch function."""

    def decorated(resolver: Callable[..., Any]) -> Callable[..., Any]:
        setattr(resolver, "__batch__", function)  # noqa: B010 - functions have no such attribute
        return resolver

    return decorated


async def _texts(parents: list[Any], info: Info, times: int = 1) -> list[Any]:
    return [_text(parent, times) for parent in parents]


def _text(parent: Any, times: int) -> Any:
    if parent.number % 5 == 3:
        return ValueError(f"no text {parent.number}")
    return None if parent.number % 5 == 4 else parent.title * times


async def _text_of(parent: Any, times: int) -> Any:
    value = _text(parent, times)
    if isinstance(value, Exception):
        raise value
    return value


# Types


@strawberry.interface
class Node:
    number: int

    @strawberry.field
    def name(self) -> str:
        return f"{type(self).__name__} {self.number}"


@strawberry.type
class Book(Node):
    title: str
    pages: int | None = None
    color: Color = Color.RED
    key: strawberry.ID = strawberry.ID("key")
    written: datetime = datetime(2020, 2, 29, 12, 30, 0, 250, UTC)
    printed: date | None = None
    price: Decimal = Decimal("10.50")
    back: Reversed = Reversed("abc")
    tags: list[str | None] = strawberry.field(default_factory=lambda: ["a", None])
    grid: list[list[int]] = strawberry.field(default_factory=list[list[int]])

    @strawberry.field
    def shout(self, times: int = 2, *, info: Info) -> str:
        return f"{self.title * times} {info.field_name}"

    @strawberry.field
    @staticmethod
    def parent_title(parent: strawberry.Parent[Any]) -> str:
        return parent.title

    @strawberry.field
    def root_number(root: Any) -> int:
        return root.number

    @strawberry.field
    @staticmethod
    def alone() -> str:
        return "alone"

    @strawberry.field
    def must(self) -> int:
        if self.number % 3 == 2:
            raise GraphQLError(f"book {self.number}", extensions={"number": self.number})
        return None if self.number % 3 == 1 else self.number  # type: ignore[return-value]

    @strawberry.field
    async def must_later(self) -> int:
        return self.must()  # type: ignore[operator,no-any-return]

    @strawberry.field
    def filtered(
        self,
        where: Filter | None = None,
        color: Color = Color.GREEN,
        word: str | None = strawberry.UNSET,
        word_back: Reversed | None = None,
        numbers: list[int] | None = None,
        since: datetime | None = None,
        named: Annotated[int, strawberry.argument(name="called")] = 3,
    ) -> str:
        parts = (where, color, word, word_back, numbers, since, named)
        return " ".join(map(_told, parts))

    @strawberry.field(permission_classes=[Allows, AsksTheSource])
    def guarded(self) -> int | None:
        return self.number

    @strawberry.field(permission_classes=[Allows, Denies])
    def denied(self) -> int | None:
        return self.number

    @strawberry.field(permission_classes=[Denies])
    def denied_must(self) -> int:
        return self.number

    @strawberry.field(permission_classes=[Raises])
    def raising(self) -> int | None:
        return self.number

    @strawberry.field(extensions=[PermissionExtension([Denies()], fail_silently=True)])
    def silent(self) -> int | None:
        return self.number

    @strawberry.field(extensions=[PermissionExtension([AsksTheSource()], fail_silently=True)])
    def silent_list(self) -> list[int]:
        return [self.number]

    silent_attribute: int | None = strawberry.field(
        default=4, extensions=[PermissionExtension([AsksTheSource()])]
    )

    @strawberry.field(permission_classes=[AllowsLater, AsksTheSource])
    async def guarded_later(self) -> int | None:
        return self.number

    @strawberry.field(permission_classes=[DeniesLater])
    def denied_later(self) -> int | None:
        return self.number

    @strawberry.field(permission_classes=[AsksTheArguments])
    def asked(self, times: int = 1) -> str | None:
        return self.title * times

    @strawberry.field(permission_classes=[AsksTheArgumentsLater])
    async def asked_later(self, times: int = 1) -> str | None:
        return self.title * times

    @strawberry.field(extensions=[Loudly()])
    def loud(self) -> str:
        return self.title

    @strawberry.field(extensions=[Loudly(), LoudlyLater()])
    def louder_later(self) -> str:
        return self.title

    @strawberry.field
    @batch(_texts)
    async def text_later(self, info: Info, times: int = 1) -> str | None:
        return await _text_of(self, times)

    @strawberry.field(permission_classes=[AsksTheArguments])
    @batch(_texts)
    async def guarded_text_later(self, info: Info, times: int = 1) -> str | None:
        return await _text_of(self, times)

    @strawberry.field(permission_classes=[AsksTheArgumentsLater])
    @batch(_texts)
    async def guarded_must_later(self, info: Info, times: int = 1) -> str:
        return await _text_of(self, times)

    @strawberry.field(
        extensions=[PermissionExtension([AsksTheArguments()], fail_silently=True), Once()]
    )
    @batch(_texts)
    async def once_later(self, info: Info, times: int = 1) -> str | None:
        return await _text_of(self, times)

    @strawberry.field(permission_classes=[AsksTheSource])
    @batch(_texts)
    async def each_text_later(self, info: Info, times: int = 1) -> str | None:
        return await _text_of(self, times)

    @strawberry.field
    def author(self) -> "Author | None":
        return None if self.number % 7 == 6 else Author(number=self.number + 1)

    @strawberry.field
    async def author_later(self) -> "Author":
        return Author(number=self.number + 1)


@strawberry.type
class Author(Node):
    @strawberry.field
    def books(self, first: int = 2) -> list[Book | None]:
        return [
            None if number % 4 == 3 else book(number)
            for number in range(self.number, self.number + first)
        ]

    @strawberry.field
    async def books_later(self, first: int = 2) -> list[Book]:
        return self.books(first)  # type: ignore[operator,no-any-return]


@dataclass(frozen=True)
class Record:
    """What a type stands for that makes no objects of its own."""

    number: int
    label: str


@strawberry.type
class Shelf(Node):
    label: str

    @classmethod
    def is_type_of(cls, value: object, info: Any) -> bool:
        return isinstance(value, (Record, cls))

    @strawberry.field
    @staticmethod
    def top(parent: strawberry.Parent[Any]) -> Annotated["Thing", strawberry.lazy(__name__)]:
        return thing(parent.number)


setattr(Shelf.is_type_of.__func__, "__by_class__", True)  # noqa: B010 - as above


@strawberry.type
class Ghost(Node):
    """Never what it is said to be."""

    @classmethod
    def is_type_of(cls, value: object, info: Any) -> bool:
        if getattr(value, "number", 0) % 2:
            raise ValueError("ghost")
        return False


Thing = Annotated[Book | Author | Shelf, strawberry.union("Thing")]


@strawberry.type
class Page(Generic[T]):
    items: list[T]
    total: int


def book(number: int) -> Book:
    return Book(
        number=number,
        title=f"b{number}",
        pages=None if number % 2 else 2**31 - (number % 4 == 0),
        color=list(Color)[number % 3],
        back=Reversed("raise" if number % 5 == 1 else f"x{number}"),
        printed=date(2021, 1, 1 + number % 28),
        grid=[[number], []],
    )


def thing(number: int) -> Any:
    return (book, lambda n: Author(number=n), lambda n: Record(n, f"r{n}"))[number % 3](number)


@strawberry.type
class Query:
    @strawberry.field
    def books(self, first: int = 3, start: int = 0) -> list[Book]:
        return [book(number) for number in range(start, start + first)]

    @strawberry.field
    def book(self, number: int = 0) -> Book | None:
        return book(number)

    @strawberry.field
    def must_book(self, number: int = 0) -> Book:
        return book(number)

    @strawberry.field
    def nodes(self, first: int = 4) -> list[Node | None]:
        return [thing(number) for number in range(first)]

    @strawberry.field
    def things(self, first: int = 4) -> list[Thing]:
        return [thing(number) for number in range(first)]

    @strawberry.field
    def shelves(self) -> list[Shelf | None]:
        return [Record(1, "one"), Shelf(number=2, label="two"), book(3)]  # type: ignore[list-item]

    @strawberry.field
    def ghosts(self) -> list[Ghost | None]:
        return [Ghost(number=number) for number in range(3)]

    @strawberry.field
    def page(self, total: int = 2) -> Page[Book]:
        return Page(items=[book(total)], total=total)

    @strawberry.field
    async def page_later(self) -> Page[Thing]:  # type: ignore[valid-type]
        return Page(items=[thing(number) for number in range(4)], total=4)

    @strawberry.field
    async def books_later(self, start: int = 0) -> list[Book]:
        return [book(number) for number in range(start, start + 4)]


@strawberry.type
class Mutation:
    @strawberry.mutation
    def write(self, title: str = "new") -> Book | None:
        return Book(number=9, title=title)

    @strawberry.mutation
    def fail(self) -> int | None:
        raise ValueError("a mutation that fails")

    @strawberry.mutation
    def fail_must(self) -> int:
        raise ValueError("a mutation that takes all with it")

    @strawberry.mutation
    async def write_later(self, where: Filter | None = None) -> Book:
        return Book(number=4, title=_told(where))


def library(**options: Any) -> strawberry.Schema:
    """The schema; with `execution_context_class=` on an engine of choice."""
    return strawberry.Schema(
        Query,
        Mutation,
        types=[Shelf, Ghost],
        config=StrawberryConfig(scalar_map=SCALARS),
        **options,
    )
