"""What is PostgreSQL's own: plans, pools, replicas, migrations, words, wide vectors, and what goes wrong."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import numpy as np
import pytest
from sqlalchemy import event, exc, make_url, text

from backends.errors import (
    SchemaTooNew,
    SchemaTooOld,
    StoreRejected,
    StoreTimeout,
    StoreUnavailable,
)
from backends.records import (
    DocumentFilter,
    Episode,
    EpisodeKind,
    Health,
    Kind,
    Mention,
    Needs,
    Scope,
    SearchEntry,
    SearchFilter,
    VectorSpace,
)
from backends.registry import create
from backends.sql import engine
from backends.sql.errors import translated
from backends.sql.postgres import vectors as pg_vectors
from tests.backends.hub import HUB, SHAPES, TENANT, statements
from tests.contract.samples import (
    ALL,
    ALL_TIME,
    EVER,
    KEY_ONLY,
    START,
    chunk,
    document,
    entity,
    fact,
)
from tests.servers import postgres as server

SCOPE = Scope("t")
ROLES = frozenset(("documents", "chunks", "entities", "facts", "mentions", "episodes"))
SPACE = VectorSpace("model", 4)
EVERYTHING = Needs(roles=ROLES, keywords=frozenset(Kind), vectors=frozenset(Kind), space=SPACE)
NO_FILTER = SearchFilter()


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[Any]:
    store = create("sql", "pg", {"url": url, **options})
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture(scope="module")
async def url(postgres: str) -> AsyncIterator[str]:
    """An empty database, migrated for everything."""
    async with server.database(postgres) as address:
        await create("sql", "pg", {"url": address}).migrate(EVERYTHING)
        yield address


@pytest.fixture(scope="module")
async def store(url: str) -> AsyncIterator[Any]:
    async with opened(url) as store:
        yield store


# Plans


@pytest.fixture(scope="module")
async def hub(url: str, store: Any) -> Scope:
    """The memory with a hub."""
    rows = f"generate_series(1, {HUB}) AS n"
    day = "timestamptz '2000-01-01' + n * interval '1 hour'"
    await server.execute(url, *statements(rows, day), "VACUUM ANALYZE")
    return TENANT


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_call_touches_little_more_than_it_gives(store: Any, hub: Scope, shape: str) -> None:
    most, call = SHAPES[shape]
    async with explaining(store) as plans:
        await call(store, hub)
    assert plans
    touched = sum(rows_touched(plan) for plan in plans)
    assert touched <= most, [scans(plan) for plan in plans]


@asynccontextmanager
async def explaining(store: Any) -> AsyncIterator[list[Any]]:
    """The plans of the statements run within, with what they did."""
    engine = store._sql._connections.reads
    statements: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        statements.append((statement, parameters))

    plans: list[Any] = []
    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield plans
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)
    async with engine.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        for statement, parameters in statements:
            explained = "EXPLAIN (ANALYZE, FORMAT JSON, BUFFERS OFF) " + statement
            (plan,) = await raw.fetchval(explained, *parameters)
            plans.append(plan["Plan"])


def scans(plan: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Each scan of a table: how, which, and the rows that it looked at."""
    found: list[tuple[str, str, int]] = []
    if "Relation Name" in plan:
        looked_at = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        rows = round(looked_at * plan["Actual Loops"])
        found.append((plan["Node Type"], plan["Relation Name"], rows))
    return found + [scan for inner in plan.get("Plans", ()) for scan in scans(inner)]


def rows_touched(plan: dict[str, Any]) -> int:
    return sum(rows for _, _, rows in scans(plan))


# Limits of an index


async def test_the_longest_keys_names_and_sources_are_indexed(store: Any) -> None:
    scope = Scope("t" * 200)
    key = "\U0001f600" * 250  # 1,000 bytes
    name = "\U0001f600" * 300
    source = "https://example.org/" + "a?b=c&" * 2_000
    await store.documents.upsert_many(scope, [document(key, title=name, source=source)])
    await store.chunks.upsert_many(scope, [chunk(key, document_key=key)])
    await store.entities.upsert_many(scope, [entity(key, name=name)])
    await store.facts.upsert_many(scope, [fact(key, key, key, episode_keys=(key,))])
    episodes = [
        Episode(key=key[:-1] + end, kind=EpisodeKind.TEXT, source=source, occurred_at=None,
                recorded_at=None, document_key=None, chunk_key=key, metadata={}, name=name,
                content=None)
        for end in ("a", "b")
    ]  # fmt: skip
    await store.episodes.upsert_many(scope, episodes)
    await store.mentions.note_texts(scope, [document(key)], [chunk(key, document_key=key)])
    await store.mentions.upsert_many(
        scope, [Mention(Kind.CHUNK, key, key), Mention(Kind.EPISODE, key[:-1] + "a", key)]
    )
    (page,) = await store.mentions.entities_of(
        scope, Kind.DOCUMENT, [key], None, ALL, frozenset({"name"})
    )
    assert [each.name for each in page.items] == [name]
    found = await store.documents.find(
        scope, DocumentFilter(sources=(source,)), None, ALL, KEY_ONLY
    )
    assert [each.key for each in found.items] == [key]
    other = source[:-1] + "!"  # the same for the first 200 characters and long after
    assert await store.documents.count(scope, DocumentFilter(sources=(other,))) == 0
    (after,) = await store.episodes.adjacent(scope, [episodes[0].key], "next", ALL_TIME, KEY_ONLY)
    assert after.key == episodes[1].key


async def test_a_text_of_any_length_is_found_by_its_first_words(store: Any) -> None:
    body = "needle " + "".join(f"w{n} " for n in range(300_000))
    await store.keywords.index_many(SCOPE, [SearchEntry(kind=Kind.DOCUMENT, key="long", body=body)])
    hits = await store.keywords.search(SCOPE, Kind.DOCUMENT, "needle", NO_FILTER, EVER, 5)
    assert [hit.key for hit in hits] == ["long"]


# Words


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ("see pep-8 for style", "8"),
        ("see https://example.org/path/to_page?x=1", "path"),
        ("mail someone@example.org", "someone"),
        ("snake_case_name", "case"),
        ("МОСКВА и Киев", "москва"),
        ("ÉCOLE", "ecole"),
        ("one—two…three", "two"),
        ("«quoted»", "quoted"),
        ("version 3.14 is out", "14"),
        ("<b>bold</b>", "bold"),
    ],
)
async def test_words_are_cut_as_in_a_query(store: Any, body: str, query: str) -> None:
    scope = Scope(f"words {query}")
    await store.keywords.index_many(scope, [SearchEntry(kind=Kind.CHUNK, key="it", body=body)])
    hits = await store.keywords.search(scope, Kind.CHUNK, query, NO_FILTER, EVER, 5)
    assert [hit.key for hit in hits] == ["it"]


async def test_another_language_takes_effect_by_migrate(postgres: str) -> None:
    async with server.database(postgres) as address:
        english = create("sql", "pg", {"url": address})
        await english.migrate(EVERYTHING)
        async with opened(address) as store:
            entry = SearchEntry(kind=Kind.CHUNK, key="it", body="die Häuser der Stadt")
            await store.keywords.index_many(SCOPE, [entry])
        german = create("sql", "pg", {"url": address, "language": "german"})
        assert await german.migrate(EVERYTHING) == ["words: english to german"]
        assert await german.migrate(EVERYTHING) == []
        async with opened(address, language="german") as store:
            hits = await store.keywords.search(SCOPE, Kind.CHUNK, "Haus", NO_FILTER, EVER, 5)
            assert [hit.key for hit in hits] == ["it"]
        klingon = create("sql", "pg", {"url": address, "language": "klingon"})
        with pytest.raises(StoreRejected, match=r"no text search configuration 'klingon'.*english"):
            await klingon.migrate(EVERYTHING)


# Vectors


def directions(count: int, dimension: int) -> list[Any]:
    """Vectors that all differ, always the same ones."""
    made = np.random.default_rng(7).normal(size=(count, dimension)).astype(np.float32)
    return list(made / np.linalg.norm(made, axis=1, keepdims=True))


async def index_vectors(store: Any, scope: Scope, made: Sequence[Any], space: VectorSpace) -> None:
    entries = [
        SearchEntry(kind=Kind.CHUNK, key=f"v{n:05}", source="rare" if n % 500 == 0 else "common")
        for n in range(len(made))
    ]
    await store.vectors.index_many(scope, entries, made, [""] * len(made), space)


async def test_an_index_walk_finds_what_an_exact_comparison_finds(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = Scope("walk")
    made = directions(2_000, SPACE.dimension)
    await index_vectors(store, scope, made, SPACE)
    asked = made[3]
    everything = (scope, Kind.CHUNK, asked, SPACE, NO_FILTER, EVER, 50)
    exact = await store.vectors.search(*everything)
    monkeypatch.setattr(pg_vectors, "FEW", 0)
    async with explaining(store) as plans:
        walked = await store.vectors.search(*everything)
    assert any("hnsw" in str(plan) or "search_vector_chunk_4" in str(plan) for plan in plans)
    assert len({hit.key for hit in exact} & {hit.key for hit in walked}) >= 48
    similar = await store.vectors.similar(scope, Kind.CHUNK, ["v00003"], NO_FILTER, 5, None)
    assert [hit.key for hit in similar[0]] == [hit.key for hit in exact[1:6]]


async def test_a_walk_that_ends_too_early_is_completed(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = Scope("rare")
    made = directions(2_000, SPACE.dimension)
    await index_vectors(store, scope, made, SPACE)
    monkeypatch.setattr(pg_vectors, "FEW", 0)
    rare = SearchFilter(sources=("rare",))
    hits = await store.vectors.search(scope, Kind.CHUNK, made[1], SPACE, rare, EVER, 50)
    assert {hit.key for hit in hits} == {"v00000", "v00500", "v01000", "v01500"}
    (similar,) = await store.vectors.similar(scope, Kind.CHUNK, ["v00001"], rare, 50, None)
    assert {hit.key for hit in similar} == {"v00000", "v00500", "v01000", "v01500"}


@pytest.mark.parametrize(("dimension", "index"), [(2_500, "halfvec(2500)"), (4_500, None)])
async def test_wide_vectors_are_found(postgres: str, dimension: int, index: str | None) -> None:
    space = VectorSpace("wide", dimension)
    needs = msgspec.structs.replace(EVERYTHING, vectors=frozenset({Kind.CHUNK}), space=space)
    async with server.database(postgres) as address:
        done = await create("sql", "pg", {"url": address}).migrate(needs)
        assert (f"index: search_vector_chunk_{dimension}" in done) is (index is not None)
        async with opened(address) as store:
            made = directions(20, dimension)
            await index_vectors(store, SCOPE, made, space)
            hits = await store.vectors.search(SCOPE, Kind.CHUNK, made[7], space, NO_FILTER, EVER, 3)
            assert hits[0].key == "v00007"
            assert hits[0].score == pytest.approx(1, abs=1e-3)
            (kept,) = await store.vectors.get_many(SCOPE, Kind.CHUNK, ["v00007"])
            assert np.array_equal(kept, made[7])


# Migrations


async def test_a_dry_run_says_what_a_run_does_and_does_nothing(postgres: str) -> None:
    async with server.database(postgres) as address:
        store = create("sql", "pg", {"url": address})
        planned = await store.migrate(EVERYTHING, dry_run=True)
        assert planned[0].startswith("schema: none to")
        assert await store.migrate(EVERYTHING, dry_run=True) == planned
        assert await store.migrate(EVERYTHING) == planned
        assert await store.migrate(EVERYTHING) == []


async def test_two_that_migrate_at_once_do_it_once(postgres: str) -> None:
    async with server.database(postgres) as address:
        stores = [create("sql", name, {"url": address}) for name in ("one", "two")]
        done = await asyncio.gather(*(store.migrate(EVERYTHING) for store in stores))
        assert sorted(map(bool, done)) == [False, True]


async def test_without_vectors_no_extension_is_asked_for(postgres: str) -> None:
    needs = msgspec.structs.replace(EVERYTHING, vectors=frozenset())
    async with server.database(postgres) as address:
        done = await create("sql", "pg", {"url": address}).migrate(needs)
        assert not any("vector" in line for line in done)
        async with opened(address) as store:
            await store.documents.upsert_many(SCOPE, [document("d")])
            assert (await store.counts(SCOPE))["document"] == 1
            with pytest.raises(SchemaTooOld, match="memory-gateway migrate"):
                await store.vectors.digests(SCOPE, Kind.CHUNK, ["d"])


async def test_a_database_without_our_tables_says_what_makes_them(postgres: str) -> None:
    async with server.database(postgres) as address, opened(address) as store:
        for ask in (store.ping(), store.documents.count(SCOPE, DocumentFilter())):
            with pytest.raises(SchemaTooOld, match="memory-gateway migrate"):
                await ask


async def test_a_database_of_a_later_program_is_refused(postgres: str) -> None:
    async with server.database(postgres) as address:
        await create("sql", "pg", {"url": address}).migrate(EVERYTHING)
        await server.execute(address, "UPDATE alembic_version SET version_num = '9999'")
        async with opened(address) as store:
            with pytest.raises(SchemaTooNew, match="9999"):
                await store.ping()
        with pytest.raises(SchemaTooNew, match="newer memory-gateway"):
            await create("sql", "pg", {"url": address}).migrate(EVERYTHING)


# Statistics


@pytest.mark.parametrize(("written_last", "refreshed"), [(1, 1), (10, 2)])
async def test_what_is_loaded_last_is_in_the_statistics_once_the_store_is_closed(
    postgres: str, monkeypatch: pytest.MonkeyPatch, written_last: int, refreshed: int
) -> None:
    monkeypatch.setattr(engine, "FIRST_STATISTICS", 10)
    async with server.database(postgres) as address:
        await create("sql", "pg", {"url": address}).migrate(EVERYTHING)
        async with opened(address) as store:
            for start, count in ((0, 10), (10, written_last)):
                keys = [f"k{number}" for number in range(start, start + count)]
                await store.entities.upsert_many(SCOPE, [entity(key) for key in keys])
        analyzed = "SELECT analyze_count FROM pg_stat_user_tables WHERE relname = 'entity'"
        async with opened(address) as store:
            assert {count for (count,) in await store._sql.rows(text(analyzed))} == {refreshed}


# Pools and replicas


async def test_a_pool_never_grows(url: str) -> None:
    async with opened(url, pool_size=3, pool_timeout=30.0) as store:
        counting = text(
            "SELECT count(*), pg_sleep(0.05) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = 'memory-gateway'"
        )
        before = (await store._sql.rows(counting))[0][0] - 1
        counts = await asyncio.gather(*(store._sql.rows(counting) for _ in range(20)))
        assert max(row[0][0] for row in counts) <= before + 3
        assert store.pool().size == 3
        assert store.pool().in_use == 0


async def test_no_free_connection_in_time_is_a_timeout(url: str) -> None:
    async with opened(url, pool_size=1, pool_timeout=0.1) as store:
        sleeping = asyncio.create_task(store._sql.scalar(text("SELECT pg_sleep(1)")))
        await asyncio.sleep(0.3)
        assert store.pool().in_use == 1
        with pytest.raises(StoreTimeout, match="no free connection"):
            await store.ping()
        await sleeping
        assert await store.ping() is Health.UP


async def test_connections_that_the_server_ended_are_replaced_unseen(url: str) -> None:
    async with opened(url, pool_size=5) as store:
        await asyncio.gather(*(store.ping() for _ in range(20)))
        await server.execute(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        await asyncio.sleep(0.1)  # for the news to arrive
        answers = await asyncio.gather(*(store.ping() for _ in range(20)))
        assert set(answers) == {Health.UP}


async def test_an_idle_connection_is_tried_before_it_is_used(url: str) -> None:
    async with opened(url, pre_ping=0.0) as store:
        for _ in range(3):
            assert await store.ping() is Health.UP


async def test_reads_go_to_the_replica_and_writes_to_the_primary(postgres: str) -> None:
    async with server.database(postgres) as primary, server.database(postgres) as replica:
        for address in (primary, replica):
            await create("sql", "pg", {"url": address}).migrate(EVERYTHING)
        async with opened(primary, read_url=replica) as store:
            await store.documents.upsert_many(SCOPE, [document("d")])
            everything = DocumentFilter()
            assert await store.documents.count(SCOPE, everything) == 0
            async with store.batch():
                assert await store.documents.count(SCOPE, everything) == 1
        async with opened(primary) as store:
            assert await store.documents.count(SCOPE, everything) == 1


async def test_a_store_opened_to_read_only_does_not_write(url: str) -> None:
    async with opened(url, read_only=True) as store:
        assert await store.ping() is Health.UP
        with pytest.raises(StoreRejected, match="read-only"):
            await store.documents.upsert_many(SCOPE, [document("never")])


# What goes wrong


async def test_a_wrong_password_is_told_without_the_password(postgres: str) -> None:
    await server.execute(postgres, "CREATE ROLE visitor LOGIN PASSWORD 'right'")
    try:
        address = make_url(postgres).set(username="visitor", password="wr0ng")
        for options in ({}, {"password": "wr0ng-too"}):
            async with opened(address.render_as_string(hide_password=False), **options) as store:
                with pytest.raises(StoreRejected, match="password authentication failed") as raised:
                    await store.ping()
                assert "wr0ng" not in str(raised.value)
        async with opened(address.render_as_string(), password="right") as store:
            with pytest.raises(SchemaTooOld):  # it came in
                await store.ping()
    finally:
        await server.execute(postgres, "DROP ROLE visitor")


async def test_a_wrong_database_is_told(postgres: str) -> None:
    address = make_url(postgres).set(database="nowhere").render_as_string(hide_password=False)
    async with opened(address) as store:
        with pytest.raises(StoreRejected, match='database "nowhere" does not exist'):
            await store.ping()


async def test_a_server_that_is_down_is_unavailable_and_heals(tmp_path: Path) -> None:
    with server.started(tmp_path) as address:
        await create("sql", "pg", {"url": address}).migrate(EVERYTHING)
    async with opened(address) as store:
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await store.ping()
        with server.started(tmp_path):
            assert await store.ping() is Health.UP
        with pytest.raises(StoreUnavailable):
            await store.ping()
        with server.started(tmp_path):
            assert await store.ping() is Health.UP


async def test_a_server_that_never_greets_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        address = f"postgresql://nobody@127.0.0.1:{port}/nothing"
        async with opened(address, connect_timeout=0.2) as store:
            with pytest.raises(StoreTimeout):
                await store.ping()


def states() -> list[tuple[str, str]]:
    """Every error that the server can send, by name and state."""
    found: list[type[Any]] = [asyncpg.PostgresError]
    for error in found:
        found += error.__subclasses__()
    return sorted({(each.__name__, each.sqlstate) for each in found if each.sqlstate})


@pytest.mark.parametrize(("name", "state"), states())
def test_every_error_of_the_server_becomes_one_of_ours(name: str, state: str) -> None:
    expected = {
        "CannotConnectNowError": StoreUnavailable,
        "AdminShutdownError": StoreUnavailable,
        "TooManyConnectionsError": StoreUnavailable,
        "ConnectionFailureError": StoreUnavailable,
        "QueryCanceledError": StoreTimeout,
        "DeadlockDetectedError": StoreTimeout,
        "UndefinedTableError": SchemaTooOld,
        "InvalidPasswordError": StoreRejected,
    }
    original: Any = Exception(name)
    original.sqlstate = state
    with pytest.raises(expected.get(name, Exception)) as raised, translated("pg"):
        raise exc.DBAPIError("SELECT 1", None, original)
    assert isinstance(raised.value, (StoreRejected, StoreTimeout, StoreUnavailable))
    assert str(raised.value).startswith("store pg: ")


def test_a_write_to_a_connection_that_was_reset_is_unavailable() -> None:
    message = "unable to perform operation on <TCPTransport closed=True>; the handler is closed"
    with pytest.raises(StoreUnavailable), translated("pg"):
        raise RuntimeError(message)
    with pytest.raises(RuntimeError, match="a mistake of ours"), translated("pg"):
        raise RuntimeError("a mistake of ours")


async def test_rows_that_break_our_assumptions_are_told(postgres: str) -> None:
    async with server.database(postgres) as address:
        await create("sql", "pg", {"url": address}).migrate(EVERYTHING)
        await server.execute(
            address,
            "INSERT INTO document (tenant, key, digest, metadata) VALUES ('t', 'd', '', 'no JSON')",
        )
        async with opened(address) as store:
            with pytest.raises(StoreRejected, match="'no JSON' is no JSON"):
                await store.documents.get_many(SCOPE, ["d"], frozenset({"metadata"}))
            assert await store.documents.count(SCOPE, DocumentFilter()) == 1


async def test_times_at_their_limits_are_themselves(store: Any) -> None:
    scope = Scope("limits")
    await store.facts.upsert_many(
        scope, [fact("f", "a", "b", valid_from=START, retracted_at=ALL_TIME)]
    )
    (found,) = await store.facts.get_many(scope, ["f"], frozenset({"valid_from", "retracted_at"}))
    assert (found.valid_from, found.retracted_at) == (START, ALL_TIME)
