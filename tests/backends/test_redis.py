"""Redis as it is met: what it is told and tells, servers that are down, hang, forget and come back."""

import asyncio
import inspect
import socket
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import msgspec
import pytest
from redis import exceptions
from redis.asyncio import Redis

from backends.caching import guard
from backends.errors import (
    ConfigurationError,
    StoreError,
    StoreRejected,
    StoreTimeout,
    StoreUnavailable,
)
from backends.federation import Federation
from backends.ingest.writer import Writer
from backends.records import Document, Health, Needs, Scope, VectorSpace
from backends.redis.client import RedisClient
from backends.redis.errors import translated
from backends.redis.store import RedisStore
from backends.registry import create
from backends.roles import REMOVED_FOR
from backends.trace import StoreCall
from gateway.settings import load_settings
from tests.contract.samples import fields_of
from tests.servers import redis
from tests.servers.fixtures import had
from tests.servers.played import playing
from tests.servers.process import free_port
from tests.support import DEMO, Gateway, fill, running

NEEDS = Needs(space=VectorSpace("model", 2))
SLOW = {"call_timeout": 10.0, "connect_timeout": 10.0, "pool_timeout": 10.0}
"""Times that no healthy server needs, so that a busy machine fails no test."""

Opened = Callable[..., Any]


def store_at(url: str, **options: object) -> RedisStore:
    """A store that is not open yet."""
    given = SLOW | {"url": url, "prefix": f"test-{uuid4().hex}"} | options
    return cast("RedisStore", create("redis", "cache", given))


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """Opens stores and closes them after the test."""
    async with AsyncExitStack() as stack:

        async def open_store(url: str, **options: object) -> RedisStore:
            store = store_at(url, **options)
            await store.open()
            stack.push_async_callback(store.close)
            return store

        yield open_store


@pytest.fixture
async def raw(redis_server: str) -> AsyncIterator[Redis]:
    """The server by another client than ours."""
    async with Redis.from_url(redis_server) as client:
        yield client


@pytest.fixture
def own_server() -> Iterator[str]:
    """A server of the test's own, to be told what it pleases."""
    yield from had(redis.started())


@pytest.fixture
def own_port(own_server: str) -> int:
    """Where a server can be started and ended by the test."""
    return free_port()


async def put(store: RedisStore, key: str, value: bytes, *, ttl: float = 60.0) -> None:
    lookup = await store.cache.get_many([key], ["tag"])
    await store.cache.set_many({key: value}, lookup, ttl)


async def get(store: RedisStore, *keys: str) -> list[bytes | None]:
    return list((await store.cache.get_many(keys, ["tag"])).values)


# What it takes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "http://localhost"}, "scheme is 'http' and its path ''; write redis://"),
        ({"url": "localhost:6379"}, "scheme is 'localhost'"),
        ({"url": ""}, "scheme is ''"),
        ({"url": "redis://localhost:port"}, "Port could not be cast"),
        ({"url": "redis://localhost/memory"}, "'/memory' is no number"),
        ({"url": "redis://localhost?socket_timeout=5&db=1"}, "has socket_timeout; it takes db"),
        ({"url": "redis://localhost?ssl_ca_certs=x"}, "argument 'ssl_ca_certs'"),
        ({"url": "rediss://localhost?ssl_cert_reqs=maybe"}, "Invalid SSL"),
        ({"url": "unix://"}, "unix:///path/to/redis.sock"),
        ({"url": "redis://:a@localhost", "password": "b"}, "in url and given apart; use one"),
        ({"pool_size": 0}, "pool_size is 0; it must be above 0"),
        ({"call_timeout": -1}, "call_timeout is -1"),
        ({"size": 5}, "takes url, password, prefix, pool_size"),
    ],
)
def test_options_that_mean_nothing_are_errors(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        create("redis", "cache", options)
    assert message in str(raised.value)
    assert "[stores.cache]" in str(raised.value)


@pytest.mark.parametrize(
    "url", ["redis://:hush@localhost:x", "redis://u:hush@h/y", "redis://:hush@h?a=1", "x://:hush@h"]
)
def test_a_password_is_never_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        create("redis", "cache", {"url": url})
    assert "hush" not in str(raised.value)


async def test_it_plays_the_cache_alone_and_has_nothing_to_make(
    redis_server: str, opened: Opened
) -> None:
    store: RedisStore = await opened(redis_server)
    played = [name for name, value in vars(store).items() if value and not name.startswith("_")]
    assert played == ["name", "cache"]
    assert await store.migrate(NEEDS) == []
    assert await store.ping() is Health.UP


# Round trips


async def test_each_call_is_one_round_trip_and_a_new_tag_one_more(
    redis_server: str, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[object] = []
    run = RedisClient.run

    async def counted(self: RedisClient, *command: Any) -> Any:
        commands.append(command[0])
        return await run(self, *command)

    monkeypatch.setattr(RedisClient, "run", counted)
    cache = (await opened(redis_server)).cache
    keys = [f"k{number}" for number in range(100)]
    lookup = await cache.get_many(keys, ["a", "b"])
    assert commands == ["MGET", "EVAL"]
    commands.clear()
    await cache.set_many(dict.fromkeys(keys, b"1"), lookup, 60.0)
    await cache.get_many(keys, ["b", "a"])
    await cache.remove_many(keys)
    await cache.invalidate(["a", "b"])
    assert commands == ["EVAL", "MGET", "EVAL", "EVAL"]


# What lies there


async def test_everything_it_writes_ends_by_itself(
    redis_server: str, opened: Opened, raw: Redis
) -> None:
    prefix = f"own-{uuid4().hex}"
    store = await opened(redis_server, prefix=prefix)
    await put(store, "value", b"1", ttl=500.0)
    await store.cache.remove_many(["removed"])
    await store.cache.invalidate(["other"])
    lives = {name: await raw.pttl(name) for name in await raw.keys(f"{prefix}*")}
    value, removed, tag, other = (
        lives.pop(f"{prefix}:{name}".encode())
        for name in ("v:value", "v:removed", "t:tag", "t:other")
    )
    assert lives == {}
    assert 0 < value <= 500_000
    assert 0 < removed <= REMOVED_FOR * 1_000
    assert value < tag
    assert value < other


async def test_stores_share_what_lies_under_one_prefix_and_nothing_else(
    redis_server: str, opened: Opened
) -> None:
    prefix = f"own-{uuid4().hex}"
    one, same = [await opened(redis_server, prefix=prefix) for _ in range(2)]
    other = await opened(redis_server)
    await put(one, "key", b"1")
    assert await get(same, "key") == [b"1"]
    assert await get(other, "key") == [None]
    await same.cache.remove_many(["key"])
    await put(one, "key", b"old")
    assert await get(one, "key") == [None]


@pytest.mark.parametrize("content", [b"", b"V", b"\x00", b"X", b"V\x01short", b"\xff" * 100])
async def test_bytes_that_it_did_not_write_are_a_gap(
    redis_server: str, opened: Opened, raw: Redis, content: bytes
) -> None:
    prefix = f"own-{uuid4().hex}"
    store = await opened(redis_server, prefix=prefix)
    await put(store, "key", b"1")
    await raw.set(f"{prefix}:v:key", content)
    assert await get(store, "key") == [None]


async def test_a_key_of_another_type_is_a_gap_and_is_replaced(
    redis_server: str, opened: Opened, raw: Redis
) -> None:
    prefix = f"own-{uuid4().hex}"
    store = await opened(redis_server, prefix=prefix)
    await cast("Any", raw.rpush(f"{prefix}:v:key", "a", "b"))
    assert await get(store, "key") == [None]
    await put(store, "key", b"1")
    assert await get(store, "key") == [b"1"]


async def test_a_server_that_forgot_a_tag_takes_nothing_that_was_read_before(
    redis_server: str, opened: Opened, raw: Redis
) -> None:
    prefix = f"own-{uuid4().hex}"
    store = await opened(redis_server, prefix=prefix)
    await put(store, "kept", b"old")
    lookup = await store.cache.get_many(["read"], ["tag"])
    await store.cache.remove_many(["read", "kept"])
    await raw.delete(*(await raw.keys(f"{prefix}*")))  # as after a restart
    await store.cache.set_many({"read": b"old"}, lookup, 60.0)
    assert await get(store, "read", "kept") == [None, None]
    await put(store, "read", b"new")
    await raw.delete(f"{prefix}:t:tag")
    assert await get(store, "read") == [None]


# Down, and back


async def test_opening_asks_nothing_of_a_server_that_is_down(opened: Opened) -> None:
    store = await opened(f"redis://127.0.0.1:{free_port()}")
    for ask in (store.ping(), get(store, "key"), store.cache.invalidate(["tag"])):
        with pytest.raises(StoreUnavailable) as raised:
            await ask
        assert raised.value.store == "cache"


async def test_a_connection_that_was_cut_is_replaced_unseen(
    redis_server: str, opened: Opened, raw: Redis
) -> None:
    store = await opened(redis_server, pool_size=1)
    await put(store, "key", b"1")
    own = await store._client.run("CLIENT", "ID")
    for _ in range(3):
        await cast("Any", raw.execute_command("CLIENT", "KILL", "ID", own))
        assert await get(store, "key") == [b"1"]
        own = await store._client.run("CLIENT", "ID")


async def test_a_server_that_comes_back_is_used_again(opened: Opened, own_port: int) -> None:
    with redis.started(own_port) as url:
        store = await opened(url, pool_size=3)
        await put(store, "key", b"1")
        await asyncio.gather(*(store.ping() for _ in range(10)))
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await store.ping()
    with redis.started(own_port):
        assert await asyncio.gather(*(store.ping() for _ in range(10))) == [Health.UP] * 10
        assert await get(store, "key") == [None]


async def test_a_server_that_says_nothing_is_a_timeout(opened: Opened) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        store = await opened(
            f"redis://127.0.0.1:{silent.getsockname()[1]}", call_timeout=0.05, pool_size=2
        )
        for ask in (store.ping(), get(store, "key"), store.cache.remove_many(["key"])):
            with pytest.raises(StoreTimeout):
                await ask
        silent.setblocking(False)
        assert len(list(accepted(silent))) == 3, "a call that timed out was sent again"


def accepted(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that wait there, closed."""
    try:
        while True:
            connection, _ = listener.accept()
            connection.close()
            yield connection
    except BlockingIOError:
        return


async def test_a_server_that_talks_something_else_is_a_store_error(opened: Opened) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with playing(answer) as port:
        store = await opened(f"redis://127.0.0.1:{port}")
        for _ in range(2):
            with pytest.raises(StoreError):
                await store.ping()


# Passwords, and refusals


async def test_a_wrong_password_is_refused_and_the_right_one_taken(
    own_server: str, opened: Opened
) -> None:
    async with Redis.from_url(own_server) as client:
        await client.config_set("requirepass", "open sesame/ä")
    for options in ({}, {"password": "hush"}):
        store = await opened(own_server, **options)
        with pytest.raises(StoreRejected) as raised:
            await store.ping()
        assert "hush" not in str(raised.value)
    store = await opened(own_server, password="open sesame/ä")
    assert await store.ping() is Health.UP
    within = own_server.replace("redis://", "redis://:open%20sesame%2F%C3%A4@")
    assert await (await opened(within)).ping() is Health.UP


def test_the_password_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gateway.toml").write_text(
        """
        [stores.main]
        kind = "sql"
        path = "memory.db"
        [stores.cache]
        kind = "redis"
        [roles]
        texts = "main"
        graph = "main"
        keywords = "main"
        vectors = "main"
        cache = "cache"
        """
    )
    monkeypatch.setenv("MEMORY_GATEWAY_STORES__CACHE__PASSWORD", "hush")
    config = load_settings(config=tmp_path / "gateway.toml").federation
    assert config.stores["cache"].options["password"] == "hush"
    assert config.roles.cache == "cache"


async def test_a_full_server_refuses_values_and_still_forgets(
    own_server: str, opened: Opened
) -> None:
    store = await opened(own_server)
    await put(store, "key", b"1")
    await put(store, "other", b"1")
    async with Redis.from_url(own_server) as client:
        await client.config_set("maxmemory", 1)
        with pytest.raises(StoreRejected, match="maxmemory"):
            await put(store, "key", b"2")
        await store.cache.remove_many(["key"])
        assert await get(store, "key", "other") == [None, b"1"]
        await store.cache.invalidate(["tag"])
        await client.config_set("maxmemory", 0)
        assert await get(store, "key", "other") == [None, None]


async def test_a_server_that_only_reads_refuses(own_server: str, opened: Opened) -> None:
    store = await opened(own_server)
    async with Redis.from_url(own_server) as client:
        await client.replicaof("127.0.0.1", str(free_port()))
        with pytest.raises(StoreRejected, match="read only"):
            await store.cache.remove_many(["key"])


# The pool


async def test_many_callers_share_a_pool_of_fixed_size(own_server: str, opened: Opened) -> None:
    store = await opened(own_server, pool_size=2)
    assert store.pool().in_use == 0
    used: list[int | None] = []

    async def ask(number: int) -> None:
        await put(store, f"k{number}", b"1")
        used.append(store.pool().in_use)
        assert await get(store, f"k{number}") == [b"1"]

    await asyncio.gather(*(ask(number) for number in range(100)))
    status = store.pool()
    assert (status.size, status.in_use, status.checked) == (2, 0, True)
    assert max(each or 0 for each in used) <= 2
    async with Redis.from_url(own_server) as client:
        assert len(await client.client_list()) == 2 + 1


async def test_a_caller_who_waits_too_long_for_a_connection_is_told_so(
    own_server: str, opened: Opened
) -> None:
    store = await opened(own_server, pool_size=1, pool_timeout=0.05)
    async with Redis.from_url(own_server) as client:
        await client.client_pause(500)
        answers = await asyncio.gather(*(store.ping() for _ in range(3)), return_exceptions=True)
    assert answers.count(Health.UP) == 1
    errors = [each for each in answers if isinstance(each, StoreTimeout)]
    assert len(errors) == 2
    assert "no free connection in time" in str(errors[0])


async def test_calls_that_are_cancelled_leave_the_pool_whole(
    own_server: str, opened: Opened
) -> None:
    store = await opened(own_server, pool_size=2)
    async with Redis.from_url(own_server) as client:
        await store.ping()
        await client.client_pause(300)
        tasks = [asyncio.create_task(get(store, f"k{number}")) for number in range(10)]
        await asyncio.sleep(0.05)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert store.pool().in_use == 0
    await put(store, "key", b"1")
    assert await asyncio.gather(*(get(store, "key") for _ in range(10))) == [[b"1"]] * 10


# Errors

RAISED = [
    *(
        error
        for _, error in inspect.getmembers(exceptions, inspect.isclass)
        if issubclass(error, Exception)
    ),
    RuntimeError,
    ConnectionResetError,
    EOFError,
]


@pytest.mark.parametrize("error", RAISED, ids=lambda each: each.__name__)
def test_no_error_of_the_driver_is_unmapped(error: type[Exception]) -> None:
    with pytest.raises(StoreError) as raised, translated("cache"):
        raise error("1 host:1") if error.__init__ is not Exception.__init__ else error()
    assert raised.value.store == "cache"
    assert isinstance(raised.value.__cause__, error)


# Through the whole gateway

QUERY = """{
  facts(first: 20, includeInvalidated: true) { nodes { subject { name } object { name } } }
  chunks(first: 20) { nodes { document { title } } } }"""
"""What asks for entities and documents by key."""


@pytest.fixture(scope="module")
async def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the demo memory."""
    path = tmp_path_factory.mktemp("demo") / "memory.db"
    await fill(path, DEMO)
    return path


@asynccontextmanager
async def gateway_with(
    database: Path, folder: Path, url: str, **times: float
) -> AsyncGenerator[Gateway]:
    """A gateway over the file, with this Redis as its cache."""
    options = "\n".join(f"{name} = {value}" for name, value in (SLOW | times).items())
    (folder / "gateway.toml").write_text(
        f"""
        [stores.main]
        kind = "sql"
        path = "{database}"
        [stores.cache]
        kind = "redis"
        url = "{url}"
        prefix = "test-{uuid4().hex}"
        {options}
        [roles]
        texts = "main"
        graph = "main"
        keywords = "main"
        vectors = "main"
        cache = "cache"
        """
    )
    async with running(config=folder / "gateway.toml") as gateway:
        yield gateway


def by_key(calls: Sequence[StoreCall]) -> Counter[str]:
    """How many calls asked for records by key, of the cache and of the stores, that were answered."""
    methods = [call for call in calls if call.method == "get_many" and call.error is None]
    return Counter(call.role for call in methods)


async def until(met: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it is so; fails when it is not for long."""
    for _ in range(1_000):
        if await met():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never was so")


async def test_a_warm_query_asks_the_store_for_no_record_by_key(
    redis_server: str, database: Path, tmp_path: Path
) -> None:
    async with gateway_with(database, tmp_path, redis_server) as gateway:
        cold, calls = await gateway.calls(QUERY)
        assert by_key(calls) == {"cache": 2, "entities": 1, "documents": 1}
        warm, calls = await gateway.calls(QUERY)
        assert by_key(calls) == {"cache": 2}
        assert warm == cold
    async with gateway_with(database, tmp_path, redis_server) as gateway:
        assert await gateway.data(QUERY) == cold


async def test_every_query_is_answered_while_redis_dies_and_comes_back(
    database: Path, tmp_path: Path, own_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "PAUSE", 0.05)
    url = f"redis://127.0.0.1:{own_port}/0"
    async with gateway_with(database, tmp_path, url) as gateway, AsyncExitStack() as load:
        expected, calls = await gateway.calls(QUERY)
        assert by_key(calls) == {"entities": 1, "documents": 1}, "it starts without Redis"
        answers = Counter[bool]()
        over = asyncio.Event()

        async def ask() -> None:
            while not over.is_set():
                answers[await gateway.answer(QUERY) == {"data": expected}] += 1

        async def warm() -> bool:
            return by_key((await gateway.calls(QUERY))[1]) == {"cache": 2}

        async def lost() -> bool:
            return by_key((await gateway.calls(QUERY))[1]) == {"entities": 1, "documents": 1}

        callers = [asyncio.create_task(ask()) for _ in range(5)]
        load.callback(over.set)
        for _ in range(2):
            server = ExitStack()
            server.enter_context(redis.started(own_port))
            await until(warm)
            before = answers.total()
            await asyncio.to_thread(server.close)
            await until(lost)
            assert answers.total() > before
        over.set()
        await asyncio.gather(*callers)
        assert answers[False] == 0


async def test_a_server_that_hangs_is_waited_for_once(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "PAUSE", 3_600.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        async with gateway_with(database, tmp_path, url, call_timeout=0.05) as gateway:
            _, calls = await gateway.calls(QUERY)
            late = [call.error for call in calls if call.role == "cache"]
            assert late == ["STORE_TIMEOUT"] * 2, "both kinds are looked up at the same time"
            for _ in range(10):
                _, calls = await gateway.calls(QUERY)
                assert by_key(calls) == {"entities": 1, "documents": 1}
                assert [call for call in calls if call.role == "cache"] == []


async def test_a_server_that_hangs_in_the_middle_is_used_again_when_it_goes_on(
    own_server: str, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "PAUSE", 0.05)
    async with (
        Redis.from_url(own_server) as client,
        gateway_with(database, tmp_path, own_server, call_timeout=0.1) as gateway,
    ):

        async def warm() -> bool:
            return by_key((await gateway.calls(QUERY))[1]) == {"cache": 2}

        await until(warm)
        await client.client_pause(2_000)
        _, calls = await gateway.calls(QUERY)
        assert by_key(calls) == {"entities": 1, "documents": 1}
        await until(warm)


async def test_what_another_process_loads_is_read_at_once(
    redis_server: str, database: Path, tmp_path: Path
) -> None:
    """Two gateways on one file and one Redis, as two processes have them; one of them writes."""
    async with (
        gateway_with(database, tmp_path, redis_server) as gateway,
        Federation(load_settings(config=tmp_path / "gateway.toml").federation) as other,
    ):
        scope = Scope("default")
        (document,) = (await gateway.data("{ documents(first: 1) { nodes { key } } }"))[
            "documents"
        ]["nodes"]
        key = document["key"]
        query = f'{{ document(key: "{key}") {{ title }} }}'
        await gateway.data(query)
        _, calls = await gateway.calls(query)
        assert by_key(calls) == {"cache": 1}
        (before,) = await other.documents.get_many(scope, [key], fields_of(Document))
        assert before is not None
        for title in ("changed", before.title):
            changed = msgspec.structs.replace(before, title=title)
            await Writer(other, scope).write([changed])
            assert (await gateway.data(query))["document"] == {"title": title}
