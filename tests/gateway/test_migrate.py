"""Stores made ready, and what doctor says of them: ready or not, up or down."""

import io
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from backends.federation import Federation
from backends.records import Kind
from gateway.doctor import examine
from gateway.migrating import migrate
from gateway.settings import load_settings
from tests.gateway.test_cli import called, files_of
from tests.servers import postgres as postgres_servers

INDEXES = [f"index: search_vector_{kind}_256" for kind in sorted(k.value.lower() for k in Kind)]
NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:1/memory"
"""A port that nobody listens on."""


def written(value: object) -> str:
    """A value as TOML writes it."""
    if isinstance(value, dict):
        pairs = ", ".join(f"{name} = {written(each)}" for name, each in value.items())  # pyright: ignore[reportUnknownVariableType]
        return "{ " + pairs + " }"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def configure(path: Path, **sections: Mapping[str, Any]) -> Path:
    """A gateway.toml of stores, by name, and perhaps `roles`."""
    lines: list[str] = []
    for name, content in sections.items():
        lines.append(f"[{name}]" if name in ("roles", "embedder") else f"[stores.{name}]")
        lines += [f"{key} = {written(value)}" for key, value in content.items()]
    path.write_text("\n".join(lines))
    return path


@pytest.fixture
async def database(postgres: str) -> AsyncIterator[str]:
    """The URL of an empty database."""
    async with postgres_servers.database(postgres) as url:
        yield url


async def examined(config: Path, **settings: Any) -> tuple[bool, str]:
    """What `doctor` finds: whether all is well, and what it prints."""
    said = io.StringIO()
    well = await examine(
        load_settings(config=config, read_only=True, **settings), Console(file=said, width=200)
    )
    return well, said.getvalue()


async def migrated(config: Path, *, dry_run: bool = False) -> list[str]:
    """The lines that `migrate` prints; nothing may fail."""
    said = io.StringIO()
    console = Console(file=said, width=200)
    settings = load_settings(config=config)
    assert await migrate(settings, dry_run=dry_run, console=console, errors=console)
    return said.getvalue().splitlines()


# Migration


async def test_migrate_says_what_it_will_do_does_it_and_then_has_nothing_to_do(
    tmp_path: Path, database: str
) -> None:
    config = configure(tmp_path / "gateway.toml", memory={"kind": "sql", "url": database})
    asked = await migrated(config, dry_run=True)
    assert await migrated(config, dry_run=True) == asked
    head, *changes = asked
    assert head == f"memory: {len(changes)} changes to make"
    assert {f"  {change}" for change in (*INDEXES, "extension: vector")} < set(changes)
    assert await migrated(config) == [f"memory: {len(changes)} changes made", *changes]
    assert await migrated(config, dry_run=True) == ["memory: nothing to do"]
    assert await migrated(config) == ["memory: nothing to do"]


async def test_a_dry_run_on_a_file_that_is_not_there_makes_none(tmp_path: Path) -> None:
    asked = await called("migrate", "--dry-run", cwd=tmp_path)
    assert asked.code == 0
    assert "embedded: 1 change to make\n  memory.db: schema none to " in asked.out
    assert files_of(tmp_path) == {}
    made = await called("migrate", cwd=tmp_path)
    assert (made.code, made.err) == (0, "")
    assert "embedded: 1 change made\n" in made.out
    assert "memory.db" in files_of(tmp_path)


async def test_a_store_that_fails_is_told_and_the_others_are_made(tmp_path: Path) -> None:
    configure(
        tmp_path / "gateway.toml",
        lost={"kind": "sql", "url": NOWHERE},
        graph={"kind": "sql", "path": "graph.db"},
        cache={"kind": "memory"},
        roles={"texts": "lost", "graph": "graph", "keywords": "lost", "vectors": "graph"},
    )
    ran = await called("migrate", cwd=tmp_path)
    assert ran.code == 1
    assert ran.err.startswith("lost: store lost: ")
    assert "127.0.0.1" in ran.err
    assert ran.out.startswith("graph: 1 change made\n")
    assert ran.out.endswith("cache: nothing to do\n")
    assert "graph.db" in files_of(tmp_path)


async def test_a_store_is_made_for_the_roles_that_it_has(tmp_path: Path, database: str) -> None:
    config = configure(
        tmp_path / "gateway.toml",
        texts={"kind": "sql", "url": database},
        graph={"kind": "sql", "path": "graph.db"},
        roles={
            "texts": "texts",
            "graph": "graph",
            "keywords": "graph",
            "vectors": {"chunk": "texts", "fact": "graph"},
        },
    )
    said = await migrated(config, dry_run=True)
    assert "  index: search_vector_chunk_256" in said
    assert not any("search_vector_fact" in line or "words" in line for line in said)


# Doctor


async def test_doctor_names_migrate_until_a_server_is_ready(tmp_path: Path, database: str) -> None:
    config = configure(
        tmp_path / "gateway.toml",
        memory={"kind": "sql", "url": database, "pool_size": 7, "pool_timeout": 1.5},
    )
    well, said = await examined(config)
    assert not well
    assert "store memory: `memory-gateway migrate` has to make schema: none to" in said
    assert said.count("index: ") == 0
    assert "; and 6 more\n" in said
    await migrated(config)
    well, said = await examined(config)
    assert well, said
    assert "all is well" in said
    assert (
        "memory: a pool of 7 connections and never more, 1.5 s to wait for one, "
        "each replaced after 3600 s, tried before use\n"
    ) in said
    assert "memory, tenant default: 0 document, 0 chunk, 0 entity" in said


async def test_doctor_finds_what_another_embedder_would_need(tmp_path: Path, database: str) -> None:
    store = {"kind": "sql", "url": database}
    await migrated(configure(tmp_path / "gateway.toml", memory=store))
    config = configure(tmp_path / "other.toml", memory=store, embedder={"dimension": 128})
    well, said = await examined(config)
    assert not well
    assert "memory: `memory-gateway migrate` has to make index: search_vector_chunk_128;" in said
    assert "0 document" in said


async def test_doctor_goes_on_where_a_store_is_down(tmp_path: Path) -> None:
    config = configure(
        tmp_path / "gateway.toml",
        lost={"kind": "sql", "url": NOWHERE},
        file={"kind": "sql", "path": str(tmp_path / "nowhere" / "memory.db")},
        graph={"kind": "sql", "path": str(tmp_path / "graph.db")},
        roles={"texts": "lost", "graph": "graph", "keywords": "file", "vectors": "graph"},
    )
    async with Federation(load_settings(database=tmp_path / "graph.db").federation):
        pass  # which makes the file
    well, said = await examined(config)
    assert not well
    problems = [line for line in said.splitlines() if line.startswith("problem: ")]
    assert [problem.split(":")[1] for problem in problems] == [" store file", " store lost"]
    assert "nowhere/memory.db does not exist" in problems[0]
    assert "127.0.0.1" in problems[1]
    assert "graph, tenant default: 0 document" in said
    assert "lost: a pool of 5 connections" in said


async def test_doctor_says_who_searches_what_and_who_keeps_records(tmp_path: Path) -> None:
    config = configure(
        tmp_path / "gateway.toml",
        memory={"kind": "sql", "path": str(tmp_path / "memory.db")},
        keeper={"kind": "memory"},
        roles={
            "texts": "memory",
            "graph": "memory",
            "keywords": {"chunk": "memory", "fact": "keeper"},
            "vectors": {"chunk": "memory", "document": "memory", "episode": "memory"},
            "cache": "keeper",
        },
    )
    async with Federation(load_settings(config=config).federation):
        pass
    well, said = await examined(config)
    rows = [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in said[said.index("Search") :].splitlines()
        if line.startswith("│")
    ]
    assert rows == [
        ["CHUNK", "memory", "memory"],
        ["DOCUMENT", "-", "memory"],
        ["ENTITY", "-", "-"],
        ["EPISODE", "-", "memory"],
        ["FACT", "keeper", "-"],
    ]
    assert "record cache: store keeper; seconds that it keeps a record: " in said
    assert not well
    assert [line for line in said.splitlines() if line.startswith("problem: ")] == [
        "problem: store keeper does not play keywords, assigned for FACT",
        "problem: ENTITY is not searchable: no store indexes it",
    ]
