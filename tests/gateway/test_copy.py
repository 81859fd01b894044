"""Memories copied between stores: the same records, the same answers, nothing made twice."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from backends.errors import ConfigurationError, SchemaTooOld, StoreUnavailable
from backends.federation import Federation
from backends.records import Document, Kind, Mention, Outcome, Scope, VectorSpace
from backends.roles import Embedder, Vector
from gateway.copying import Copied, Memory, copy, same_place
from gateway.settings import load_settings
from tests.contract.conftest import Places
from tests.gateway.cases import check
from tests.gateway.conftest import Config
from tests.gateway.test_cases import cases
from tests.gateway.test_cli import called, content, files_of, same_vectors
from tests.gateway.test_migrate import configure, migrated
from tests.servers import postgres as postgres_servers
from tests.support import DATA, QUIET, Gateway, fill, running

HELD = {"document": 40, "chunk": 98, "entity": 60, "fact": 400, "episode": 120, "mention": 419}
"""What the odd memory holds."""
ROLES = ("documents", "chunks", "entities", "facts", "episodes", "mentions")
A, B = Scope("a"), Scope("b")
DEFAULT = Scope("default")


@asynccontextmanager
async def opened(config: Path, scope: Scope = DEFAULT, **more: Any) -> AsyncIterator[Memory]:
    """A memory as a file configures it."""
    async with Federation(load_settings(config=config, **more).federation) as federation:
        yield Memory(federation, scope)


async def copied(source: Path, target: Path) -> Copied:
    """What `copy` comes to."""
    async with opened(source, read_only=True) as here, opened(target) as there:
        return await copy(here, there, console=QUIET)


async def records(memory: Memory, role: str, limit: int = 37) -> list[Any]:
    """All that a role holds, whole."""
    found: list[Any] = []
    after: Any = None
    scan = getattr(memory.federation, role).scan
    while batch := await scan(memory.scope, after, limit):
        found += batch
        after = batch[-1] if isinstance(batch[-1], Mention) else batch[-1].key
    return found


async def everything(memory: Memory) -> dict[str, list[Any]]:
    """All the records and mentions."""
    return {role: await records(memory, role) for role in ROLES}


async def vectors(memory: Memory, kind: Kind) -> dict[str, tuple[str | None, Vector | None]]:
    """What the index has of each record of a kind: the digest of its text, and the vector."""
    federation = memory.federation
    role = ROLES[list(HELD).index(kind.value.lower())]
    keys = [record.key for record in await records(memory, role)]
    index = federation.vectors[kind]
    digests = await index.digests(memory.scope, kind, keys)
    found = await index.get_many(memory.scope, kind, keys)
    return dict(zip(keys, zip(digests, found, strict=True), strict=True))


async def same_index(one: Memory, other: Memory) -> None:
    """Both have the same vectors of the same texts, up to rounding."""
    for kind in Kind:
        ours, theirs = await vectors(one, kind), await vectors(other, kind)
        assert ours.keys() == theirs.keys()
        for key, (digest, vector) in ours.items():
            if kind is not Kind.DOCUMENT:  # whose digest is of its parts, to the last bit
                assert digest == theirs[key][0], key
            assert (vector is None) == (theirs[key][1] is None), key
            if vector is not None:
                np.testing.assert_allclose(vector, theirs[key][1], atol=1e-6)


async def same_file(one: Path, other: Path) -> None:
    """Two embedded files hold the same.  A row of a fact knows in which order its episodes were named:
    they are compared as records."""
    ours, theirs = content(one), content(other)
    assert len(ours.pop("fact")) == len(theirs.pop("fact"))
    assert ours == theirs
    assert same_vectors(one, other)
    sides = [load_settings(database=file, read_only=True).federation for file in (one, other)]
    async with Federation(sides[0]) as here, Federation(sides[1]) as there:
        facts = await records(Memory(here, DEFAULT), "facts")
        assert facts == await records(Memory(there, DEFAULT), "facts")


class Counting:
    """An embedder that remembers what it was asked."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.space: VectorSpace = embedder.space
        self.texts: list[str] = []

    async def embed(self, texts: Sequence[str]) -> list[Vector | None]:
        self.texts += texts
        return await self._embedder.embed(texts)

    async def open(self) -> None: ...

    async def close(self) -> None: ...


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the odd memory in memory.db, which is not to be changed, and its memory.toml."""
    folder = tmp_path_factory.mktemp("copy")
    await fill(folder / "memory.db", DATA / "odd")
    configure(folder / "memory.toml", memory={"kind": "sql", "path": str(folder / "memory.db")})
    return folder


@pytest.fixture(scope="module")
async def server(place: Path, postgres: str) -> AsyncIterator[Path]:
    """The configuration of a database into which the odd memory was copied."""
    async with postgres_servers.database(postgres) as url:
        config = configure(place / "server.toml", memory={"kind": "sql", "url": url})
        await migrated(config)
        answer = await copied(place / "memory.toml", config)
        assert answer.complete
        assert answer.source == answer.target == HELD
        assert answer.tally == {(sort, Outcome.LOADED): count for sort, count in HELD.items()}
        yield config


@pytest.fixture
async def database(postgres: str) -> AsyncIterator[str]:
    """The URL of an empty database."""
    async with postgres_servers.database(postgres) as url:
        yield url


# The same memory


@pytest.fixture(scope="module")
async def gateway(server: Path) -> AsyncIterator[Gateway]:
    """The copy, asked through HTTP."""
    async with running(config=server) as gateway:
        yield gateway


@pytest.mark.parametrize("case", cases(DATA / "odd_cases.jsonl"))
async def test_a_copy_gives_the_answers_of_the_original(
    gateway: Gateway, case: dict[str, Any]
) -> None:
    await check(gateway, case)


async def test_a_copy_has_the_same_records_mentions_and_vectors(place: Path, server: Path) -> None:
    async with opened(place / "memory.toml", read_only=True) as one, opened(server) as other:
        whole = await everything(one)
        assert {role: len(found) for role, found in whole.items()} == dict(
            zip(ROLES, HELD.values(), strict=True)
        )
        assert await everything(other) == whole
        await same_index(one, other)


async def test_a_copy_copied_back_is_the_original(place: Path, server: Path) -> None:
    config = configure(place / "back.toml", memory={"kind": "sql", "path": str(place / "back.db")})
    before = files_of(place)["memory.db"]
    answer = await copied(server, config)
    assert answer.complete
    async with opened(place / "memory.toml", read_only=True) as one, opened(config) as other:
        assert await everything(other) == await everything(one)
        await same_index(one, other)
    await same_file(place / "back.db", place / "memory.db")
    assert files_of(place)["memory.db"] == before


async def test_a_memory_is_copied_into_any_federation_and_out_of_it(
    place: Path, federation_config: Config, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    back = configure(
        tmp_path / "back.toml", memory={"kind": "sql", "path": str(tmp_path / "back.db")}
    )
    config = tmp_path / "gateway.toml"
    scope = Scope(f"test-{uuid4().hex}")
    async with AsyncExitStack() as stack:
        config.write_text(await federation_config(Places(request, tmp_path, stack), False))
        here = await stack.enter_async_context(opened(place / "memory.toml", read_only=True))
        there = await stack.enter_async_context(opened(config, scope))
        for name, store in there.federation.stores.items():
            await store.migrate(there.federation.needs_of(name))
        answer = await copy(here, there, console=QUIET)
        assert answer.complete
        assert answer.target == HELD
        assert await everything(there) == await everything(here)
        again = await stack.enter_async_context(opened(back))
        assert (await copy(there, again, console=QUIET)).source == HELD
    await same_file(tmp_path / "back.db", place / "memory.db")


# Vectors


async def test_vectors_of_the_same_model_are_taken_over(
    place: Path, database: str, tmp_path: Path
) -> None:
    config = configure(tmp_path / "gateway.toml", memory={"kind": "sql", "url": database})
    await migrated(config)
    async with opened(place / "memory.toml", read_only=True) as here, opened(config) as there:
        made = there.federation.embedder = Counting(there.federation.embedder)
        answer = await copy(here, there, console=QUIET)
        titles: set[Any] = {each.title for each in await records(here, "documents")}
        assert set(made.texts) <= titles
        distinct = {
            each[0]
            for kind in set(Kind) - {Kind.DOCUMENT}
            for each in (await vectors(here, kind)).values()
            if each[1] is not None
        }
        assert answer.vectors >= len(distinct) > 100


async def test_another_embedder_makes_its_own_vectors(
    place: Path, database: str, tmp_path: Path
) -> None:
    config = configure(
        tmp_path / "gateway.toml",
        memory={"kind": "sql", "url": database},
        embedder={"dimension": 128},
    )
    await migrated(config)
    answer = await copied(place / "memory.toml", config)
    assert answer.complete
    assert answer.vectors == 0
    async with opened(config) as memory:
        spaces = await memory.federation.vectors[Kind.CHUNK].spaces(DEFAULT)
        assert {space.dimension for space in spaces.values()} == {128}


# Again, and into what is not empty


@pytest.mark.parametrize("role", ["entities", "facts", "mentions"])
async def test_an_interrupted_copy_goes_on_when_it_is_run_again(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    config = configure(
        tmp_path / "gateway.toml", memory={"kind": "sql", "path": str(tmp_path / "copy.db")}
    )
    monkeypatch.setattr("gateway.copying.BATCH", 50)
    async with opened(place / "memory.toml", read_only=True) as here, opened(config) as there:
        port = getattr(there.federation, role)
        write, batches = port.upsert_many, 0

        async def fail(*arguments: Any) -> Any:
            nonlocal batches
            batches += 1
            outcomes = await write(*arguments)
            if batches > 1:
                raise LookupError
            return outcomes

        monkeypatch.setattr(port, "upsert_many", fail, raising=False)
        with pytest.raises(LookupError):
            await copy(here, there, console=QUIET)
        assert len(await records(there, role)) == 50
    again = await copied(place / "memory.toml", config)
    assert again.complete
    sort = list(HELD)[ROLES.index(role)]
    assert again.tally[sort, Outcome.UNCHANGED] == 50
    assert again.tally[sort, Outcome.LOADED] == HELD[sort] - 50
    await same_file(tmp_path / "copy.db", place / "memory.db")


async def test_more_in_a_target_that_was_not_empty_is_said_and_is_no_failure(
    place: Path, tmp_path: Path
) -> None:
    (tmp_path / "more.jsonl").write_text(
        json.dumps({"kind": "entity", "key": "not in the odd memory", "name": "n"})
    )
    await fill(tmp_path / "memory.db", tmp_path / "more.jsonl")
    ran = await called(
        "copy", "--from", place / "memory.toml", "--to-database", "memory.db", cwd=tmp_path
    )
    assert ran.code == 0, ran.err
    assert "│ entity   │     60 │     61 │ 1 more: the target was not empty │" in ran.out
    assert "│ fact     │    400 │    400 │ same " in ran.out


def test_a_difference_that_nothing_explains_is_a_failure() -> None:
    def compared(source: int, target: int, before: int) -> Copied:
        return Copied(
            tally=Counter(), vectors=0, seconds=1.0,
            before={"fact": before}, source={"fact": source}, target={"fact": target},
        )  # fmt: skip

    assert compared(3, 3, 0).complete
    assert compared(3, 4, 1).complete
    assert not compared(3, 4, 0).complete
    assert not compared(3, 2, 0).complete
    assert not compared(3, 2, 2).complete


async def test_the_tenant_of_each_side_is_its_own(tmp_path: Path) -> None:
    for tenant in (A, B):
        line = {"kind": "entity", "key": "k", "name": tenant.tenant}
        (tmp_path / "line.jsonl").write_text(json.dumps(line))
        await fill(tmp_path / "memory.db", tmp_path / "line.jsonl", tenant=tenant.tenant)
    source = configure(
        tmp_path / "source.toml", memory={"kind": "sql", "path": str(tmp_path / "memory.db")}
    )
    target = configure(
        tmp_path / "target.toml", memory={"kind": "sql", "path": str(tmp_path / "copy.db")}
    )
    async with opened(source, A, read_only=True) as here, opened(target, B) as there:
        await copy(here, there, console=QUIET)
        names = [each.name for each in await records(there, "entities")]
        assert names == ["a"]
        assert await records(Memory(there.federation, A), "entities") == []


# Wrong usage, and stores that are not ready


async def test_sides_that_are_missing_doubled_or_the_same_are_wrong_usage(
    place: Path, tmp_path: Path
) -> None:
    tried = [
        ((), "give one of --from and --from-database"),
        (("--from", place / "memory.toml"), "give one of --to and --to-database"),
        (
            ("--from", place / "memory.toml", "--to-database", place / "memory.db"),
            "the same stores and tenant",
        ),
    ]
    for arguments, says in tried:
        ran = await called("copy", *arguments, cwd=tmp_path)
        assert ran.code == 2
        assert says in ran.err
    assert files_of(tmp_path) == {}


def test_variables_about_a_store_are_for_the_side_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure(tmp_path / "gateway.toml", texts={"kind": "sql", "url": "postgresql://h/m"})
    monkeypatch.setenv("MEMORY_GATEWAY_STORES__TEXTS__PASSWORD", "secret")
    monkeypatch.setenv("MEMORY_GATEWAY_STORES__EMBEDDED__TIMEOUT", "3")
    source = load_settings(database=tmp_path / "memory.db", one_of_two=True)
    target = load_settings(config=config, one_of_two=True)
    assert {name: store.timeout for name, store in source.stores.items()} == {"embedded": 3.0}
    assert (target.stores["texts"].model_extra or {})["password"] == "secret"
    with pytest.raises(ConfigurationError, match=r"stores\.texts\.kind"):
        load_settings(database=tmp_path / "memory.db")


HERE = "postgresql+asyncpg://one:secret@db:5432/memory"
PLACES: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"path": "a.db"}, {"path": "./x/../a.db", "pool_size": 9}, True),
    ({"path": "a.db"}, {"url": "sqlite+aiosqlite:///a.db"}, True),
    ({"path": "a.db"}, {"path": "b.db"}, False),
    ({"url": HERE}, {"url": "postgresql://other@db:5432/memory", "timeout": 1}, True),
    ({"url": HERE}, {"url": "postgresql+asyncpg://one:secret@db:5432/other"}, False),
    ({"url": HERE}, {"url": "postgresql+asyncpg://one:secret@other:5432/memory"}, False),
    ({"url": "postgresql:///m?host=/a"}, {"url": "postgresql:///m?host=/b"}, False),
]


@pytest.mark.parametrize(("one", "other", "same"), PLACES)
def test_stores_are_the_same_by_where_their_data_is(
    tmp_path: Path, one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    sides = [
        load_settings(
            config=configure(tmp_path / name, store={"kind": "sql", **options})
        ).federation
        for name, options in (("one.toml", one), ("other.toml", other))
    ]
    assert same_place(*sides) is same


def test_a_memory_of_which_one_role_moves_is_at_another_place(tmp_path: Path) -> None:
    stores = {name: {"kind": "sql", "path": f"{name}.db"} for name in ("one", "other")}
    whole = dict.fromkeys(("texts", "graph", "keywords", "vectors"), "one")
    sides = [
        load_settings(config=configure(tmp_path / "x.toml", **stores, roles=roles)).federation
        for roles in (whole, whole | {"vectors": {"chunk": "one", "fact": "other"}})
    ]
    assert not same_place(*sides)


async def test_a_target_that_was_not_migrated_is_refused(
    place: Path, database: str, tmp_path: Path
) -> None:
    config = configure(tmp_path / "gateway.toml", memory={"kind": "sql", "url": database})
    with pytest.raises(SchemaTooOld, match=r"store memory: .* run `memory-gateway migrate`"):
        await copied(place / "memory.toml", config)


async def test_a_source_that_is_not_there_is_named_and_not_made(tmp_path: Path) -> None:
    source, target = (
        configure(tmp_path / f"{name}.toml", memory={"kind": "sql", "path": str(tmp_path / name)})
        for name in ("source", "target")
    )
    with pytest.raises(StoreUnavailable, match="source does not exist"):
        await copied(source, target)
    assert set(files_of(tmp_path)) == {"source.toml", "target.toml"}


async def test_everything_is_read_in_batches_of_any_size(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure(
        tmp_path / "gateway.toml", memory={"kind": "sql", "path": str(tmp_path / "copy.db")}
    )
    monkeypatch.setattr("gateway.copying.BATCH", 7)
    monkeypatch.setattr("gateway.copying.COUNTED", 3)
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(opened(place / "memory.toml", read_only=True))
        there = await stack.enter_async_context(opened(config))
        answer = await copy(here, there, console=QUIET)
        assert answer.target == HELD
        (first,) = await there.federation.documents.scan(there.scope, None, 1)
        assert isinstance(first, Document)
