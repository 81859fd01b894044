"""Neo4j Community, its jars from Maven Central, run by a launcher of a few lines."""

import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec
import neo4j

from tests.servers.java import java
from tests.servers.process import (
    TAIL,
    ServerMissing,
    cache,
    free_port,
    given,
    locked,
    place,
    program,
    running,
)

VARIABLE = "MEMORY_GATEWAY_TEST_NEO4J_URL"
VERSION = "MEMORY_GATEWAY_TEST_NEO4J_VERSION"
"""Variable that names the version of our own servers: its number, or `newest`.  Not named: the LTS."""

LTS = "5.26.30"
NEWEST = "2026.08.1"
USER = "neo4j"
PASSWORD = "throwaway-secret"

_RECIPE = Path(__file__).parent / "neo4j_server"
_OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent")

_CONFIGURATION = """\
server.bolt.listen_address=127.0.0.1:{port}
server.bolt.advertised_address=127.0.0.1:{port}
server.http.enabled=false
server.https.enabled=false
dbms.usage_report.enabled=false
server.memory.pagecache.size=64m
db.tx_log.preallocate=false
internal.cypher.use_parameter_size=false
"""
"""The last: a query is planned once, and not again for each order of magnitude of its lists."""


class Neo4j(msgspec.Struct, frozen=True):
    """Where a server is (`bolt://…`), and who may come in."""

    url: str
    user: str
    password: str


@contextmanager
def serving() -> Generator[Neo4j]:
    """A server that the environment names, user and password within its URL, else one of our own."""
    if (url := given(VARIABLE)) is not None:
        parts = urlsplit(url)
        yield Neo4j(
            parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
            unquote(parts.username or USER),
            unquote(parts.password or ""),
        )
        return
    with started() as server:
        yield server


@contextmanager
def started(folder: Path | None = None, *, port: int | None = None) -> Generator[Neo4j]:
    """A server of our own.  In a folder given it finds what it left there."""
    named = given(VERSION) or LTS
    version = NEWEST if named == "newest" else named
    port = port or free_port()
    found = _java_for(version)
    jars = _jars(version)
    with place("neo4j", folder) as home:
        fresh = not (home / "data").exists()
        (home / "conf").mkdir(exist_ok=True)
        (home / "conf" / "neo4j.conf").write_text(_CONFIGURATION.format(port=port))
        log = home / "logs" / "neo4j.log"
        log.unlink(missing_ok=True)
        with running(
            _command(found, jars, home),
            folder=home,
            ready=lambda _: log.exists() and "Started." in log.read_text(),
            seconds=120,
        ):
            server = Neo4j(f"bolt://127.0.0.1:{port}", USER, PASSWORD)
            if fresh:
                _set_password(server)
            yield server


def _java_for(version: str) -> Path:
    """A Java that a version runs on: 17 for version 5, 21 for those numbered by year, or a later one.
    Raises ServerMissing."""
    least = 17 if version.startswith("5.") else 21
    return java(least, advice=f"for Neo4j {version}, or name a running server in {VARIABLE}")


def _command(java: Path, jars: Path, home: Path) -> list[str | Path]:
    return [
        java,
        "-Xmx768m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",  # most of what tests send is run once: compile quickly, not well
        "-XX:ReservedCodeCacheSize=240m",  # that would leave 48m, which the planner outgrows
        "-XX:C1MaxInlineSize=70",  # the planner is Scala: its methods are small and deep
        "-XX:C1MaxInlineLevel=15",
        "-cp",
        f"{jars}/*",
        *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
        _RECIPE / "Launch.java",
        f"--home-dir={home}",
        f"--config-dir={home / 'conf'}",
    ]


def _set_password(server: Neo4j) -> None:
    """The first password must be changed before anything else may be asked."""
    first = neo4j.GraphDatabase.driver(server.url, auth=(USER, "neo4j"))
    with first, first.session(database="system") as session:
        session.run(
            "ALTER CURRENT USER SET PASSWORD FROM $old TO $new", old="neo4j", new=server.password
        ).consume()


def _jars(version: str) -> Path:
    """The folder of a version's jars in the user's cache, downloaded when it is not there."""
    kept = cache() / f"neo4j-{version}"
    with locked(cache() / f"neo4j-{version}.lock"):
        if not kept.is_dir():
            with tempfile.TemporaryDirectory(dir=cache(), prefix=".neo4j-") as made:
                _download(version, Path(made))
                (Path(made) / "jars").rename(kept)
    return kept


def _download(version: str, folder: Path) -> None:
    """Have Maven lay the jars in `folder/jars`; what else it fetches goes with the folder."""
    maven = program("mvn", package="maven", variable=VARIABLE)
    settings = {
        "neo4j.version": version,
        "outputDirectory": folder / "jars",
        "maven.repo.local": folder / "repository",
    }
    answer = subprocess.run(
        [
            *(maven, "--quiet", "--batch-mode", "--file", _RECIPE / "pom.xml"),
            *(f"-D{name}={value}" for name, value in settings.items()),
            "dependency:copy-dependencies",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise ServerMissing(
            f"Maven did not get the jars of Neo4j {version}; name a running server in {VARIABLE}, "
            f"or see what it says:\n{answer.stdout[-TAIL:]}"
        )
