"""The record cache: what it answers, what it never keeps, that nothing old is read, and a cache that is lost."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backends.caching.codec import LONGEST_NAME, Codec
from backends.caching.guard import PAUSE, GuardedCache
from backends.caching.records import DEFAULT_TTL, LONGEST_READ, MOST_KEYS, CacheRules, RecordCache
from backends.embedders import EmbedderConfig
from backends.errors import ConfigurationError, StoreTimeout, StoreUnavailable
from backends.federation import Federation, FederationConfig, RolesConfig, StoreConfig
from backends.memory.cache import MemoryCache
from backends.records import (
    CacheLookup,
    Document,
    DocumentFilter,
    Entity,
    Fields,
    Kind,
    Record,
    Scope,
)
from backends.roles import Cache
from backends.sql.documents import SqlDocuments
from backends.trace import recording
from gateway.settings import load_settings
from tests.contract.samples import (
    ALL,
    ALL_TIME,
    EARLIEST,
    LATEST,
    MICROSECOND,
    STRANGE,
    chunk,
    day,
    document,
    entity,
    episode,
    fact,
    fields_of,
    loaded,
    modest,
    new_scope,
    numbered,
    written,
)

STORES = """
[stores.main]
kind = "sql"
path = "memory.db"
"""
TITLE = frozenset({"title"})
TEXT = frozenset({"text"})
NAME = frozenset({"name"})
NO_EMBEDDER = EmbedderConfig(kind="openai")
"""One that loads nothing; nobody asks it anything here."""

Make = Callable[..., Any]


@pytest.fixture(params=["memory", "redis"])
def cache_config(request: pytest.FixtureRequest) -> StoreConfig:
    """Either sort of cache, with times that no healthy one needs."""
    if request.param == "memory":
        return StoreConfig(kind="memory")
    options = {"url": request.getfixturevalue("redis_server"), "prefix": f"test-{uuid4().hex}"}
    patient = {"call_timeout": 10.0, "connect_timeout": 10.0, "pool_timeout": 10.0}
    return StoreConfig(kind="redis", options=options | patient)


@asynccontextmanager
async def federated(
    folder: Path, cache: StoreConfig, rules: CacheRules | None = None
) -> AsyncGenerator[Federation]:
    """A federation of one file and a cache."""
    roles = RolesConfig.all_by("main")
    config = FederationConfig(
        stores={
            "main": StoreConfig(kind="sql", options={"path": str(folder / "memory.db")}),
            "cache": cache,
        },
        roles=msgspec.structs.replace(roles, cache="cache"),
        embedder=NO_EMBEDDER,
        cache=rules or CacheRules(),
    )
    async with Federation(config) as federation:
        yield federation


@pytest.fixture
async def federation(tmp_path: Path, cache_config: StoreConfig) -> AsyncIterator[Federation]:
    async with federated(tmp_path, cache_config) as federation:
        yield federation


@pytest.fixture
def main(federation: Federation) -> Any:
    """The store itself: what is written there was never in the cache, and leaves no mark in it."""
    return federation.stores["main"]


@pytest.fixture
def scope() -> Scope:
    return new_scope()


async def asked(call: Awaitable[Any]) -> tuple[Any, Counter[str]]:
    """The answer, and how many calls each role got for it."""
    with recording() as calls:
        answer = await call
    return answer, Counter(each.role for each in calls)


def plain(records: Sequence[Record | None]) -> list[dict[str, Any] | None]:
    return [loaded(record) for record in records]


# Hits


async def test_a_record_is_asked_for_once_whatever_fields_are_wanted(
    federation: Federation, main: Any, scope: Scope
) -> None:
    await main.documents.upsert_many(scope, [document("a", title="A", text="long")])
    get = federation.documents.get_many
    cold, calls = await asked(get(scope, ["a"], TITLE))
    assert calls == {"cache": 2, "documents": 1}
    for fields in (TITLE, TEXT, fields_of(Document)):
        warm, calls = await asked(get(scope, ["a"], fields))
        assert calls == {"cache": 1}
        assert warm == cold
    assert (cold[0].title, cold[0].text) == ("A", "long")


async def test_only_the_missing_are_asked_for_and_the_order_is_that_of_the_keys(
    federation: Federation, main: Any, scope: Scope
) -> None:
    await main.chunks.upsert_many(scope, [chunk(key, text=key) for key in "abcd"])
    await federation.chunks.get_many(scope, ["b", "d"], TEXT)
    keys = ["d", "gap", "a", "b", "a", "d", "c"]
    with recording() as calls:
        found = await federation.chunks.get_many(scope, keys, TEXT)
    assert [each and each.text for each in found] == ["d", None, "a", "b", "a", "d", "c"]
    assert [(call.role, call.size) for call in calls] == [
        ("cache", 5),
        ("chunks", 3),
        ("cache", 2),
    ]


TIMES = (None, EARLIEST, LATEST - MICROSECOND, day(0.5) + MICROSECOND, LATEST)
ODD = {"": None, "a.b": [1, 1.0, True, "1", None, {"é": "🔑"}], "n": {"deep": {"er": -(2**63)}}}
WHOLE: dict[str, tuple[Kind, list[Record]]] = {
    "documents": (
        Kind.DOCUMENT,
        [
            document("a"),
            document("b", title="", uri="u", source="s", media_type="m", text="x\ny", metadata=ODD),
            *(document(f"t{i}", created_at=at, updated_at=at) for i, at in enumerate(TIMES)),
        ],
    ),
    "chunks": (
        Kind.CHUNK,
        [chunk("a"), chunk("b", document_key="d", position=-1, token_count=2**40, metadata=ODD)],
    ),
    "entities": (
        Kind.ENTITY,
        [
            entity("a"),
            entity(
                "b", type="T", labels=["x", "y"], summary="s", attributes=ODD, created_at=day(1)
            ),
        ],
    ),
    "facts": (
        Kind.FACT,
        [
            fact("a"),
            fact("b", statement="s", attributes=ODD, episode_keys=("e",)),
            fact("c", valid_from=day(1), valid_to=day(2), recorded_at=day(3), retracted_at=day(4)),
        ],
    ),
    "episodes": (
        Kind.EPISODE,
        [
            episode("a"),
            episode("b", name="n", content="c", source="s", document_key="d", metadata=ODD),
            episode("c", chunk_key="c", occurred_at=day(1), recorded_at=day(2)),
        ],
    ),
}


@pytest.mark.parametrize("role", WHOLE)
async def test_what_is_kept_is_the_whole_record(
    federation: Federation, main: Any, scope: Scope, role: str
) -> None:
    kind, records = WHOLE[role]
    await getattr(main, role).upsert_many(scope, records)
    fields = fields_of(type(records[0]))
    moment = [ALL_TIME] if kind is Kind.ENTITY else []
    keys = [record.key for record in records]
    own = await getattr(main, role).get_many(scope, keys, *moment, fields)
    for expected in ({"cache": 2, role: 1}, {"cache": 1}):
        found, calls = await asked(
            getattr(federation, role).get_many(scope, keys, *moment, frozenset({"key"}))
        )
        assert calls == expected
        assert plain(found) == plain(own) == [written(record) for record in records]
        assert [type(each) for each in found] == [type(each) for each in own]


async def test_facts_keep_all_four_times_and_no_moment(
    federation: Federation, main: Any, scope: Scope
) -> None:
    stored = fact("a", valid_from=day(1), valid_to=day(2), recorded_at=day(3), retracted_at=day(9))
    await main.facts.upsert_many(scope, [stored])
    for _ in range(2):
        (found,) = await federation.facts.get_many(scope, ["a"], frozenset({"predicate"}))
        assert found is not None
        assert (found.valid_to, found.retracted_at) == (day(2), day(9))


async def test_any_key_is_found_again(federation: Federation, main: Any, scope: Scope) -> None:
    await main.entities.upsert_many(scope, [entity(key) for key in STRANGE])
    for expected in ({"cache": 2, "entities": 1}, {"cache": 1}):
        found, calls = await asked(federation.entities.get_many(scope, STRANGE, ALL_TIME, NAME))
        assert [each.name for each in found] == STRANGE
        assert calls == expected


async def test_tenants_never_see_one_another(federation: Federation, main: Any) -> None:
    own = uuid4().hex
    pairs = [(own, "1:b:c"), (f"{own}:1", "b:c"), (f"{own}:1:b", "c"), (f"{own}é", "1:b:c")]
    for tenant, key in pairs:
        await main.documents.upsert_many(Scope(tenant), [document(key, title=f"{tenant} {key}")])
    keys = [key for _, key in pairs]
    for _ in range(2):
        for tenant, own_key in pairs:
            found = await federation.documents.get_many(Scope(tenant), keys, TITLE)
            assert [each and each.title for each in found] == [
                f"{tenant} {key}" if key == own_key else None for key in keys
            ]


async def test_lists_are_not_kept(federation: Federation, main: Any, scope: Scope) -> None:
    await main.documents.upsert_many(scope, [document("a")])
    for _ in range(2):
        page, calls = await asked(
            federation.documents.find(scope, DocumentFilter(), None, ALL, TITLE)
        )
        assert calls == {"documents": 1}
        assert [each.key for each in page.items] == ["a"]


# What is never kept


async def test_a_gap_is_never_kept(federation: Federation, main: Any, scope: Scope) -> None:
    assert await federation.documents.get_many(scope, ["a"], TITLE) == [None]
    await main.documents.upsert_many(scope, [document("a", title="A")])
    (found,) = await federation.documents.get_many(scope, ["a"], TITLE)
    assert found is not None


async def test_the_stand_in_for_a_missing_entity_is_never_kept(
    federation: Federation, main: Any, scope: Scope
) -> None:
    await main.facts.upsert_many(scope, [fact("f", "gone", "here", recorded_at=day(5))])
    await main.entities.upsert_many(scope, [entity("here")])
    for known_at, missing in ((day(9), True), (day(1), False), (day(9), True), (day(1), False)):
        gone, here = await federation.entities.get_many(scope, ["gone", "here"], known_at, NAME)
        assert here == entity("here", labels=[])
        assert gone == (Entity.missing("gone") if missing else None)
    await main.entities.upsert_many(scope, [entity("gone", name="Found")])
    (found,) = await federation.entities.get_many(scope, ["gone"], day(1), NAME)
    assert found is not None
    assert found.name == "Found"


async def test_a_read_of_keys_alone_asks_the_store(
    federation: Federation, main: Any, scope: Scope
) -> None:
    await main.documents.upsert_many(scope, [document("a")])
    _, calls = await asked(federation.documents.get_many(scope, ["a"], frozenset()))
    assert calls == {"documents": 1}


async def test_a_very_long_list_goes_to_the_store(
    federation: Federation, main: Any, scope: Scope
) -> None:
    keys = numbered("k", MOST_KEYS + 1)
    await main.documents.upsert_many(scope, [document(keys[-1], title="last")])
    found, calls = await asked(federation.documents.get_many(scope, keys, TITLE))
    assert found[-1].title == "last"
    assert calls == {"documents": 1}
    _, calls = await asked(federation.documents.get_many(scope, keys[1:], TITLE))
    assert calls == {"cache": 2, "documents": 1}


async def test_a_kind_without_a_life_is_not_kept(
    tmp_path: Path, cache_config: StoreConfig, scope: Scope
) -> None:
    async with federated(tmp_path, cache_config, CacheRules(ttl={Kind.CHUNK: 0})) as federation:
        for role in ("chunks", "documents"):
            _, calls = await asked(getattr(federation, role).get_many(scope, ["a"], TEXT))
            assert calls["cache"] == (role == "documents")


async def test_a_large_record_is_asked_for_each_time_but_only_what_is_wanted_of_it(
    tmp_path: Path,
    cache_config: StoreConfig,
    scope: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with federated(tmp_path, cache_config, CacheRules(largest=1_000)) as federation:
        main: Any = federation.stores["main"]
        records = [document("large", title="L", text="x" * 1_000), document("small", title="S")]
        await main.documents.upsert_many(scope, records)
        wanted: list[tuple[list[str], Fields]] = []
        get_many = SqlDocuments.get_many

        async def watched(self: Any, scope: Scope, keys: Any, fields: Fields) -> Any:
            wanted.append((list(keys), fields))
            return await get_many(self, scope, keys, fields)

        monkeypatch.setattr(SqlDocuments, "get_many", watched)
        for keys in (["large"], ["large"], ["small", "large"]):
            found = await federation.documents.get_many(scope, keys, TITLE)
            assert [each and each.title for each in found] == [key[0].upper() for key in keys]
    everything = fields_of(Document)
    assert wanted[:2] == [(["large"], everything), (["large"], TITLE)]
    assert sorted(wanted[2:]) == [(["large"], TITLE), (["small"], everything)]


async def test_a_record_that_no_bytes_can_hold_is_asked_for_each_time(
    federation: Federation, main: Any, scope: Scope
) -> None:
    metadata = {"n": 2**70}
    await main.documents.upsert_many(scope, [document("a", metadata=metadata)])
    for _ in range(2):
        found, calls = await asked(
            federation.documents.get_many(scope, ["a"], frozenset({"metadata"}))
        )
        assert found[0].metadata == metadata
        assert calls["documents"] == 1


# Bytes that are not ours


CODEC = Codec(Kind.DOCUMENT, Document)
WHOLE_DOCUMENT = document("a", title="good", metadata={"x": [1]})
GOOD = msgspec.msgpack.encode(WHOLE_DOCUMENT)
GARBAGE = {
    "nothing of sense": b"\xc1\xff\x00",
    "cut short": GOOD[:-3],
    "too long": GOOD + b"\x00",
    "a list": msgspec.msgpack.encode([1, 2]),
    "a bare key": msgspec.msgpack.encode({"key": "a"}),
    "another's": msgspec.msgpack.encode(document("b", title="wrong")),
    "a number for a title": msgspec.msgpack.encode(msgspec.structs.asdict(WHOLE_DOCUMENT) | {"title": 5}),
    "nested deep": b"\x91" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_corrupted_bytes_are_a_miss_and_are_replaced(
    federation: Federation, main: Any, scope: Scope, garbage: str
) -> None:
    await main.documents.upsert_many(scope, [WHOLE_DOCUMENT])
    cache: Cache = federation.stores["cache"].cache  # pyright: ignore[reportAssignmentType]
    lookup = await cache.get_many([], CODEC.tags(scope))
    await cache.set_many({CODEC.name(scope, "a"): GARBAGE[garbage]}, lookup, 60.0)
    for expected in ({"cache": 2, "documents": 1}, {"cache": 1}):
        found, calls = await asked(federation.documents.get_many(scope, ["a"], TITLE))
        assert found[0].title == "good"
        assert calls == expected


def layout_of(fields: Any) -> Any:
    """A record of these fields."""
    return msgspec.defstruct("Document", fields, frozen=True, kw_only=True)


def test_another_layout_of_a_record_has_other_names(scope: Scope) -> None:
    fields = [(f.name, f.type, f.default) for f in msgspec.structs.fields(Document)]
    fields = [each if each[2] is not msgspec.NODEFAULT else each[:2] for each in fields]
    layouts: Mapping[str, list[Any]] = {
        "the same": fields,
        "one more": [*fields, ("language", str | None, None)],
        "one less": fields[:-1],
        "another type": [*fields[:-1], ("updated_at", int, 0)],
        "another name": [*fields[:-1], ("changed_at", *fields[-1][1:])],
    }
    codecs: dict[str, Codec[Any]] = {
        name: Codec(Kind.DOCUMENT, layout_of(layout)) for name, layout in layouts.items()
    }
    names = {name: codec.name(scope, "a") for name, codec in codecs.items()}
    assert names.pop("the same") == CODEC.name(scope, "a")
    assert len({*names.values(), CODEC.name(scope, "a")}) == len(names) + 1
    assert CODEC.name(scope, "a") != Codec(Kind.CHUNK, Document).name(scope, "a")


def test_names_stay_short_and_are_never_shared() -> None:
    keys = [*STRANGE, "k" * 999, "k" * 1_000 + "é", "#"]
    names = [CODEC.name(Scope(t), key) for t in ("t", "t" * 200) for key in keys]
    assert len(set(names)) == len(names)
    assert all(len(name.encode()) <= LONGEST_NAME for name in names)


# Writers


async def test_a_writer_sees_its_own_writes_and_readers_do_when_it_is_done(
    federation: Federation, main: Any, scope: Scope
) -> None:
    await main.documents.upsert_many(scope, [document("a", title="old")])
    await federation.documents.get_many(scope, ["a"], TITLE)

    async def title() -> str | None:
        (found,) = await federation.documents.get_many(scope, ["a"], TITLE)
        return found.title if found else None

    written, seen = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        async with federation.batch():
            assert await title() == "old"
            await federation.documents.upsert_many(scope, [document("a", title="new")])
            _, calls = await asked(title())
            assert calls == {"documents": 1}
            assert await title() == "new"
            written.set()
            await seen.wait()

    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(write())
        await written.wait()
        assert await title() == "old"
        seen.set()
        await writer
    assert await title() == "new"


@pytest.mark.parametrize("role", WHOLE)
async def test_a_write_of_each_role_removes_what_it_replaces(
    federation: Federation, main: Any, scope: Scope, role: str
) -> None:
    kind, records = WHOLE[role]
    moment = [ALL_TIME] if kind is Kind.ENTITY else []
    key, fields = records[0].key, fields_of(type(records[0]))
    get = getattr(federation, role).get_many
    await getattr(main, role).upsert_many(scope, records[:1])
    await get(scope, [key], *moment, fields)
    other = msgspec.structs.replace(records[1], key=key)
    await getattr(federation, role).upsert_many(scope, [other])
    assert plain(await get(scope, [key], *moment, fields)) == [written(other)]


async def test_chunks_that_are_taken_away_are_gone(
    federation: Federation, main: Any, scope: Scope
) -> None:
    await main.chunks.upsert_many(scope, [chunk(key, document_key="d") for key in "ab"])
    await federation.chunks.get_many(scope, ["a", "b"], TEXT)
    assert await federation.chunks.keep_only(scope, {"d": ["a"]}) == ["b"]
    found = await federation.chunks.get_many(scope, ["a", "b"], TEXT)
    assert [each and each.key for each in found] == ["a", None]


async def test_an_error_within_a_batch_leaves_nothing_of_it_in_the_cache(
    federation: Federation, main: Any, scope: Scope
) -> None:
    await main.documents.upsert_many(scope, [document("a", title="old")])

    async def write_and_fail() -> None:
        async with federation.batch():
            await federation.documents.upsert_many(scope, [document("a", title="undone")])
            raise LookupError

    with pytest.raises(LookupError):
        await write_and_fail()
    for _ in range(2):
        (found,) = await federation.documents.get_many(scope, ["a"], TITLE)
        assert found is not None
        assert found.title == "old"


async def test_a_reader_that_a_writer_overtakes_keeps_nothing_old(
    federation: Federation, main: Any, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reads the old one, waits while it is replaced, then keeps what it read: the next must see the new."""
    await main.documents.upsert_many(scope, [document("a", title="old")])
    has_read, replaced = asyncio.Event(), asyncio.Event()
    get_many = SqlDocuments.get_many

    async def held(self: Any, *arguments: Any) -> Any:
        found = await get_many(self, *arguments)
        has_read.set()
        await replaced.wait()
        return found

    monkeypatch.setattr(SqlDocuments, "get_many", held)
    reader = asyncio.create_task(federation.documents.get_many(scope, ["a"], TITLE))
    await has_read.wait()
    monkeypatch.undo()
    async with federation.batch():
        await federation.documents.upsert_many(scope, [document("a", title="new")])
    replaced.set()
    assert [each and each.title for each in await reader] == ["old"]
    for _ in range(2):
        (found,) = await federation.documents.get_many(scope, ["a"], TITLE)
        assert found is not None
        assert found.title == "new"


async def test_the_stores_of_records_commit_after_the_indexes(tmp_path: Path) -> None:
    names = ("vectors", "graph", "keywords", "texts")
    config = FederationConfig(
        stores={
            name: StoreConfig(kind="sql", options={"path": str(tmp_path / f"{name}.db")})
            for name in names
        },
        roles=RolesConfig(
            texts="texts",
            graph="graph",
            keywords=dict.fromkeys(Kind, "keywords"),
            vectors=dict.fromkeys(Kind, "vectors"),
        ),
        embedder=NO_EMBEDDER,
    )
    over: list[str] = []

    def watched(name: str, batch: Callable[[], Any]) -> Callable[[], Any]:
        @asynccontextmanager
        async def entered() -> AsyncGenerator[None]:
            async with batch():
                yield
            over.append(name)

        return entered

    async with Federation(config) as federation:
        for name, store in federation.stores.items():
            store.batch = watched(name, store.batch)
        async with federation.batch():
            assert over == []
    assert set(over[:2]) == {"vectors", "keywords"}
    assert over[2:] == ["graph", "texts"]


# Any order of events


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["read", "write"]), st.just(0)),
        st.tuples(st.just("go on"), st.integers(0, 3)),
        st.tuples(st.just("go on"), st.integers(0, 3)),
        st.tuples(st.just("wait"), st.sampled_from([1, 10, 20, 40])),
    ),
    min_size=8,
    max_size=40,
)


OVERTAKEN = [("read", 0), ("go on", 0), ("write", 0), ("go on", 1), ("go on", 1)]
LONG_WRITE = [("write", 0), ("wait", 40), ("read", 0), ("go on", 1), ("go on", 1)]


@settings(modest, max_examples=150)
@given(EVENTS)
@example([*OVERTAKEN, ("go on", 0)])
@example([*OVERTAKEN, ("wait", 40), ("go on", 0)])
@example([*LONG_WRITE, ("go on", 0), ("go on", 0)])
async def test_in_any_order_of_events_nothing_older_is_read_than_was_last_written(
    events: Sequence[tuple[str, int]],
) -> None:
    """Readers stop before and after they read the store, writers before and after their commit; what is
    read must be at least what was there when the last writer had finished before the reader began."""
    clock, scope = Clock(), Scope("t")
    memory = MemoryCache("cache", most_entries=5, most_bytes=10_000, clock=clock)
    memory.open()
    cache = RecordCache(GuardedCache(memory, clock=clock), CacheRules(), clock=clock)
    committed = finished = 0
    gates: list[asyncio.Event] = []

    async def gate() -> None:
        gates.append(asyncio.Event())
        await gates[-1].wait()

    async def ask(keys: Sequence[str], _: Fields) -> list[Document | None]:
        await gate()
        version = committed
        await gate()
        return [document(key, title=f"{version}") for key in keys]

    async def read() -> None:
        least = finished
        (found,) = await cache.get_many(Kind.DOCUMENT, scope, ["a"], TITLE, ask)
        assert found is not None
        assert int(found.title or -1) >= least

    async def write() -> None:
        nonlocal committed, finished
        async with cache.replacing(Kind.DOCUMENT, scope, ["a"]):
            await gate()
            committed += 1
            mine = committed
            await gate()
        finished = max(finished, mine)

    tasks: list[asyncio.Task[None]] = []
    for event, number in events:
        if event == "wait":
            clock.now += number
        elif event == "go on":
            if gates:
                gates.pop(number % len(gates)).set()
        else:
            tasks.append(asyncio.create_task(read() if event == "read" else write()))
        for _ in range(10):
            await asyncio.sleep(0)
    tasks.append(asyncio.create_task(read()))
    while not all(task.done() for task in tasks):
        while gates:
            gates.pop().set()
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)


# A cache that is lost


class Faulty:
    """A cache that fails while it is told to, and counts what it is asked."""

    def __init__(self, clock: Clock) -> None:
        self.inner = MemoryCache("cache", most_entries=100, most_bytes=1_000_000, clock=clock)
        self.inner.open()
        self.error: Exception | None = None
        self.asked: list[str] = []
        self.gate: asyncio.Event | None = None

    async def get_many(self, keys: Sequence[str], tags: Sequence[str]) -> CacheLookup:
        await self._fail("get_many")
        return await self.inner.get_many(keys, tags)

    async def set_many(self, values: Mapping[str, bytes], lookup: CacheLookup, ttl: float) -> None:
        await self._fail("set_many")
        await self.inner.set_many(values, lookup, ttl)

    async def remove_many(self, keys: Sequence[str]) -> None:
        await self._fail("remove_many")
        await self.inner.remove_many(keys)

    async def invalidate(self, tags: Sequence[str]) -> None:
        await self._fail("invalidate")
        await self.inner.invalidate(tags)

    async def _fail(self, method: str) -> None:
        self.asked.append(method)
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error


class Lost:
    """A record cache over a faulty cache, with a store of one document."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.cache = Faulty(self.clock)
        self.guard = GuardedCache(self.cache, clock=self.clock)
        self.records = RecordCache(self.guard, CacheRules(), clock=self.clock)
        self.scope = Scope("t")
        self.title = "old"
        self.reads: list[Fields] = []
        self.seconds = 0.0

    async def ask(self, keys: Sequence[str], fields: Fields) -> list[Document | None]:
        self.reads.append(fields)
        self.clock.now += self.seconds
        return [document(key, title=self.title) for key in keys]

    async def read(self) -> str | None:
        (found,) = await self.records.get_many(Kind.DOCUMENT, self.scope, ["a"], TITLE, self.ask)
        assert found is not None
        return found.title

    async def write(self, title: str) -> None:
        async with self.records.replacing(Kind.DOCUMENT, self.scope, ["a"]):
            self.title = title


@pytest.fixture
def lost() -> Lost:
    return Lost()


async def test_a_lost_cache_costs_one_attempt_a_second_and_no_answer(
    lost: Lost, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "memory_gateway")
    assert await lost.read() == "old"
    lost.cache.error = StoreTimeout("cache", "store cache: too late")
    lost.cache.asked.clear()
    for _ in range(10):
        assert await lost.read() == "old"
    assert lost.cache.asked == ["get_many"]
    assert lost.reads[1:] == [TITLE] * 10, "whole records are read only to be kept"
    lost.clock.now += PAUSE
    for _ in range(10):
        assert await lost.read() == "old"
    assert lost.cache.asked == ["get_many"] * 2
    assert [each.message for each in caplog.records] == [
        "going on without the cache: store cache: too late"
    ]
    lost.cache.error = None
    lost.clock.now += PAUSE
    before = len(lost.reads)
    assert await lost.read() == "old"
    assert len(lost.reads) == before, "what was kept before the outage is still there"
    assert [each.message for each in caplog.records][1:] == ["the cache is back"]


async def test_while_it_is_tried_again_nobody_else_waits(lost: Lost) -> None:
    lost.cache.error = StoreUnavailable("cache", "down")
    await lost.read()
    lost.clock.now += PAUSE
    lost.cache.gate = asyncio.Event()
    tried = asyncio.create_task(lost.read())
    await asyncio.sleep(0)
    lost.cache.asked.clear()
    for _ in range(10):
        assert await lost.read() == "old"
    assert lost.cache.asked == []
    tried.cancel()
    await asyncio.gather(tried, return_exceptions=True)
    lost.cache.gate = lost.cache.error = None
    await lost.read()
    assert lost.cache.asked == ["get_many", "set_many"], "a cancelled try bars nobody"


async def test_an_error_of_the_store_is_not_the_caches(lost: Lost) -> None:
    async def fail(_: Sequence[str], __: Fields) -> list[Document | None]:
        raise StoreUnavailable("main", "down")

    with pytest.raises(StoreUnavailable):
        await lost.records.get_many(Kind.DOCUMENT, lost.scope, ["a"], TITLE, fail)
    lost.cache.asked.clear()
    await lost.read()
    assert lost.cache.asked == ["get_many", "set_many"]


async def test_a_reader_who_took_too_long_keeps_nothing(lost: Lost) -> None:
    lost.seconds = LONGEST_READ + 1
    await lost.read()
    assert lost.cache.asked == ["get_many"]
    lost.seconds = LONGEST_READ - 1
    await lost.read()
    assert lost.cache.asked == ["get_many", "get_many", "set_many"]


async def test_what_could_not_be_removed_is_void_when_the_cache_is_back(lost: Lost) -> None:
    await lost.read()
    lost.cache.error = StoreUnavailable("cache", "down")
    await lost.write("new")
    lost.cache.error = None
    assert await lost.read() == "new", "left alone"
    lost.clock.now += PAUSE
    assert await lost.read() == "new"
    assert await lost.read() == "new"
    assert lost.cache.asked[-4:] == ["invalidate", "get_many", "set_many", "get_many"]


async def test_what_could_not_be_removed_is_made_good_when_all_is_closed(
    lost: Lost, caplog: pytest.LogCaptureFixture
) -> None:
    await lost.read()
    lost.cache.error = StoreUnavailable("cache", "store cache: down")
    await lost.write("new")
    await lost.records.close()
    assert "store cache: down; until they expire" in caplog.records[-1].message
    lost.cache.error = None
    await lost.records.close()
    assert lost.cache.asked[-1] == "invalidate"
    await lost.records.close()
    assert lost.cache.asked.count("invalidate") == 2
    other = RecordCache(GuardedCache(lost.cache, clock=lost.clock), CacheRules(), clock=lost.clock)
    (found,) = await other.get_many(Kind.DOCUMENT, lost.scope, ["a"], TITLE, lost.ask)
    assert found is not None
    assert found.title == "new"


async def test_what_comes_to_be_owed_while_a_debt_is_paid_is_paid_too(lost: Lost) -> None:
    lost.cache.error = StoreUnavailable("cache", "down")
    await lost.write("new")
    lost.clock.now += PAUSE
    lost.cache.error, lost.cache.gate = None, asyncio.Event()
    reader = asyncio.create_task(lost.read())
    await asyncio.sleep(0)
    await lost.write("newer")
    lost.cache.gate.set()
    await reader
    assert lost.cache.asked.count("invalidate") == 2
    assert await lost.read() == "newer"


# Wiring


def test_what_is_kept_is_set_kind_by_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "gateway.toml"
    file.write_text(
        "[cache]\nlargest_record = 5000\n[cache.ttl]\nchunk = 1.5\nentity = 0\n" + STORES
    )
    monkeypatch.setenv("MEMORY_GATEWAY_CACHE__TTL__FACT", "7")
    rules = load_settings(config=file).federation.cache
    lives = dict.fromkeys(Kind, DEFAULT_TTL)
    assert rules.ttl == lives | {Kind.CHUNK: 1.5, Kind.ENTITY: 0, Kind.FACT: 7}
    assert rules.largest == 5_000
    monkeypatch.undo()
    for wrong in ("[cache]\nttl = 5\n", "[cache.ttl]\nmention = 5\n", "[cache.ttl]\nchunk = -1\n"):
        file.write_text(wrong + STORES)
        with pytest.raises(ConfigurationError, match=r"cache\.ttl"):
            load_settings(config=file)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "main",
            r"cache: store 'main' is of kind 'sql', which plays no cache; redis and memory do",
        ),
        ("gone", r"cache: no store 'gone'; there are main, cache"),
    ],
)
def test_a_cache_that_is_none_is_an_error(name: str, message: str) -> None:
    roles = msgspec.structs.replace(RolesConfig.all_by("main"), cache=name)
    stores = {
        "main": StoreConfig(kind="sql", options={"path": "x.db"}),
        "cache": StoreConfig(kind="memory"),
    }
    with pytest.raises(ConfigurationError, match=message):
        Federation(FederationConfig(stores=stores, roles=roles, embedder=NO_EMBEDDER))


async def test_without_a_cache_nothing_is_kept(tmp_path: Path, scope: Scope) -> None:
    config = FederationConfig(
        stores={"main": StoreConfig(kind="sql", options={"path": str(tmp_path / "memory.db")})},
        roles=RolesConfig.all_by("main"),
        embedder=NO_EMBEDDER,
    )
    async with Federation(config) as federation:
        for _ in range(2):
            _, calls = await asked(federation.documents.get_many(scope, ["a"], TITLE))
            assert calls == {"documents": 1}
