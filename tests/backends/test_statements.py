"""Statements are built once a shape, of no call's values, and say what one built for the call would say."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Executable, Select, Text, column, event, select

from backends.records import (
    ChunkFilter,
    Direction,
    DocumentFilter,
    Edges,
    EntityFilter,
    EpisodeFilter,
    EpisodeKind,
    FactFilter,
    Fields,
    Kind,
    Mention,
    MetadataMatch,
    Moment,
    Needs,
    Order,
    PageRequest,
    Scope,
    SearchEntry,
    SearchFilter,
    TimeRange,
    VectorSpace,
)
from backends.registry import create
from backends.sql.dialect import one_of
from backends.sql.statements import Statements, bound
from tests.contract.samples import (
    KEY_ONLY,
    chunk,
    day,
    document,
    entity,
    episode,
    fact,
    modest,
    moment,
)
from tests.servers import postgres as server

TENANTS = (Scope("one"), Scope("two"))
KEYS = [f"k{n}" for n in range(8)]
DAYS: list[datetime | None] = [day(n) for n in range(4)] + [None]


class BuiltAnew(Statements):
    """Builds every statement for its own call, of its values."""

    def made(self, call: partial[Any]) -> tuple[Executable, dict[str, Any]]:
        return call(), {}


# Two memories of the same keys


def times(scope: Scope, n: int) -> tuple[datetime | None, datetime | None]:
    """Two times of a row, some missing, others in another tenant."""
    shift = TENANTS.index(scope)
    return DAYS[(n + shift) % 5], DAYS[(2 * n + shift) % 5]


async def fill(store: Any, scope: Scope) -> None:
    """A memory with one row of each kind for every key, and of facts one for every two."""
    async with store.batch():
        for n, key in enumerate(KEYS):
            name, (early, late) = f"{scope.tenant} {n % 3}", times(scope, n)
            near, far = KEYS[n // 2], KEYS[-1 - n // 3]
            place: dict[str, Any] = {"document_key": near, "metadata": {"n": n % 2}}
            own = {**place, "position": None if n % 4 == 3 else n, "text": name}
            told = {**place, "occurred_at": early, "recorded_at": late}
            known = {"predicate": name, "valid_from": early, "recorded_at": late}
            facts = [
                fact(f"{key}-{other}", near, other, episode_keys=(key,), **known)
                for other in (near, far)
            ]
            titled = document(key, title=name, source=name, created_at=early)
            await store.documents.upsert_many(scope, [titled])
            await store.chunks.upsert_many(scope, [chunk(key, **own)])
            await store.entities.upsert_many(scope, [entity(key, name=name, created_at=late)])
            await store.episodes.upsert_many(scope, [episode(key, **told)])
            await store.facts.upsert_many(scope, facts)
            mentions = [Mention(kind, key, far) for kind in (Kind.CHUNK, Kind.EPISODE)]
            await store.mentions.upsert_many(scope, mentions)
            entry = SearchEntry(kind=Kind.DOCUMENT, key=key, title=name, body="word")
            await store.keywords.index_many(scope, [entry])


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
async def address(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    if request.param == "sqlite":
        folder: Path = tmp_path_factory.mktemp("statements")
        yield f"sqlite+aiosqlite:///{folder}/memory.db"
        return
    async with server.database(request.getfixturevalue("postgres")) as url:
        yield url


@asynccontextmanager
async def opened(address: str) -> AsyncIterator[Any]:
    store = create("sql", "statements", {"url": address, "pool_size": 4})
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture(scope="module")
async def stores(address: str) -> AsyncIterator[tuple[Any, Any]]:
    """Two stores in one place: one that keeps its statements, and one that builds each anew."""
    space = VectorSpace("model", 4)
    await create("sql", "statements", {"url": address}).migrate(
        Needs(space=space, keywords=frozenset(Kind))
    )
    async with opened(address) as keeping, opened(address) as building:
        building._sql.statements = BuiltAnew()
        for scope in TENANTS:
            await fill(keeping, scope)
        yield keeping, building


@pytest.fixture
def store(stores: tuple[Any, Any]) -> Any:
    """The store that keeps its statements, as it was at the start."""
    keeping, _ = stores
    keeping._sql.statements = Statements()
    return keeping


# What is asked


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of a call; `position` bounds a page on either side, if it is to be bounded."""

    scope: Scope
    keys: list[str]
    at: Moment
    edges: Edges
    limit: int
    backward: bool
    ends: bool
    position: tuple[datetime | None, str] | None
    span: TimeRange | None
    names: tuple[str, ...] | None
    fields: Fields

    def page(self, *, key_only: bool = False, place: Any = None) -> PageRequest:
        """A page, within its bound of these values."""
        bound: Any = self.position and (self.position[1],) if key_only else place or self.position
        return PageRequest(
            first=None if self.backward else self.limit,
            last=self.limit if self.backward else None,
            before=bound if self.backward else None,
            after=None if self.backward else bound,
            ends=self.ends,
        )

    @property
    def by_position(self) -> PageRequest:
        """A page of chunks, bounded by a place among the positions."""
        place = self.position and (self.position[0] and self.position[0].day, self.position[1])
        return self.page(place=place)

    @property
    def by_name(self) -> PageRequest:
        """A page of entities, bounded by a name."""
        return self.page(place=self.position and (f"one {self.limit}", self.position[1]))

    @property
    def parents(self) -> list[str]:
        """The keys of parents: one where the page has a bound."""
        return [*self.keys, KEYS[0]][:1] if self.position else self.keys


odd_keys = st.sampled_from([*KEYS, "k0-k0", "nobody", "a\0b", ""])
asked = st.builds(
    Asked,
    scope=st.sampled_from(TENANTS),
    keys=st.lists(odd_keys, max_size=9),
    at=st.builds(moment, st.integers(0, 4), st.integers(0, 4)),
    edges=st.builds(
        Edges,
        direction=st.sampled_from(Direction),
        predicates=st.sampled_from([None, (), ("one 0", "two 1")]),
        include_invalidated=st.booleans(),
    ),
    limit=st.integers(1, 4),
    backward=st.booleans(),
    ends=st.booleans(),
    position=st.none() | st.tuples(st.sampled_from(DAYS), st.sampled_from(KEYS)),
    span=st.none() | st.builds(TimeRange, start=st.sampled_from(DAYS), end=st.sampled_from(DAYS)),
    names=st.sampled_from([None, (), ("one 0",), ("one 1", "two 2")]),
    fields=st.sampled_from([KEY_ONLY, frozenset({"name", "title", "predicate", "occurred_at"})]),
)

Call = Callable[[Any, Asked], Awaitable[Any]]
CALLS: list[Call] = [
    lambda s, a: s.documents.get_many(a.scope, a.keys, a.fields),
    lambda s, a: s.documents.find(
        a.scope,
        DocumentFilter(sources=a.names, title_contains=a.names[0] if a.names else None, created_at=a.span),
        Order("created_at", a.backward),
        a.page(),
        a.fields,
    ),
    lambda s, a: s.documents.count(a.scope, DocumentFilter(keys=tuple(a.keys))),
    lambda s, a: s.chunks.find(a.scope, ChunkFilter(sources=a.names), a.page(key_only=True), a.fields),
    lambda s, a: s.chunks.find(a.scope, odd(a), a.page(key_only=True), a.fields),
    lambda s, a: s.chunks.of_documents(a.scope, a.parents, a.by_position, a.fields),
    lambda s, a: s.chunks.count_of_documents(a.scope, a.keys),
    lambda s, a: s.chunks.adjacent(a.scope, a.keys, "previous" if a.ends else "next", a.fields),
    lambda s, a: s.entities.get_many(a.scope, a.keys, a.at.known_at, a.fields),
    lambda s, a: s.entities.named(a.scope, [f"one {a.limit}", *a.keys], a.limit),
    lambda s, a: s.entities.find(
        a.scope, EntityFilter(names=a.names, created_at=a.span), None, a.by_name, a.fields
    ),
    lambda s, a: s.facts.find(a.scope, FactFilter(subjects=a.names, valid_from=a.span), None, a.at, a.page(), a.fields),
    lambda s, a: s.facts.of(a.scope, Kind.ENTITY, a.parents, a.edges, a.at, a.page(), a.fields),
    lambda s, a: s.facts.of(a.scope, Kind.EPISODE, a.parents, a.edges, a.at, a.page(), a.fields),
    lambda s, a: s.facts.count_of(a.scope, Kind.ENTITY, a.keys, a.edges, a.at),
    lambda s, a: s.facts.neighbors(a.scope, a.parents, a.edges, a.at, a.page(key_only=True), a.fields),
    lambda s, a: s.facts.count_neighbors(a.scope, a.keys, a.edges, a.at),
    lambda s, a: s.facts.between(
        a.scope, [(key, KEYS[-1]) for key in a.keys], a.edges, a.at, a.limit, a.fields
    ),
    lambda s, a: s.facts.reach(a.scope, a.keys, KEYS[:1], a.edges, a.at, a.limit),
    lambda s, a: s.facts.among(a.scope, a.keys, a.edges, a.at, a.limit, a.fields),
    lambda s, a: s.episodes.find(
        a.scope,
        EpisodeFilter(kinds=(EpisodeKind.TEXT,), mentions=a.names, occurred_at=a.span),
        None,
        a.at.known_at,
        a.page(),
        a.fields,
    ),
    *(
        partial(
            lambda kind, s, a: s.episodes.of(
                a.scope, kind, a.parents, a.at.known_at, a.page(), a.fields
            ),
            kind,
        )
        for kind in (Kind.ENTITY, Kind.FACT, Kind.DOCUMENT)
    ),
    lambda s, a: s.episodes.adjacent(a.scope, a.keys, "next", a.at.known_at, a.fields),
    lambda s, a: s.mentions.entities_of(
        a.scope, Kind.CHUNK, a.parents, a.names, a.by_name, a.fields
    ),
    lambda s, a: s.mentions.sources_of(a.scope, Kind.DOCUMENT, a.parents, a.page(key_only=True)),
    lambda s, a: s.keywords.search(
        a.scope, Kind.DOCUMENT, "one word", SearchFilter(sources=a.names), a.at, a.limit
    ),
]  # fmt: skip


def odd(asked: Asked) -> ChunkFilter:
    """A filter by metadata of as many matches as there are keys."""
    return ChunkFilter(
        metadata=tuple(
            MetadataMatch(tokens=(key, "n=0"), negated=bool(n % 2))
            for n, key in enumerate(asked.keys)
        )
    )


@asynccontextmanager
async def sending(store: Any) -> AsyncIterator[list[tuple[str, Any]]]:
    """The statements that a store sends to read, with their parameters."""
    sent: list[tuple[str, Any]] = []
    engine = store._sql._connections.reads.sync_engine

    def note(_: Any, __: Any, statement: str, parameters: Any, ___: Any, ____: bool) -> None:
        sent.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def compiled(store: Any) -> int:
    """How many statements SQLAlchemy has compiled for a store, and keeps."""
    return len(store._sql._connections.reads.sync_engine._compiled_cache)


# One statement a shape


@modest
@given(calls=st.lists(st.tuples(st.sampled_from(CALLS), asked), min_size=1, max_size=12))
async def test_calls_at_once_are_answered_as_each_alone(
    stores: tuple[Any, Any], calls: Sequence[tuple[Call, Asked]]
) -> None:
    keeping, building = stores
    async with sending(building) as expected:
        alone = [await call(building, arguments) for call, arguments in calls]
    async with sending(keeping) as sent:
        together = await asyncio.gather(*(call(keeping, arguments) for call, arguments in calls))
    assert together == alone
    assert sorted(map(repr, sent)) == sorted(map(repr, expected))


@modest
@given(call=st.sampled_from(CALLS), arguments=asked)
async def test_a_call_of_the_same_shape_builds_and_compiles_nothing(
    stores: tuple[Any, Any], call: Call, arguments: Asked
) -> None:
    keeping, _ = stores
    await call(keeping, arguments)
    built, known = keeping._sql.statements.built, compiled(keeping)
    await call(keeping, arguments)
    assert (keeping._sql.statements.built, compiled(keeping)) == (built, known)


async def test_other_values_make_no_other_statement(store: Any) -> None:
    title = frozenset({"title"})
    for n, scope in enumerate(TENANTS * 3, 1):
        await store.documents.get_many(scope, KEYS[:n], title)
        await store.facts.of(
            scope, Kind.ENTITY, KEYS[:1], Edges(predicates=("p",) * n), moment(n), after(n), title
        )
    known = compiled(store)
    assert store._sql.statements.built == store._sql.statements.kept == 2
    await store.documents.get_many(Scope("three"), ["x"] * 500, title)
    assert store._sql.statements.built == 2
    assert compiled(store) == known


def after(number: int) -> PageRequest:
    """A page after a day."""
    return PageRequest(first=number, after=(day(number), f"k{number}"))


@pytest.mark.parametrize(
    "page",
    [
        PageRequest(last=2),
        PageRequest(first=2, after=(None, "k1")),
        PageRequest(first=2, after=(day(0), "k1")),
        PageRequest(first=2, before=(day(0), "k1")),
    ],
)
async def test_what_is_missing_or_decided_makes_another_statement(
    store: Any, page: PageRequest
) -> None:
    async def ask(asked: PageRequest) -> None:
        await store.facts.of(
            TENANTS[0], Kind.ENTITY, KEYS[:1], Edges(), moment(1), asked, frozenset()
        )

    await ask(PageRequest(first=2))
    await ask(page)
    assert store._sql.statements.built == 2


async def test_the_statements_kept_are_bounded_and_the_least_recently_used_goes(
    store: Any,
) -> None:
    store._sql.statements = Statements(kept=3)
    match = MetadataMatch(tokens=("n=0",))
    for length in (1, 2, 3, 1, 4, 5, 1):
        where = DocumentFilter(metadata=(match,) * length)
        assert await store.documents.count(TENANTS[0], where) == 0
    assert store._sql.statements.kept == 3
    assert store._sql.statements.built == 5  # that of one match was kept throughout


# What a statement's function may see


class Named(msgspec.Struct, frozen=True):
    """A record among the arguments of a statement's function."""

    name: str
    others: tuple[str, ...] = ()


def of_name(named: Named, upper: bool) -> Select[Any]:
    target = column("upper" if upper else "lower", Text())
    return select(target).where(target == named.name, one_of(target, named.others))


def test_a_function_is_called_once_a_shape_and_given_no_value() -> None:
    statements = Statements()
    first, values = statements.made(partial(of_name, Named("secret"), True))
    second, others = statements.made(partial(of_name, Named("other"), True))
    third, _ = statements.made(partial(of_name, Named("other"), False))
    assert first is second
    assert first is not third
    assert "secret" not in str(first.compile().params)
    assert (list(values.values()), list(others.values())) == (["secret"], ["other"])


def test_a_part_is_built_of_its_own_arguments() -> None:
    def texts(call: partial[Any]) -> tuple[str, list[Any]]:
        statement, values = statements.made(call)
        names = statement.compile().params
        return str(statement), [values[name] for name in names]

    statements = Statements()
    parts = [partial(of_name, Named(name, ("z",)), name == "b") for name in "ab"]
    text, values = texts(partial(both, *parts))
    assert text.index("lower") < text.index("upper")
    assert values == ["a", ("z",), "b", ("z",)]


def both(first: partial[Select[Any]], second: partial[Select[Any]]) -> Any:
    return first().union_all(second())


@pytest.mark.parametrize(
    "look",
    [
        lambda name: select(column("a")) if name else select(column("b")),
        lambda name: select(column("a")) if name == "x" else select(column("b")),
        lambda name: select(column("a")) if name in ("x", "y") else select(column("b")),
        lambda name: select(column(f"a{name}")),
        lambda name: select(column("a")).where(*(column("b") == each for each in name)),
    ],
    ids=["truth", "comparison", "membership", "text", "items"],
)
def test_a_function_that_looks_at_a_value_fails(look: Callable[[str], Any]) -> None:
    with pytest.raises(TypeError, match="cannot look at a value of a call"):
        Statements().made(partial(look, "x"))


def test_a_function_that_holds_values_is_refused() -> None:
    held = "x"
    with pytest.raises(TypeError, match="holds values of one call: pass them to it"):
        Statements().made(partial(lambda: select(column("a")).where(column("b") == held)))


def test_an_argument_that_is_neither_shape_nor_value_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot be made of a dict, only of NoneType, bool"):
        Statements().made(partial(bound, {"a": 1}, Text()))
