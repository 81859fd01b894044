"""Schemas as text: objects, interfaces, a union, lists of lists, non-null at every level, arguments."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

LEAVES = ("Int", "Float", "String", "Boolean", "ID", "Odd", "Color")
OBJECTS = ("A", "B", "C")
ABSTRACT = {"Node": ("A", "B"), "Named": ("B", "C"), "Either": ("A", "C")}
"""Interfaces and a union: their possible types."""
INTERFACES = ("Node", "Named")
ROOTS = ("Query", "Mutation")

ARGUMENTS = {
    "i": "i: Int = 3",
    "n": "n: Int!",
    "d": "d: Int! = 5",
    "l": "l: [Int!]",
    "p": "p: Point = {x: 7}",
    "c": "c: Color = GREEN",
    "o": "o: Odd",
    "s": "s: String",
}
"""What arguments a field may have, by their names."""

_FIXED = """\
scalar Odd
enum Color { RED GREEN BLUE }
input Point { x: Int! = 1 ys: [Int!] color: Color = RED inner: Point }
union Either = A | C
"""

_PATTERNS = ("{}", "{}!", "[{}]", "[{}]!", "[{}!]", "[{}!]!", "[[{}]]", "[[{}!]!]", "[[{}]!]!")

_TYPES = [
    pattern.format(name) for name, pattern in product((*LEAVES, *OBJECTS * 2, *ABSTRACT), _PATTERNS)
]


@dataclass(frozen=True)
class Field:
    """A field of a type."""

    name: str
    type: str
    arguments: tuple[str, ...] = ()

    @property
    def base(self) -> str:
        """The name of the type within lists and non-null."""
        return self.type.translate({ord(each): None for each in "[]!"})

    def __str__(self) -> str:
        given = ", ".join(ARGUMENTS[name] for name in self.arguments)
        return f"{self.name}{f'({given})' if given else ''}: {self.type}"


@dataclass(frozen=True)
class Schema:
    """A schema: the fields of each type, which objects have a predicate, which abstract types a function,
    and which fields have no resolver of their own."""

    fields: dict[str, tuple[Field, ...]]
    predicates: frozenset[str]
    functions: frozenset[str]
    bare: frozenset[str]

    @property
    def text(self) -> str:
        """The schema in the language of schemas."""
        return _FIXED + "\n".join(self._types())

    def _types(self) -> Iterator[str]:
        for name, fields in self.fields.items():
            kind = "interface" if name in INTERFACES else "type"
            implemented = [each for each in INTERFACES if name in ABSTRACT[each]]
            implements = f" implements {' & '.join(implemented)}" if implemented else ""
            yield f"{kind} {name}{implements} {{ {' '.join(map(str, fields))} }}"


@cache
def one_of(choices: tuple[T, ...]) -> st.SearchStrategy[T]:
    """One of several that are no numbers; the strategy is made once."""
    return st.sampled_from(choices)


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """Any schema.  Names of fields are each of one type and its interfaces alone."""
    fields = {name: draw(_fields(name.lower()[:2], 2)) for name in INTERFACES}
    for name in OBJECTS:
        own = draw(_fields(name.lower(), 3))
        inherited = [
            Field(each.name, draw(one_of(_stricter(each.type))), each.arguments)
            for interface in INTERFACES
            if name in ABSTRACT[interface]
            for each in fields[interface]
        ]
        fields[name] = (*own, *inherited)
    for name in ROOTS:
        fields[name] = draw(_fields(name.lower()[0], 4))
    names = tuple(each.name for name in OBJECTS for each in fields[name])
    return Schema(
        fields,
        draw(_objects),
        draw(_abstract),
        frozenset(draw(one_of(names)) for _ in range(draw(_few))),
    )


@st.composite
def _fields(draw: st.DrawFn, prefix: str, most: int) -> tuple[Field, ...]:
    types = draw(_types[most])
    return tuple(
        Field(f"{prefix}{number}", type_, draw(_arguments)) for number, type_ in enumerate(types)
    )


_types = {most: st.lists(st.sampled_from(_TYPES), min_size=1, max_size=most) for most in (2, 3, 4)}
_objects = st.just(frozenset(OBJECTS)) | st.frozensets(st.sampled_from(OBJECTS))
_abstract = st.just(frozenset(ABSTRACT)) | st.frozensets(st.sampled_from(tuple(ABSTRACT)))
_few = st.integers(0, 3)
_arguments = st.one_of(
    st.just(()), st.lists(st.sampled_from(list(ARGUMENTS)), unique=True, max_size=3).map(tuple)
)


def _stricter(type_: str) -> tuple[str, ...]:
    """The type, and what an object may have in its place."""
    return (type_,) if type_.endswith("!") else (type_, f"{type_}!")
