"""The command line, run as its users run it: exit codes, messages, and memories that lose nothing."""

import asyncio
import gzip
import io
import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, chdir, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from backends.errors import ConfigurationError, StoreError
from backends.federation import Federation
from backends.records import Kind
from backends.sql import tables
from gateway import cli
from gateway.doctor import examine
from gateway.settings import load_settings
from tests.servers.gateway import PROGRAM
from tests.support import DATA, ROOT, fill, running

PATIENCE = 60.0
"""Seconds after which a command is taken to hang."""
ODD = DATA / "odd"
SCHEMA = ROOT / "schema.graphql"


class Ran(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


def environment(**more: str) -> dict[str, str]:
    """This process's environment without settings of the program, wide and plain."""
    kept = {name: value for name, value in os.environ.items() if "MEMORY_GATEWAY" not in name}
    return kept | {"COLUMNS": "200", "NO_COLOR": "1"} | more


async def start(
    *arguments: str | Path, cwd: Path, limit: int | None = None, **more: str
) -> asyncio.subprocess.Process:
    """The program, running; `limit` is the largest file in bytes that it may write."""

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit or 0, limit or 0))

    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        str(PROGRAM), *map(str, arguments), cwd=cwd, env=environment(**more), stdin=pipe,
        stdout=pipe, stderr=pipe, preexec_fn=bounded if limit else None,
        start_new_session=True,
    )  # fmt: skip


async def ended(process: asyncio.subprocess.Process, stdin: bytes = b"") -> Ran:
    """How a process ended; never with a stack trace."""
    try:
        out, err = await asyncio.wait_for(process.communicate(stdin), PATIENCE)
    except TimeoutError:
        kill(process)
        raise
    assert b"Traceback" not in out + err, (out + err).decode()[-2_000:]
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


def kill(process: asyncio.subprocess.Process) -> None:
    """End a process and those that it started, which hold its pipes."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


async def run(
    *arguments: str | Path, cwd: Path, stdin: bytes = b"", limit: int | None = None, **more: str
) -> Ran:
    """Run the program to its end."""
    return await ended(await start(*arguments, cwd=cwd, limit=limit, **more), stdin)


async def called(*arguments: str | Path, cwd: Path, **more: str) -> Ran:
    """Run the program's command in this process: for what a process of its own would add nothing to."""
    names: dict[str, str | None] = {name: None for name in os.environ if "MEMORY_GATEWAY" in name}
    env = names | {"COLUMNS": "200", "NO_COLOR": "1"} | more
    with chdir(cwd):
        result = await asyncio.to_thread(
            CliRunner().invoke, cli.app, list(map(str, arguments)), env=env
        )
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return Ran(result.exit_code, result.stdout, result.stderr)


def outcomes(ran: Ran) -> dict[str, tuple[int, ...]]:
    """Records loaded, updated and unchanged, by sort, as the table says."""
    rows = re.findall(r"│ (\w+) +│ +([\d,]+) │ +([\d,]+) │ +([\d,]+) │", ran.out)
    return {sort: tuple(int(each.replace(",", "")) for each in counts) for sort, *counts in rows}


def entity(key: str, name: str = "n") -> str:
    return json.dumps({"kind": "entity", "key": key, "name": name})


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder with its content."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def content(database: Path) -> dict[str, list[str]]:
    """The rows of every table, sorted, without what only numbers them.

    A vector's last bits, and so a document's digest of its chunks' vectors, depend on what was embedded
    together: vectors are compared by `same_vectors`.
    """
    found: dict[str, list[str]] = {}
    with closing(sqlite3.connect(database)) as connection:
        for table in tables.metadata.sorted_tables:
            apart = ("id", "entry_id", "revision", "vector")
            names = ", ".join(c.name for c in table.columns if c.name not in apart)
            rows = connection.execute(f"SELECT {names} FROM {table.name}")
            found[table.name] = sorted(map(repr, rows))
        rows = connection.execute(
            "SELECT kind, key, CASE kind WHEN 'DOCUMENT' THEN '' ELSE search_vector.digest END "
            "FROM search_vector JOIN search_entry ON id = entry_id"
        )
        found["search_vector"] = sorted(map(repr, rows))
        for kind in Kind:
            name = f"fts_{kind.value.lower()}"
            rows = connection.execute(
                f"SELECT key FROM {name} JOIN search_entry ON id = {name}.rowid "
                f"WHERE {name} MATCH 'a OR text OR is OR name OR title'"
            )
            found[name] = sorted(map(repr, rows))
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    return found


def same_vectors(one: Path, other: Path) -> bool:
    """Whether two files hold the same vectors of the same things, up to rounding."""
    found: list[dict[tuple[str, str], bytes]] = []
    for database in (one, other):
        with closing(sqlite3.connect(database)) as connection:
            rows = connection.execute(
                "SELECT kind, key, vector FROM search_vector JOIN search_entry ON id = entry_id"
            )
            found.append({(kind, key): vector for kind, key, vector in rows})
    ours, theirs = found
    if not ours or ours.keys() != theirs.keys():
        return False
    stacked = (np.frombuffer(b"".join(each[k] for k in ours), np.float32) for each in found)
    return bool(np.allclose(*stacked, atol=1e-5))


@pytest.fixture(scope="module")
async def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good file, memory.db; to copy, not to change."""
    folder = tmp_path_factory.mktemp("good")
    await fill(folder / "memory.db", ODD / "entities.jsonl", ODD / "facts.jsonl")
    return folder


# Usage


async def test_wrong_usage_is_exit_2_and_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "x.toml").touch()
    (tmp_path / "unknown.toml").write_text("prot = 1\n")
    tried = [
        (("nonsense",), "nonsense"),
        (("serve", "--config", "x.toml", "--database", "x.db"), "both given"),
        (("serve", "--config", "unknown.toml"), "prot"),
        (("load", "nowhere.jsonl"), "nowhere.jsonl does not exist"),
    ]
    for arguments, says in tried:
        ran = await called(*arguments, cwd=tmp_path)
        assert ran.code == 2, (arguments, ran)
        assert says in ran.err, (arguments, ran)
    assert set(files_of(tmp_path)) == {"x.toml", "unknown.toml"}


# Configuration


def toml(path: Path, database: str, more: str = "") -> None:
    path.write_text(f'{more}\n[stores.x]\nkind = "sql"\nurl = "sqlite+aiosqlite:///{database}"\n')


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """A folder with a configuration in every place that may have one."""
    for name in ("gateway", "named", "flag"):
        toml(tmp_path / f"{name}.toml", f"{name}.db")
    (tmp_path / "bare").mkdir()
    return tmp_path


PLACES: list[tuple[dict[str, str], str | None, str, str]] = [
    ({"config": "flag.toml"}, "named.toml", ".", "flag.db"),
    ({"database": "given.db"}, "named.toml", ".", "given.db"),
    ({}, "named.toml", ".", "named.db"),
    ({}, None, ".", "gateway.db"),
    ({"database": "given.db"}, None, ".", "given.db"),
    ({}, None, "bare", "memory.db"),
]
"""Flags, MEMORY_GATEWAY_CONFIG, where the command is run, and the file that it comes to."""


@pytest.mark.parametrize(("flags", "named", "where", "database"), PLACES)
def test_settings_come_from_the_first_place_that_has_some(
    places: Path,
    monkeypatch: pytest.MonkeyPatch,
    flags: dict[str, str],
    named: str | None,
    where: str,
    database: str,
) -> None:
    monkeypatch.chdir(places / where)
    monkeypatch.delenv("MEMORY_GATEWAY_CONFIG", raising=False)
    if named:
        monkeypatch.setenv("MEMORY_GATEWAY_CONFIG", named)
    settings = load_settings(**{name: Path(value) for name, value in flags.items()})  # type: ignore[arg-type]
    (store,) = settings.federation.stores.values()
    where = store.options.get("path") or store.options["url"]
    assert Path(str(where)).name == database


async def test_the_commands_find_their_settings_in_the_same_places(places: Path) -> None:
    """`doctor` names the file that it misses, and so the place that its settings came from."""
    named = {"MEMORY_GATEWAY_CONFIG": "named.toml"}
    flag = await called("doctor", "--config", "flag.toml", cwd=places, **named)
    broken = await run("doctor", cwd=places, MEMORY_GATEWAY_STORES="nonsense", **named)
    assert flag.code == 1
    assert "flag.db does not exist" in flag.out
    assert broken.code == 2
    assert "stores" in broken.err


def test_flags_win_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MEMORY_GATEWAY_PORT", raising=False)
    config = tmp_path / "gateway.toml"
    toml(config, "x.db", "port = 1001")
    assert load_settings(config=config).port == 1001
    monkeypatch.setenv("MEMORY_GATEWAY_PORT", "1002")
    monkeypatch.setenv("MEMORY_GATEWAY_CONFIG", str(tmp_path / "nowhere.toml"))
    monkeypatch.setenv("MEMORY_GATEWAY_LIMITS__LARGEST_PAGE", "7")
    settings = load_settings(config=config)
    assert (settings.port, settings.limits.largest_page) == (1002, 7)
    assert load_settings(config=config, port=1003).port == 1003
    assert load_settings(config=config, port=None).port == 1002
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "abc", "port"),
        ("PORT", "70000", "port"),
        ("PORT", "", "port"),
        ("TENANT", "", "tenant"),
        ("LIMITS__TOKENS", "many", "limits.tokens"),
        ("LIMITS__NOTHING", "1", "nothing"),
        ("LIMITS", "nonsense", "limits"),
        ("STORES", "nonsense", "stores"),
        ("STORES", "[]", "stores"),
        ("EMBEDDER", '{"kind": "nonsense"}', "embedder.kind"),
    ],
)
def test_a_bad_variable_is_a_configuration_error_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(f"MEMORY_GATEWAY_{name}", value)
    with pytest.raises(ConfigurationError, match=f"(?i){says}"):
        load_settings(database=tmp_path / "memory.db")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"port = ", "gateway.toml: "),
        (b"nonsense = ]", "gateway.toml: .*line 1"),
        (b"port = 'x'", "port"),
        (b"prot = 1", "prot"),
        (b"stores = 3", "stores"),
        (b"[stores.a]\nurl = 'x'", "stores.a.kind"),
        (b"[stores.a]\nkind = 'sql'\nurl = 'x'\ntimeout = 0", "timeout"),
        (b"[stores.a]\nkind = 'mongo'", "unknown kind 'mongo'; installed are memory, neo4j"),
        (b"[stores.a]\nkind = 'sql'", "stores.a.*url"),
        (b"[stores.a]\nkind = 'sql'\nurl = 'nonsense'", "stores.a"),
        (b"[stores.a]\nkind = 'sql'\nurl = 'mysql://localhost/x'", "stores.a.*postgresql"),
        (b"[stores.a]\nkind = 'sql'\nurl = 'postgresql://localhost'", "stores.a.*no database"),
        (b"[stores.a]\nkind = 'sql'\nurl = 'x'\npoolsize = 3", "poolsize.*pool_size"),
        (b"[roles]\ntexts = 'a'", "roles.graph"),
        (b"[roles]\ntexts = 'a'\ngraph = 'b'\nkeywords = 'c'\nvectors = 'd'", "no store 'a'"),
        (b"[search]\ndepth = 0", "search.depth"),
        (b"[limits]\nlargest_page = 0", "limits.largest_page"),
        (b"[nothing]\na = 1", "nothing"),
        ("host = 'é'".encode("latin-1"), "gateway.toml"),
        ("host = 'x'".encode("utf-16"), "gateway.toml"),
        (b"\x00", "gateway.toml"),
    ],
)
async def test_a_bad_file_is_a_configuration_error_that_names_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes, says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("gateway.toml").write_bytes(text)
    with pytest.raises(ConfigurationError, match=f"(?is){says}"):
        async with Federation(load_settings(config=Path("gateway.toml")).federation):
            pass


@pytest.mark.parametrize("tenant", ["", "x" * 201])
def test_a_tenant_has_1_to_200_characters_by_flag_too(tmp_path: Path, tenant: str) -> None:
    with pytest.raises(ConfigurationError, match="tenant"):
        load_settings(database=tmp_path / "memory.db", tenant=tenant)


# The schema


async def test_the_schema_is_printed_and_checked(tmp_path: Path) -> None:
    (tmp_path / "other.graphql").write_text(SCHEMA.read_text(encoding="utf-8") + "\n")
    (tmp_path / "a[").mkdir()
    shutil.copy(SCHEMA, tmp_path / "a[" / "b].graphql")
    printed = await run("schema", "print", cwd=tmp_path)
    same = await called("schema", "check", "a[/b].graphql", cwd=tmp_path)
    different = await called("schema", "check", "other.graphql", cwd=tmp_path)
    assert printed == (0, SCHEMA.read_text(encoding="utf-8"), "")
    assert same.code == 0
    assert "a[/b].graphql is the schema" in same.out
    assert different.code == 1
    assert "other.graphql is not the schema" in different.err


async def test_a_change_that_breaks_clients_is_exit_1_and_named(tmp_path: Path) -> None:
    text = SCHEMA.read_text(encoding="utf-8")
    (tmp_path / "more.graphql").write_text(
        text.replace("type Query {", "type Query {\n  gone: Int")
    )
    (tmp_path / "broken.graphql").write_text("type Query {")
    removed = await called("schema", "diff", "more.graphql", cwd=tmp_path)
    added = await called("schema", "diff", SCHEMA, "more.graphql", cwd=tmp_path)
    broken = await called("schema", "diff", "broken.graphql", cwd=tmp_path)
    assert removed.code == 1
    assert "breaking: " in removed.out
    assert "gone" in removed.out
    assert added.code == 0
    assert "new: " in added.out
    assert "gone" in added.out
    assert broken.code == 2
    assert "broken.graphql is not a schema" in broken.err


# Files that are no memory of ours


def newer(path: Path) -> None:
    """Give a file the schema of a program to come."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


def foreign(path: Path) -> None:
    """Make a file of another program."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE notes (text)")
        connection.execute("INSERT INTO notes VALUES ('precious')")


async def examined(database: Path, **settings: Any) -> tuple[bool, str]:
    """What `doctor` finds: whether all is well, and what it prints."""
    written = io.StringIO()
    asked = load_settings(database=database, read_only=True, **settings)
    found = await examine(asked, Console(file=written, width=200))
    return found, written.getvalue()


STRANGE = {
    "newer": "has schema 9999, which this program does not know",
    "foreign": "another program's database",
    "text": "file is not a database",
}


@pytest.fixture
def strange(tmp_path: Path, good: Path) -> Path:
    """A folder of files that are no memory of this program."""
    shutil.copy(good / "memory.db", tmp_path / "newer.db")
    newer(tmp_path / "newer.db")
    foreign(tmp_path / "foreign.db")
    (tmp_path / "text.db").write_text("this is no database\n" * 100)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "says"),
    [
        *STRANGE.items(),
        ("empty", "empty.db"),
        ("folder", "folder.db"),
        ("missing", "does not exist"),
    ],
)
async def test_doctor_says_what_is_wrong_and_only_reads(
    strange: Path, name: str, says: str
) -> None:
    (strange / "empty.db").touch()
    (strange / "folder.db").mkdir()
    before = files_of(strange)
    well, said = await examined(strange / f"{name}.db")
    assert not well
    assert f"{name}.db" in said
    assert says in said
    assert "all is well" not in said
    after = files_of(strange)
    assert {name: after[name] for name in before} == before
    assert all(new.endswith(("-shm", "-wal")) for new in after.keys() - before.keys())


async def test_doctor_finds_a_good_file_well_and_changes_no_byte_of_it(
    tmp_path: Path, good: Path
) -> None:
    shutil.copy(good / "memory.db", tmp_path)
    well = await called("doctor", cwd=tmp_path)
    assert (tmp_path / "memory.db").read_bytes() == (good / "memory.db").read_bytes()
    assert well.code == 0
    assert "60 entity, 400 fact" in well.out
    assert "all is well" in well.out


async def test_doctor_takes_a_tenant_as_plain_text(good: Path) -> None:
    well, said = await examined(good / "memory.db", tenant="[/x]")
    assert well
    assert "tenant [/x]: 0 document" in said


async def test_a_newer_file_is_refused_by_every_command_and_left_alone(strange: Path) -> None:
    before = (strange / "newer.db").read_bytes()
    for ran in (
        await called("load", "--database", "newer.db", ODD / "entities.jsonl", cwd=strange),
        await run("serve", "--database", "newer.db", "--port", "0", cwd=strange),
        await called("doctor", "--database", "newer.db", cwd=strange),
    ):
        assert ran.code == 1
        assert STRANGE["newer"] in ran.out + ran.err
        assert "use a newer memory-gateway" in ran.out + ran.err
    assert (strange / "newer.db").read_bytes() == before


@pytest.mark.parametrize(("name", "says"), STRANGE.items())
async def test_a_file_that_is_no_memory_of_ours_is_not_opened_and_left_alone(
    strange: Path, name: str, says: str
) -> None:
    before = (strange / f"{name}.db").read_bytes()
    with pytest.raises(StoreError, match=f"{name}.db.* {re.escape(says)}"):
        async with Federation(load_settings(database=strange / f"{name}.db").federation):
            pass
    assert (strange / f"{name}.db").read_bytes() == before


async def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for place in (
        tmp_path / "nowhere" / "memory.db",
        tmp_path / "folder",
        Path("/dev/null/memory.db"),
        Path("/proc/memory.db"),
    ):
        with pytest.raises(StoreError, match=f"store embedded: .*{place.parent}"):
            await fill(place, ODD / "entities.jsonl")


@pytest.mark.parametrize("name", ["memory?b.db", "memory#b.db", "memory%20b.db", "m é&mode=ro.db"])
async def test_a_database_is_the_file_of_exactly_that_name(tmp_path: Path, name: str) -> None:
    """`?`, `#` and `%` mean something in URLs; in the name of a file they are characters."""
    (tmp_path / "memory").write_text("not to be touched")
    database = tmp_path / name
    await fill(database, ODD / "entities.jsonl")
    assert name in files_of(tmp_path)
    assert files_of(tmp_path)["memory"] == b"not to be touched"
    async with running(database) as gateway:
        data = await gateway.data("{ entities { totalCount } }")
    assert data == {"entities": {"totalCount": 60}}
    well, said = await examined(database)
    assert well, said


# Loading


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder of good and bad files of every kind."""
    folder = tmp_path / "mixed"
    (folder / "notes").mkdir(parents=True)
    unknown_end = {
        "kind": "fact",
        "key": "f",
        "subject": "good:1",
        "predicate": "P",
        "object": "never",
    }
    needed = [
        {"kind": "document"},
        {"kind": "chunk", "key": "c"},
        {"kind": "chunk", "key": "c", "text": None},
        {"kind": "entity", "key": "e", "name": None},
        {"kind": "fact", "key": "f", "subject": "s", "predicate": "p"},
        {"kind": "mention", "entity": "e"},
    ]
    files: dict[str, bytes] = {
        "entities.jsonl": b"\n".join(
            [entity("good:1").encode(), b"nonsense", b"", entity("good:2").encode(),
             b'{"kind": "entity", "key": "k", "na']
        ),
        "facts.ndjson": json.dumps(unknown_end).encode(),
        "lacking.jsonl": "\n".join(map(json.dumps, needed)).encode(),
        "latin.jsonl": (entity("good:3") + '\n{"kind": "entity", "key": "é"}\n').encode("latin-1"),
        "utf16.jsonl": entity("bad").encode("utf-16"),
        "marked.jsonl": b"\xef\xbb\xbf" + entity("good:4").encode(),
        "packed.jsonl.gz": gzip.compress(entity("good:5").encode()),
        "cut.jsonl.gz": gzip.compress((entity("good:6") + "\n").encode() * 3)[:-9],
        "plain.jsonl.gz": entity("bad").encode(),
        "notes/a.md": b"# Title\n\nfirst\n\n## Second\n\nsecond\n",
        "notes/b.txt": b"plain text\n",
        "notes/latin.md": "# é\n".encode("latin-1"),
        "picture.png": b"\x89PNG",
    }  # fmt: skip
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


async def test_bad_lines_are_reported_by_file_line_and_reason_and_the_good_ones_loaded(
    tmp_path: Path, mixed: Path
) -> None:
    ran = await called("load", mixed.name, cwd=tmp_path)
    assert ran.code == 1
    said = [line.strip() for line in ran.out.splitlines() if line.startswith("  mixed/")]
    expected = [
        ("mixed/entities.jsonl:2: ", "JSON is malformed"),
        ("mixed/entities.jsonl:5: ", "truncated"),
        ("mixed/cut.jsonl.gz:", "damaged or cut short"),
        ("mixed/lacking.jsonl:1: ", "`key`"),
        ("mixed/lacking.jsonl:2: ", "`text`"),
        ("mixed/lacking.jsonl:3: ", "$.text"),
        ("mixed/lacking.jsonl:4: ", "$.name"),
        ("mixed/lacking.jsonl:5: ", "`object`"),
        ("mixed/lacking.jsonl:6: ", "a mention names a chunk or an episode"),
        ("mixed/latin.jsonl:2: ", "not UTF-8"),
        ("mixed/plain.jsonl.gz:1: ", "Not a gzipped file"),
        ("mixed/utf16.jsonl: ", "UTF-16"),
        ("mixed/notes/latin.md: ", "not UTF-8"),
    ]
    assert len(said) == len(expected), ran.out
    for line, (place, reason) in zip(said, expected, strict=True):
        assert line.startswith(place)
        assert reason in line
    assert f"rejected: {len(expected)}" in ran.out
    counted = outcomes(ran)
    assert counted["document"] == (2, 0, 0)
    assert counted["chunk"] == (3, 0, 0)
    assert counted["fact"] == (1, 0, 0)
    async with running(tmp_path / "memory.db") as gateway:
        data = await gateway.data(
            '{ entities { nodes { key } } fact(key: "f") { object { name attributes } } '
            "documents { nodes { key title } } }"
        )
    found = {node["key"] for node in data["entities"]["nodes"]}
    assert {f"good:{n}" for n in range(1, 6)} <= found <= {f"good:{n}" for n in range(1, 7)}
    assert data["fact"] == {"object": {"name": "never", "attributes": {"missing": True}}}
    assert data["documents"]["nodes"] == [
        {"key": "notes/a.md", "title": "Title"},
        {"key": "notes/b.txt", "title": None},
    ]


async def test_a_memory_that_is_loaded_again_is_unchanged(tmp_path: Path) -> None:
    await fill(tmp_path / "memory.db", ODD)
    before = content(tmp_path / "memory.db")
    again = await called("load", ODD, cwd=tmp_path)
    assert (again.code, again.err) == (0, "")
    counted = {
        "document": 40, "chunk": 98, "entity": 60, "fact": 400, "episode": 120, "mention": 419,
    }  # fmt: skip
    assert outcomes(again) == {sort: (0, 0, count) for sort, count in counted.items()}
    assert content(tmp_path / "memory.db") == before


async def test_standard_input_is_loaded_and_the_last_line_of_a_key_wins(tmp_path: Path) -> None:
    lines = [entity("a", "one"), entity("b"), "nonsense", entity("a", "two")]
    ran = await run("load", "-", cwd=tmp_path, stdin="\n".join(lines).encode())
    assert ran.code == 1
    assert "  -:3: JSON is malformed" in ran.out
    async with running(tmp_path / "memory.db") as gateway:
        data = await gateway.data("{ entities { nodes { key name } } }")
    assert data["entities"]["nodes"] == [{"key": "b", "name": "n"}, {"key": "a", "name": "two"}]


# Loads that are stopped, doubled or starved


TEXTS = 1_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of several batches: a thousand of every kind of record."""
    folder = tmp_path_factory.mktemp("large") / "large"
    folder.mkdir()
    many = range(TEXTS)
    written: dict[str, list[dict[str, Any]]] = {
        "document": [{"key": f"d{n}", "title": f"Title {n}", "source": "s"} for n in many],
        "entity": [{"key": f"e{n}", "name": f"Name {n}", "type": "T"} for n in many],
        "chunk": [{"key": f"c{n}", "document": f"d{n // 3}", "position": n % 3, "text": f"a text {n}"}
                  for n in many],
        "episode": [{"key": f"p{n}", "content": f"it is {n}", "document": f"d{n}"} for n in many],
        "fact": [{"key": f"f{n}", "subject": f"e{n}", "predicate": "P", "object": f"e{n // 2}",
                  "episodes": [f"p{n}"]} for n in many],
        "mention": [{"chunk": f"c{n}", "entity": f"e{n}"} for n in many],
    }  # fmt: skip
    for place, (sort, records) in enumerate(written.items()):
        lines = [json.dumps({"kind": sort} | record) for record in records]
        (folder / f"{place}.jsonl").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
async def undisturbed(tmp_path_factory: pytest.TempPathFactory, large: Path) -> Path:
    """A file into which the large folder was loaded without interruption."""
    database = tmp_path_factory.mktemp("undisturbed") / "memory.db"
    await fill(database, large)
    found = content(database)
    assert {len(found[name]) for name in ("document", "fact", "mention")} == {TEXTS}
    return database


def appeared(database: Path) -> bool:
    return database.exists()


def holds(table: str) -> Callable[[Path], bool]:
    """Whether a file has any row of a table, as far as is committed."""

    def look(database: Path) -> bool:
        try:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
                return connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None
        except sqlite3.OperationalError:  # not there yet
            return False

    return look


async def stopped(
    folder: Path, files: Path, when: Callable[[Path], bool], how: signal.Signals
) -> Ran:
    """A load that a signal stops at an instant."""
    os.mkdir(folder)
    # A shell hands down to its background jobs that interrupts are ignored.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    process = await start("load", files, cwd=folder)
    async with asyncio.timeout(PATIENCE):
        while not when(folder / "memory.db"):
            assert process.returncode is None
            await asyncio.sleep(0.002)
    process.send_signal(how)
    return await ended(process)


async def examined_only_reads(folder: Path) -> None:
    """`doctor` finds what was committed, and leaves it to the next load to put away what is beside it."""
    wanted = ("memory.db", "memory.db-wal")
    before = {name: data for name, data in files_of(folder).items() if name in wanted}
    assert before["memory.db-wal"]
    well, said = await examined(folder / "memory.db")
    assert well, said
    assert "1,000 document" in said
    assert {name: data for name, data in files_of(folder).items() if name in wanted} == before


async def test_a_load_that_is_stopped_goes_on_when_it_is_run_again(
    tmp_path: Path, large: Path, undisturbed: Path
) -> None:
    killed, interrupted, late = await asyncio.gather(
        stopped(tmp_path / "1", large, appeared, signal.SIGKILL),
        stopped(tmp_path / "2", large, holds("chunk"), signal.SIGINT),
        stopped(tmp_path / "3", large, holds("episode"), signal.SIGKILL),
    )
    assert (killed.code, interrupted.code, late.code) == (-signal.SIGKILL, 1, -signal.SIGKILL)
    assert "run the same command to go on" in interrupted.err
    await examined_only_reads(tmp_path / "3")
    whole = content(undisturbed)
    for name in ("2", "3"):
        assert len(content(tmp_path / name / "memory.db")["mention"]) < TEXTS
    for name in ("1", "2", "3"):
        database = tmp_path / name / "memory.db"
        await fill(database, large)
        assert content(database) == whole
        assert same_vectors(database, undisturbed)


async def test_two_loads_of_the_same_files_at_the_same_time_make_one_memory(
    tmp_path: Path, large: Path, undisturbed: Path
) -> None:
    both = await asyncio.gather(run("load", large, cwd=tmp_path), run("load", large, cwd=tmp_path))
    assert [ran.code for ran in both] == [0, 0], both
    assert content(tmp_path / "memory.db") == content(undisturbed)
    assert same_vectors(tmp_path / "memory.db", undisturbed)
    counts = [outcomes(ran) for ran in both]
    for sort in ("document", "chunk", "entity", "fact", "episode", "mention"):
        one, other = (each[sort] for each in counts)
        assert one[0] + other[0] == TEXTS
        assert one[1] == other[1] == 0


async def test_a_full_disk_ends_a_load_with_a_line_and_loses_nothing(
    tmp_path: Path, large: Path, undisturbed: Path
) -> None:
    """The kernel refuses to let any file grow beyond a size, as a full disk does."""
    ran = await run("load", large, cwd=tmp_path, limit=1_500_000)
    assert ran.code == 1
    assert re.search(r"store embedded: .*(disk|full|too large|I/O)", ran.err), ran.err
    await fill(tmp_path / "memory.db", large)
    assert content(tmp_path / "memory.db") == content(undisturbed)


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """No file of this process grows beyond a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [10_000, 50_000, 100_000, 200_000])
async def test_a_disk_that_is_full_when_the_file_is_made_leaves_one_that_can_be_loaded_into(
    tmp_path: Path, size: int
) -> None:
    """As does a process that is killed then: half a schema is no other program's database."""
    database = tmp_path / "memory.db"
    with full_disk(size), pytest.raises(StoreError, match=r"disk|full|too large|I/O"):
        await fill(database, ODD / "entities.jsonl")
    await fill(database, ODD / "entities.jsonl")
    assert len(content(database)["entity"]) == 60


# Serving


@asynccontextmanager
async def serving(
    *arguments: str | Path, cwd: Path, **more: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A server that answers, and its address."""
    process = await start("serve", *arguments, cwd=cwd, **more)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE):
            line = (await process.stdout.readline()).decode()
            found = re.search(r"http://\S+(?=/graphql)", line)
            assert found is not None, line
            async with httpx.AsyncClient(base_url=found[0], timeout=PATIENCE) as client:
                while True:
                    try:  # several processes listen before there is one to answer
                        assert (await client.get("/readyz")).status_code == 200
                        break
                    except httpx.ConnectError:
                        assert process.returncode is None
                        await asyncio.sleep(0.02)
        yield process, found[0]
    finally:
        kill(process)
        await process.communicate()


async def served(folder: Path, how: signal.Signals, *arguments: str) -> Ran:
    """A server of memory.db that answers a question, and how it ends on a signal."""
    async with serving(*arguments, cwd=folder, MEMORY_GATEWAY_PORT="0") as (process, address):
        async with httpx.AsyncClient(base_url=address, timeout=PATIENCE) as client:
            asked = {"query": '{ entity(key: "e:24") { key } }'}
            answer = (await client.post("/graphql", json=asked)).json()
            assert answer == {"data": {"entity": {"key": "e:24"}}}
        process.send_signal(how)
        return await ended(process)


async def test_serve_answers_and_stops_cleanly_on_a_signal(tmp_path: Path, good: Path) -> None:
    shutil.copy(good / "memory.db", tmp_path)
    terminated, interrupted = await asyncio.gather(
        served(tmp_path, signal.SIGTERM), served(tmp_path, signal.SIGINT)
    )
    assert (terminated.code, terminated.err) == (0, "")
    assert (interrupted.code, interrupted.err) == (0, "")
    assert content(tmp_path / "memory.db") == content(good / "memory.db")
    assert "memory.db-wal" not in files_of(tmp_path)


async def test_several_processes_serve_and_stop_cleanly_on_a_signal(
    tmp_path: Path, good: Path
) -> None:
    shutil.copy(good / "memory.db", tmp_path)
    ran = await served(tmp_path, signal.SIGTERM, "--workers", "2")
    assert (ran.code, ran.err) == (0, "")
    assert content(tmp_path / "memory.db") == content(good / "memory.db")


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_streams_that_are_open_do_not_keep_a_server_from_ending(
    tmp_path: Path, good: Path, workers: str
) -> None:
    shutil.copy(good / "memory.db", tmp_path)
    asked = {"query": "subscription { storeStatusChanged { name } }"}
    headers = {"accept": "text/event-stream"}
    chosen = ("--workers", workers)
    async with (
        serving(*chosen, cwd=tmp_path, MEMORY_GATEWAY_PORT="0") as (process, address),
        httpx.AsyncClient(base_url=address, timeout=PATIENCE) as client,
        client.stream("POST", "/graphql", json=asked, headers=headers) as response,
    ):
        lines = response.aiter_lines()
        assert await anext(lines) == "event: next"
        process.send_signal(signal.SIGTERM)
        ran = await ended(process)
        assert "event: complete" not in [line async for line in lines]
    assert (ran.code, ran.err) == (0, "")


async def test_several_processes_end_with_the_one_that_began_them(
    tmp_path: Path, good: Path
) -> None:
    shutil.copy(good / "memory.db", tmp_path)
    two = ("--workers", "2")
    async with serving(*two, cwd=tmp_path, MEMORY_GATEWAY_PORT="0") as (process, address):
        process.kill()
        ran = await ended(process)  # hears out the others too: they hold its pipes
    assert ran.code == -signal.SIGKILL
    async with httpx.AsyncClient(base_url=address) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("/readyz")


async def test_a_store_that_cannot_be_opened_ends_several_processes_before_they_begin(
    tmp_path: Path,
) -> None:
    (tmp_path / "memory.db").write_text("no database")
    ran = await run("serve", "--workers", "2", "--port", "0", cwd=tmp_path)
    assert ran.code == 1
    assert "memory.db" in ran.err
    assert len(ran.err.splitlines()) == 1


async def test_a_port_in_use_is_named(tmp_path: Path, good: Path) -> None:
    shutil.copy(good / "memory.db", tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ran = await run("serve", "--port", port, cwd=tmp_path, MEMORY_GATEWAY_PORT="0")
    assert ran.code == 1
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in ran.err
    assert "--port" in ran.err
