"""Neo4j apart from the contract: options, faults, plans, how strings sort, and rows of other programs."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import neo4j
import pytest
import uvloop
from neo4j import exceptions as driver

from backends.errors import (
    ConfigurationError,
    SchemaTooOld,
    StoreError,
    StoreRejected,
    StoreTimeout,
    StoreUnavailable,
)
from backends.moment import ALL_TIME
from backends.neo4j import migrate
from backends.neo4j.engine import Neo4jEngine
from backends.neo4j.errors import translated
from backends.neo4j.migrate import GRAPH_SCHEMA
from backends.neo4j.options import Neo4jOptions
from backends.neo4j.store import Neo4jStore
from backends.records import (
    Direction,
    Edges,
    Entity,
    EntityFilter,
    Episode,
    EpisodeFilter,
    EpisodeKind,
    Fact,
    FactFilter,
    Health,
    Kind,
    Mention,
    Moment,
    Needs,
    Order,
    Outcome,
    Page,
    PageRequest,
    Scope,
    VectorSpace,
)
from backends.registry import create
from tests.contract.reference import SHAPES, check_pages
from tests.contract.samples import (
    ALL,
    ANY_EDGE,
    EVER,
    FULLWIDTH_A,
    KEY_ONLY,
    SMILE,
    chunk,
    day,
    document,
    entity,
    episode,
    fact,
    new_scope,
    numbered,
)
from tests.servers.neo4j import Neo4j
from tests.servers.played import playing

BOTH = Edges()
NEEDS = Needs(roles=frozenset({"facts"}), space=VectorSpace("model", 4))


def a_store(server: Neo4j, **given: Any) -> Neo4jStore:
    """A store on the server, not open."""
    return Neo4jStore("graph", Neo4jOptions(**msgspec.structs.asdict(server) | given))


@asynccontextmanager
async def opened(server: Neo4j, **given: Any) -> AsyncIterator[Neo4jStore]:
    store = a_store(server, **given)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture(scope="module")
async def store(neo4j_server: Neo4j) -> AsyncIterator[Neo4jStore]:
    """A store that was migrated."""
    async with opened(neo4j_server) as store:
        await store.migrate(NEEDS)
        yield store


@pytest.fixture
def scope() -> Scope:
    return new_scope()


Run = Callable[..., list[list[Any]]]


@pytest.fixture(scope="module")
def run(neo4j_server: Neo4j) -> Iterator[Run]:
    """Runs Cypher as another program would."""
    auth = (neo4j_server.user, neo4j_server.password)
    with (
        neo4j.GraphDatabase.driver(neo4j_server.url, auth=auth) as other,
        other.session() as session,
    ):
        yield lambda query, **given: session.run(query, given).values()


# Options


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"url": "http://localhost:7474"}, "bolt://host:7687"),
        ({"url": "localhost:7687"}, "bolt://host:7687"),
        ({"url": "bolt://"}, "bolt://host:7687"),
        ({"url": "bolt://me:secret@localhost"}, "beside url"),
        ({"layout": "graphiti"}, "allowed: native"),
        ({"ca": "ca.pem", "url": "bolt+s://localhost"}, "bolt:// and ca"),
        ({"database": ""}, "database is empty"),
        ({"pool_size": 0}, "1 or more"),
        ({"recycle": -1}, "negative"),
        ({"pasword": "x"}, "password"),
    ],
)
def test_options_that_cannot_work_are_told(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\[stores\.graph\]") as raised:
        create("neo4j", "graph", given)
    assert told in str(raised.value)
    assert "secret" not in str(raised.value)


async def test_a_file_of_authorities_must_be_there() -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.pem"):
        await Neo4jStore("graph", Neo4jOptions(ca="nowhere.pem")).open()


async def test_the_pool_is_what_the_options_say(neo4j_server: Neo4j, scope: Scope) -> None:
    options = {"pool_size": 2, "pool_timeout": 20.0, "recycle": 60.0}
    async with opened(neo4j_server, **options) as store:
        status = store.pool()
        assert (status.size, status.in_use, status.wait, status.recycle) == (2, 0, 20.0, 60.0)
        assert status.checked
        async with store.batch():
            assert store.pool().in_use == 1
        counts = asyncio.gather(*(store.counts(scope) for _ in range(20)))
        await asyncio.sleep(0)
        assert store.pool().in_use == 2
        assert len(await counts) == 20
        assert store.pool().in_use == 0


# Errors


def every_driver_error(error: type[BaseException]) -> Iterator[type[BaseException]]:
    for each in error.__subclasses__():
        yield each
        yield from every_driver_error(each)


DRIVER_ERRORS = sorted(set(every_driver_error(driver.GqlError)), key=lambda error: error.__name__)


@pytest.mark.parametrize("error", DRIVER_ERRORS, ids=lambda error: error.__name__)
def test_every_error_of_the_driver_is_translated(error: type[Exception]) -> None:
    with pytest.raises(StoreError, match="graph") as raised, translated("graph"):
        raise error.__new__(error)
    assert raised.value.store == "graph"


def test_the_driver_has_the_errors_that_are_known() -> None:
    assert len(DRIVER_ERRORS) >= 30
    assert {driver.ServiceUnavailable, driver.ClientError, driver.AuthError} <= set(DRIVER_ERRORS)


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (driver.ServiceUnavailable("gone"), StoreUnavailable),
        (driver.SessionExpired("gone"), StoreUnavailable),
        (driver.RoutingServiceUnavailable("gone"), StoreUnavailable),
        (driver.DatabaseUnavailable("gone"), StoreUnavailable),
        (driver.ConnectionAcquisitionTimeoutError("full"), StoreTimeout),
        (driver.CypherSyntaxError("what"), StoreRejected),
        (driver.ConfigurationError("what"), StoreRejected),
        (ConnectionResetError("reset"), StoreUnavailable),
        (OverflowError("too large"), StoreRejected),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_each_error_is_the_one_that_fits(error: Exception, ours: type[StoreError]) -> None:
    with pytest.raises(ours), translated("graph"):
        raise error


def test_a_message_is_told_in_one_line_and_not_for_ever() -> None:
    with pytest.raises(StoreRejected) as raised, translated("graph"):
        raise driver.ResultError(None, "a\n  plan " + "x" * 10_000)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 500


def test_other_errors_are_left_alone() -> None:
    with pytest.raises(RuntimeError, match="ours"), translated("graph"):
        raise RuntimeError("ours")


async def test_what_a_batch_raises_for_other_reasons_is_left_alone(store: Neo4jStore) -> None:
    with pytest.raises(FileNotFoundError):
        async with store.batch():
            raise FileNotFoundError


async def test_a_wrong_password_and_a_wrong_database_are_told(neo4j_server: Neo4j) -> None:
    async with opened(neo4j_server, user="nobody", password="wrong") as store:
        with pytest.raises(StoreRejected, match="refuses user and password"):
            await store.ping()
    async with opened(neo4j_server, database="nowhere") as store:
        with pytest.raises(StoreRejected, match="nowhere"):
            await store.ping()


async def test_what_is_no_neo4j_is_unavailable() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(20)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with playing(answer) as port:
        nowhere = Neo4j(f"bolt://127.0.0.1:{port}", "neo4j", "x")
        async with opened(nowhere, retry_time=0) as store:
            with pytest.raises(StoreUnavailable, match="HTTP"):
                await store.ping()


async def test_a_value_that_no_property_holds_is_refused(store: Neo4jStore, scope: Scope) -> None:
    with pytest.raises(StoreRejected):
        await store.entities.upsert_many(scope, [entity("a", labels=(2**70,))])
    with pytest.raises(StoreRejected):
        await store.entities.get_many(scope, ["\ud800"], ALL_TIME, KEY_ONLY)


# Servers that come and go


class Line:
    """A way to the server that can be closed, cut and opened again."""

    def __init__(self, server: Neo4j) -> None:
        host, _, port = server.url.rpartition("/")[2].partition(":")
        self._target = (host, int(port))
        self._played = AsyncExitStack()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def open(self) -> None:
        played = playing(self._join, port=self.port)
        self.port = await self._played.enter_async_context(played)

    def cut(self) -> None:
        """Reset every connection."""
        for writer in self._writers:
            if not writer.transport.is_closing():
                at_once = struct.pack("ii", 1, 0)
                end = writer.get_extra_info("socket")
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            writer.transport.abort()
        self._writers.clear()

    async def close(self) -> None:
        self.cut()
        await self._played.aclose()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        self._writers |= {writer, back}
        await asyncio.gather(_pump(reader, back), _pump(there, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except (OSError, RuntimeError):
        pass
    finally:
        writer.transport.abort()


@asynccontextmanager
async def behind_a_line(server: Neo4j, **given: Any) -> AsyncIterator[tuple[Neo4jStore, Line]]:
    """A store that reaches the server by a line, which is open."""
    line = Line(server)
    await line.open()
    url = f"bolt://127.0.0.1:{line.port}"
    try:
        async with opened(server, **{"url": url, "retry_time": 0} | given) as store:
            yield store, line
    finally:
        await line.close()


async def eventually(ask: Callable[[], Awaitable[Any]]) -> Any:
    """The answer, however many times it takes: a store is to heal, and may take a moment."""
    started = time.monotonic()
    while True:
        try:
            return await ask()
        except StoreUnavailable:
            assert time.monotonic() - started < 30, "it does not heal"
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("store")
async def test_a_server_that_is_down_at_first_is_asked_when_it_comes(neo4j_server: Neo4j) -> None:
    async with behind_a_line(neo4j_server) as (store, line):
        await line.close()
        with pytest.raises(StoreUnavailable, match="graph"):
            await store.ping()
        with pytest.raises(StoreUnavailable, match="graph"):
            async with store.batch():
                pytest.fail("begun without a server")
        await line.open()
        assert await eventually(store.ping) is Health.UP


async def heals(server: Neo4j, scope: Scope) -> None:
    """Readers and a batch lose their connections again and again, and find new ones in a pool of two."""
    async with behind_a_line(server, pool_size=2) as (store, line):

        async def read() -> None:
            for _ in range(10):
                await eventually(lambda: store.entities.count(scope, EntityFilter()))

        async with asyncio.TaskGroup() as tasks:
            for _ in range(4):
                tasks.create_task(read())
            for _ in range(5):
                await asyncio.sleep(0.05)
                line.cut()
        await asyncio.gather(*(eventually(store.ping) for _ in range(4)))
        line.cut()
        await asyncio.sleep(0.05)  # idle, and lost
        await asyncio.gather(*(eventually(store.ping) for _ in range(4)))
        with pytest.raises(StoreUnavailable):
            async with store.batch():
                await store.entities.upsert_many(scope, [entity("a")])
                line.cut()
                await asyncio.sleep(0.05)
        await eventually(lambda: store.entities.upsert_many(scope, [entity("b")]))
        found = await store.entities.get_many(scope, ["a", "b"], ALL_TIME, KEY_ONLY)
        assert found == [None, Entity(key="b")]


@pytest.mark.usefixtures("store")
async def test_a_pool_whose_connections_are_lost_heals(neo4j_server: Neo4j, scope: Scope) -> None:
    await heals(neo4j_server, scope)


@pytest.mark.usefixtures("store")
async def test_a_pool_heals_on_uvloop_too(neo4j_server: Neo4j, scope: Scope) -> None:
    """There a write to a connection that was lost is a RuntimeError, which the driver does not know."""

    def on_uvloop() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(heals(neo4j_server, scope))

    await asyncio.to_thread(on_uvloop)


async def test_calls_that_are_given_up_keep_no_connection(
    neo4j_server: Neo4j, scope: Scope
) -> None:
    async with opened(neo4j_server, pool_size=2) as store:

        async def give_up(number: int) -> None:
            try:
                async with asyncio.timeout(number / 10_000):
                    await store.counts(scope)
            except TimeoutError:
                pass

        await asyncio.gather(*(give_up(number) for number in range(60)))
        assert store.pool().in_use == 0
        assert await asyncio.gather(*(store.counts(scope) for _ in range(4)))


# Batches


async def test_calls_at_a_time_within_a_batch_take_turns(store: Neo4jStore, scope: Scope) -> None:
    async with store.batch():
        await asyncio.gather(
            *(store.entities.upsert_many(scope, [entity(key)]) for key in numbered("e", 10))
        )
        counts = await asyncio.gather(
            *(store.entities.count(scope, EntityFilter()) for _ in range(5))
        )
    assert counts == [10] * 5


async def test_two_processes_that_write_one_key_leave_one_thing(
    neo4j_server: Neo4j, store: Neo4jStore, scope: Scope, run: Run
) -> None:
    async with opened(neo4j_server) as other:
        for role in ("entities", "episodes"):
            make = {"entities": entity, "episodes": episode}[role]
            await asyncio.gather(
                *(
                    getattr(each, role).upsert_many(scope, [make(key)])
                    for key in numbered("e", 5)
                    for each in (store, other)
                )
            )
    assert await store.counts(scope) == {"entity": 5, "fact": 0, "episode": 5, "mention": 0}
    assert run("MATCH (n {tenant: $t}) RETURN count(n)", t=scope.tenant) == [[10]]


# Migration


async def test_migrate_says_what_it_would_make_and_makes_it_once(
    neo4j_server: Neo4j, store: Neo4jStore, run: Run
) -> None:
    assert await store.migrate(NEEDS) == []
    dropped = ["memory_mention_by_entity", "memory_fact_by_ends_back"]
    for name in dropped:
        run(f"DROP INDEX {name}")
    wanted = sorted(GRAPH_SCHEMA[name].statement for name in dropped)
    with pytest.raises(SchemaTooOld, match=r"2 of 29 .* run memory-gateway migrate"):
        await store.ping()
    unopened = a_store(neo4j_server)
    assert sorted(await unopened.migrate(NEEDS, dry_run=True)) == wanted
    assert sorted(await unopened.migrate(NEEDS, dry_run=True)) == wanted, "it made nothing"
    assert sorted(await unopened.migrate(NEEDS)) == wanted
    assert await store.migrate(NEEDS) == []
    assert await store.ping() is Health.UP


async def test_an_index_under_another_name_will_do(store: Neo4jStore, run: Run) -> None:
    index = GRAPH_SCHEMA["memory_entity_by_created"]
    run("DROP INDEX memory_entity_by_created")
    run(index.statement.replace("memory_entity_by_created", "theirs"))
    assert await store.migrate(NEEDS) == []
    assert await store.ping() is Health.UP
    run("DROP INDEX theirs")
    assert await store.migrate(NEEDS) == [index.statement]


async def test_an_index_for_another_model_is_made_anew(store: Neo4jStore) -> None:
    needs, longer = (
        msgspec.structs.replace(
            NEEDS, vectors=frozenset({Kind.FACT}), space=VectorSpace("model", size)
        )
        for size in (4, 8)
    )
    await store.migrate(needs)
    assert await store.migrate(needs, dry_run=True) == []
    drop, create = await store.migrate(longer, dry_run=True)
    assert drop.startswith("DROP INDEX memory_search_fact_vectors")
    assert create.startswith("CREATE VECTOR INDEX memory_search_fact_vectors")


@pytest.mark.parametrize(("state", "health"), [("POPULATING", Health.DEGRADED), ("FAILED", None)])
async def test_an_index_that_is_not_ready_shows(
    store: Neo4jStore, monkeypatch: pytest.MonkeyPatch, state: str, health: Health | None
) -> None:
    states = dict.fromkeys(GRAPH_SCHEMA, "ONLINE") | {"memory_fact_key": state}

    async def there(engine: Neo4jEngine) -> migrate.There:
        return migrate.There(states, frozenset())

    monkeypatch.setattr(migrate, "_there", there)
    if health is not None:
        assert await store.ping() is health
        return
    with pytest.raises(StoreRejected, match="memory_fact_key failed"):
        await store.ping()


# How strings sort


NAMES = ["a", "Z", "é", FULLWIDTH_A, SMILE, f"{FULLWIDTH_A}b", f"{SMILE}a", "z", "\uffff", "𝒜"]


async def check_lists(store: Neo4jStore, scope: Scope) -> None:
    """Pages of every shape of lists by name and by key, where by UTF-16 the order would be another."""
    fields = frozenset({"name", "valid_from"})
    named = [entity(f"{name}{SMILE}", name=name) for name in NAMES]
    facts = [fact(name, "s", name, valid_from=day(len(name) % 2)) for name in NAMES]

    async def by_name(page: PageRequest) -> Page[Any]:
        return await store.entities.find(scope, EntityFilter(), None, page, fields)

    async def by_name_down(page: PageRequest) -> Page[Any]:
        order = Order("name", descending=True)
        return await store.entities.find(scope, EntityFilter(), order, page, fields)

    async def by_time(page: PageRequest) -> Page[Any]:
        where = FactFilter(include_invalidated=True)
        return await store.facts.find(scope, where, None, EVER, page, fields)

    async def neighbours(page: PageRequest) -> Page[Any]:
        (found,) = await store.facts.neighbors(scope, ["s"], ANY_EDGE, EVER, page, fields)
        return found

    for shape in SHAPES:
        await check_pages(shape, by_name, named, "name")
        await check_pages(shape, by_name_down, named, "name", descending=True)
        await check_pages(shape, by_time, facts, "valid_from")
        await check_pages(shape, neighbours, [entity(name) for name in NAMES])


async def test_lists_are_by_code_point_with_the_index_and_without(
    store: Neo4jStore, scope: Scope, run: Run
) -> None:
    assert run("RETURN $a > $b", a=SMILE, b=FULLWIDTH_A) == [[False]], "compared by UTF-16"
    await store.entities.upsert_many(scope, [entity(f"{name}{SMILE}", name=name) for name in NAMES])
    await store.facts.upsert_many(
        scope, [fact(name, "s", name, valid_from=day(len(name) % 2)) for name in NAMES]
    )
    await check_lists(store, scope)
    used = ["entity_by_name", "fact_by_valid", "fact_by_ends", "fact_by_ends_back"]
    try:
        for name in used:
            run(f"DROP INDEX memory_{name}")
        await check_lists(store, scope)
    finally:
        await store.migrate(NEEDS)


# Plans


GATHERING = {"Limit", "Top", "Sort", "PartialSort", "PartialTop", "EagerAggregation"}
"""What ends a walk, and what waits for all of its rows."""
SCANS = {"AllNodesScan", "NodeByLabelScan", "DirectedRelationshipTypeScan", "Expand(All)"}
NOW = Moment(valid_at=day(0), known_at=ALL_TIME)
FIRST, LAST = PageRequest(first=20, ends=True), PageRequest(last=20, ends=True)
AFTER = PageRequest(first=20, ends=True, after=(day(1), "k"))
BEFORE = PageRequest(last=20, ends=True, before=(None, "k"))
DOWN = Order("valid_from", descending=True)
OUT, IN = Edges(direction=Direction.OUT), Edges(direction=Direction.IN, predicates=("P", "Q"))
FACT_FIELDS = frozenset({"statement", "valid_from"})

Ask = Callable[[Neo4jStore, Scope], Awaitable[object]]
WALKS: dict[str, Ask] = {
    "facts of both": lambda s, t: s.facts.of(
        t, Kind.ENTITY, ["a", "b"], BOTH, NOW, FIRST, FACT_FIELDS
    ),
    "facts out, last": lambda s, t: s.facts.of(t, Kind.ENTITY, ["a"], OUT, NOW, LAST, FACT_FIELDS),
    "facts after": lambda s, t: s.facts.of(t, Kind.ENTITY, ["a"], IN, NOW, AFTER, FACT_FIELDS),
    "facts before": lambda s, t: s.facts.of(t, Kind.ENTITY, ["a"], BOTH, NOW, BEFORE, FACT_FIELDS),
    "facts drawn": lambda s, t: s.facts.of(t, Kind.EPISODE, ["a", "b"], BOTH, NOW, FIRST, KEY_ONLY),
    "every fact": lambda s, t: s.facts.find(t, FactFilter(), None, NOW, AFTER, FACT_FIELDS),
    "every fact, down": lambda s, t: s.facts.find(t, FactFilter(), DOWN, NOW, BEFORE, FACT_FIELDS),
    "facts by recording": lambda s, t: s.facts.find(
        t, FactFilter(), Order("recorded_at", descending=True), NOW, FIRST, KEY_ONLY
    ),
    "facts of subjects": lambda s, t: s.facts.find(
        t, FactFilter(subjects=("a", "b")), DOWN, NOW, FIRST, KEY_ONLY
    ),
    "neighbours": lambda s, t: s.facts.neighbors(t, ["a", "b"], BOTH, NOW, FIRST, KEY_ONLY),
    "neighbours, last": lambda s, t: s.facts.neighbors(
        t, ["a"], BOTH, NOW, PageRequest(last=5, ends=True, before=("k",)), KEY_ONLY
    ),
    "between": lambda s, t: s.facts.between(t, [("a", "b"), ("b", "a")], BOTH, NOW, 5, KEY_ONLY),
    "reach": lambda s, t: s.facts.reach(t, ["a", "b"], ["a", "b"], BOTH, NOW, 100),
    "entities": lambda s, t: s.entities.find(t, EntityFilter(), None, FIRST, KEY_ONLY),
    "entities by creation": lambda s, t: s.entities.find(
        t, EntityFilter(), Order("created_at", descending=True), LAST, KEY_ONLY
    ),
    "namesakes": lambda s, t: s.entities.named(t, ["a", "b"], 6),
    "entities of chunks": lambda s, t: s.mentions.entities_of(
        t, Kind.CHUNK, ["a", "b"], ("T", "U"), FIRST, KEY_ONLY
    ),
    "entities of documents": lambda s, t: s.mentions.entities_of(
        t, Kind.DOCUMENT, ["a", "b"], None, LAST, KEY_ONLY
    ),
    "chunks of entities": lambda s, t: s.mentions.sources_of(t, Kind.CHUNK, ["a", "b"], FIRST),
    "documents of entities": lambda s, t: s.mentions.sources_of(t, Kind.DOCUMENT, ["a"], LAST),
    "episodes": lambda s, t: s.episodes.find(t, EpisodeFilter(), None, ALL_TIME, AFTER, KEY_ONLY),
    "episodes of entities": lambda s, t: s.episodes.of(
        t, Kind.ENTITY, ["a", "b"], ALL_TIME, FIRST, KEY_ONLY
    ),
    "episodes of documents": lambda s, t: s.episodes.of(
        t, Kind.DOCUMENT, ["a", "b"], ALL_TIME, LAST, KEY_ONLY
    ),
    "episodes of chunks": lambda s, t: s.episodes.of(
        t, Kind.CHUNK, ["a", "b"], ALL_TIME, FIRST, KEY_ONLY
    ),
    "episodes beside": lambda s, t: s.episodes.adjacent(
        t, ["a", "b"], "previous", ALL_TIME, KEY_ONLY
    ),
    "entities scanned": lambda s, t: s.entities.scan(t, "a", 10),
    "facts scanned": lambda s, t: s.facts.scan(t, "a", 10),
    "mentions scanned": lambda s, t: s.mentions.scan(t, Mention(Kind.CHUNK, "a", "b"), 10),
}
"""Lists that walk an index in its own order and stop at the page's end."""

SOUGHT: dict[str, Ask] = {
    "entities by key": lambda s, t: s.entities.get_many(t, ["a", "b"], ALL_TIME, KEY_ONLY),
    "facts by key": lambda s, t: s.facts.get_many(t, ["a", "b"], KEY_ONLY),
    "episodes by key": lambda s, t: s.episodes.get_many(t, ["a", "b"], KEY_ONLY),
    "facts of an entity counted": lambda s, t: s.facts.count_of(t, Kind.ENTITY, ["a"], BOTH, NOW),
    "facts of an episode counted": lambda s, t: s.facts.count_of(t, Kind.EPISODE, ["a"], BOTH, NOW),
    "neighbours counted": lambda s, t: s.facts.count_neighbors(t, ["a"], BOTH, NOW),
    "expand": lambda s, t: s.facts.expand(t, ["a", "b"], BOTH, NOW),
    "among": lambda s, t: s.facts.among(t, ["a", "b"], BOTH, NOW, 10, KEY_ONLY),
    "episodes of facts": lambda s, t: s.episodes.of(
        t, Kind.FACT, ["a", "b"], ALL_TIME, FIRST, KEY_ONLY
    ),
    "mentions written": lambda s, t: s.mentions.upsert_many(t, [Mention(Kind.CHUNK, "a", "b")]),
    "chunks noted": lambda s, t: s.mentions.note_texts(t, [document("d")], [chunk("c")]),
    "facts written": lambda s, t: s.facts.upsert_many(
        t, [fact("f", "a", "b", episode_keys=("e",))]
    ),
    "entities written": lambda s, t: s.entities.upsert_many(t, [entity("a"), entity("b")]),
    "episodes written": lambda s, t: s.episodes.upsert_many(t, [episode("e")]),
}
"""What finds its rows by an index, whatever it does with them then."""


@pytest.fixture
def plans(
    store: Neo4jStore, run: Run, neo4j_server: Neo4j, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Ask], Awaitable[list[Any]]]:
    """The plans of the queries that a call asks."""
    asked: list[tuple[str, dict[str, Any]]] = []

    def spying(method: str) -> None:
        original = getattr(Neo4jEngine, method)

        async def spy(self: Neo4jEngine, query: str, parameters: Any) -> Any:
            asked.append((query, dict(parameters)))
            return await original(self, query, parameters)

        monkeypatch.setattr(Neo4jEngine, method, spy)

    spying("rows")
    spying("write")

    async def planned(ask: Ask) -> list[Any]:
        asked.clear()
        await ask(store, new_scope())
        auth = (neo4j_server.user, neo4j_server.password)
        with (
            neo4j.GraphDatabase.driver(neo4j_server.url, auth=auth) as other,
            other.session() as session,
        ):
            return [
                session.run(f"EXPLAIN {query}", parameters).consume().plan
                for query, parameters in list(asked)
            ]

    return planned


def leaves(plan: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The operators from each leaf up."""
    names = (plan["operatorType"].partition("@")[0], *above)
    children = plan.get("children", [])
    if not children:
        yield names
    for child in children:
        yield from leaves(child, names)


@pytest.mark.parametrize("name", WALKS)
async def test_a_list_walks_an_index_and_stops(
    plans: Callable[[Ask], Awaitable[list[Any]]], name: str
) -> None:
    walks = 0
    for plan in await plans(WALKS[name]):
        for line in leaves(plan):
            assert not SCANS & set(line), line
            if "IndexSeek" in line[0]:
                first = next(each for each in line if each in GATHERING)
                walks += first == "Limit"
                assert first == "Limit" or "Unique" in line[0], line
    assert walks


@pytest.mark.parametrize("name", SOUGHT)
async def test_what_is_sought_is_found_by_an_index(
    plans: Callable[[Ask], Awaitable[list[Any]]], name: str
) -> None:
    found = await plans(SOUGHT[name])
    assert found
    for plan in found:
        for line in leaves(plan):
            assert not (SCANS - {"Expand(All)"}) & set(line), line


# Facts


async def test_a_fact_whose_ends_change_is_made_again(
    store: Neo4jStore, scope: Scope, run: Run
) -> None:
    await store.facts.upsert_many(scope, [fact("f", "a", "b", episode_keys=("e1",))])
    moved = fact("f", "a", "c", episode_keys=("e2",))
    assert await store.facts.upsert_many(scope, [moved]) == [Outcome.UPDATED]
    assert await store.facts.upsert_many(scope, [moved]) == [Outcome.UNCHANGED]
    assert await store.facts.expand(scope, ["a", "b", "c"], BOTH, EVER) == [["c"], [], ["a"]]
    ends = run(
        "MATCH (s)-[f:FACT {tenant: $t}]->(o) RETURN s.key, o.key, f.subject, f.object",
        t=scope.tenant,
    )
    assert ends == [["a", "c", "a", "c"]]
    assert await store.facts.count_of(scope, Kind.EPISODE, ["e1", "e2"], ANY_EDGE, EVER) == [0, 1]
    missing = await store.entities.get_many(scope, ["b", "c"], ALL_TIME, KEY_ONLY)
    assert missing == [None, Entity.missing("c")]


async def test_facts_among_others_are_found_at_a_hub_too(store: Neo4jStore, scope: Scope) -> None:
    """From a thousand facts on they are sought pair by pair."""
    hub = [fact(f"h{key}", "hub", key, valid_from=day(-1)) for key in numbered("e", 1_001)]
    few = [fact("in", "e00001", "hub"), fact("loop", "hub", "hub"), fact("other", "e00001", "x")]
    await store.facts.upsert_many(scope, [*hub, *few])
    asked = ["hub", "e00001", "e00000", "gap", "hub"]
    found = await store.facts.among(scope, asked, BOTH, EVER, 10, KEY_ONLY)
    assert [each.key for each in found] == ["he00000", "he00001", "in", "loop"]
    assert await store.facts.among(scope, asked, BOTH, EVER, 1, KEY_ONLY) == found[:1]


async def test_a_page_between_places_that_cross_is_empty(store: Neo4jStore, scope: Scope) -> None:
    await store.facts.upsert_many(scope, [fact(key, valid_from=day(-1)) for key in "abc"])
    for order in (None, DOWN):
        page = PageRequest(last=5, after=(day(-1), "c"), before=(day(-1), "a"), ends=True)
        turned = PageRequest(last=5, after=(day(-1), "a"), before=(day(-1), "c"), ends=True)
        forward, back = (turned, page) if order is None else (page, turned)
        found = await store.facts.find(scope, FactFilter(), order, EVER, forward, KEY_ONLY)
        assert [each.key for each in found.items] == ["b"]
        found = await store.facts.find(scope, FactFilter(), order, EVER, back, KEY_ONLY)
        assert (found.items, found.has_previous, found.has_next) == ([], True, True)


async def test_a_scan_gives_facts_with_their_episodes_in_order(
    store: Neo4jStore, scope: Scope
) -> None:
    written = [fact(key, episode_keys=(f"{key}2", f"{key}1", f"{key}2")) for key in NAMES]
    await store.facts.upsert_many(scope, written)
    found: list[Fact] = []
    while step := await store.facts.scan(scope, found[-1].key if found else None, 3):
        found += step
    assert [each.key for each in found] == sorted(NAMES)
    assert [each.episode_keys for each in found] == [
        (f"{key}1", f"{key}2") for key in sorted(NAMES)
    ]


async def test_a_scan_gives_every_mention_in_order(store: Neo4jStore, scope: Scope) -> None:
    written = [
        Mention(kind, key, end)
        for kind in (Kind.EPISODE, Kind.CHUNK)
        for key in NAMES[:4]
        for end in NAMES
    ]
    await store.mentions.upsert_many(scope, written)
    found: list[Mention] = []
    while step := await store.mentions.scan(scope, found[-1] if found else None, 7):
        found += step
    assert found == sorted(written, key=lambda each: (each.kind.value, each.key, each.entity_key))


# Rows of other programs


async def test_values_of_another_sort_are_read_where_they_make_sense(
    store: Neo4jStore, scope: Scope, run: Run
) -> None:
    await store.entities.upsert_many(scope, [entity("a"), entity("b")])
    await store.episodes.upsert_many(scope, [episode("e")])
    run(
        "MATCH (e:Entity {tenant: $t, key: 'a'}) SET e.name = null, e.type = 7, e.labels = 'one', "
        "e.summary = true, e.attributes = null, e.createdAt = date('2020-01-02')",
        t=scope.tenant,
    )
    run(
        "MATCH (e:Entity {tenant: $t, key: 'b'}) SET "
        "e.createdAt = datetime('2020-01-02T01:00:00.123456789[Europe/Berlin]')",
        t=scope.tenant,
    )
    run(
        "MATCH (e:Episode {tenant: $t, key: 'e'}) SET e.kind = null, "
        "e.recordedAt = localdatetime('2020-01-02T00:00'), e.occurredAt = '2020-01-02T00:00:00Z'",
        t=scope.tenant,
    )
    fields = frozenset({"name", "type", "labels", "summary", "attributes", "created_at"})
    a, b = await store.entities.get_many(scope, ["a", "b"], ALL_TIME, fields)
    assert a == Entity(
        key="a",
        name="a",
        type="7",
        labels=["one"],
        summary="true",
        attributes={},
        created_at=datetime(2020, 1, 2, tzinfo=UTC),
    )
    assert b is not None
    assert b.created_at == datetime(2020, 1, 2, microsecond=123456, tzinfo=UTC)
    times = frozenset({"kind", "recorded_at", "occurred_at"})
    (found,) = await store.episodes.get_many(scope, ["e"], times)
    midnight = datetime(2020, 1, 2, tzinfo=UTC)
    assert found == Episode(
        key="e", kind=EpisodeKind.TEXT, recorded_at=midnight, occurred_at=midnight
    )


@pytest.mark.parametrize(
    ("change", "field", "told"),
    [
        ("e.createdAt = 'yesterday'", "created_at", "createdAt 'yesterday'"),
        ("e.createdAt = datetime({year: 12000})", "created_at", "createdAt"),
        ("e.attributes = '[1]'", "attributes", "no JSON object"),
        ("e.attributes = '{'", "attributes", "no JSON"),
        ("e.attributes = 5", "attributes", "no JSON"),
        ("e.name = ['a', 'b']", "name", "no text"),
        ("e.summary = date()", "summary", "no text"),
        ("e.type = point({x: 1, y: 2})", "type", "no text"),
    ],
)
async def test_a_value_that_cannot_be_read_is_named(
    store: Neo4jStore, scope: Scope, run: Run, change: str, field: str, told: str
) -> None:
    await store.entities.upsert_many(scope, [entity("the one"), entity("fine")])
    run(f"MATCH (e:Entity {{tenant: $t, key: 'the one'}}) SET {change}", t=scope.tenant)
    fields = frozenset({field})
    with pytest.raises(StoreRejected, match="the entity 'the one' has for") as raised:
        await store.entities.find(scope, EntityFilter(), None, ALL, fields)
    assert told in str(raised.value)
    with pytest.raises(StoreRejected):
        await store.entities.get_many(scope, ["the one"], ALL_TIME, fields)
    (fine,) = await store.entities.get_many(scope, ["fine"], ALL_TIME, fields)
    assert fine is not None
    page = await store.entities.find(scope, EntityFilter(), None, ALL, KEY_ONLY)
    assert [each.key for each in page.items] == ["fine", "the one"], "other fields are answered"


async def test_a_fact_whose_time_is_a_word_is_shown_at_no_moment(
    store: Neo4jStore, scope: Scope, run: Run
) -> None:
    await store.facts.upsert_many(scope, [fact("odd", "a", "b"), fact("fine", "a", "b")])
    run("MATCH ()-[f:FACT {tenant: $t, key: 'odd'}]->() SET f.recordedAt = 'then'", t=scope.tenant)
    assert await store.facts.count_of(scope, Kind.ENTITY, ["a"], ANY_EDGE, EVER) == [1]
    with pytest.raises(StoreRejected, match="'odd' has for recordedAt 'then'"):
        await store.facts.get_many(scope, ["odd"], frozenset({"recorded_at"}))


async def test_a_fact_without_its_ends_or_its_digest_is_no_accident(
    store: Neo4jStore, scope: Scope, run: Run
) -> None:
    run(
        "CREATE (:Entity {tenant: $t, key: 'a'})-[:FACT {tenant: $t, key: 'f'}]->"
        "(:Entity {tenant: $t, key: 'b'}), (:Entity)-[:FACT]->(:Entity {tenant: $t})",
        t=scope.tenant,
    )
    with pytest.raises(StoreRejected, match="'f' has for predicate nothing"):
        await store.facts.get_many(scope, ["f"], frozenset({"predicate"}))
    stand_in = await store.entities.get_many(scope, ["a"], ALL_TIME, KEY_ONLY)
    assert stand_in == [Entity.missing("a")]
    assert await store.facts.upsert_many(scope, [fact("f", "a", "b")]) == [Outcome.UPDATED]
    assert await store.facts.expand(scope, ["a"], BOTH, EVER) == [["b"]]


async def test_constraints_refuse_a_second_thing_of_a_key(
    store: Neo4jStore, scope: Scope, run: Run
) -> None:
    await store.entities.upsert_many(scope, [entity("a")])
    with pytest.raises(driver.ConstraintError):
        run("CREATE (:Entity {tenant: $t, key: 'a'})", t=scope.tenant)


async def test_properties_of_other_programs_stay(store: Neo4jStore, scope: Scope, run: Run) -> None:
    await store.entities.upsert_many(scope, [entity("a", type="T")])
    run("MATCH (e:Entity {tenant: $t, key: 'a'}) SET e.theirs = 1", t=scope.tenant)
    await store.entities.upsert_many(scope, [entity("a")])
    found = run("MATCH (e:Entity {tenant: $t}) RETURN e.theirs, e.type", t=scope.tenant)
    assert found == [[1, None]]
