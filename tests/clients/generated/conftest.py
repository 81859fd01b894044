"""Clients made of the schema, each in a temporary copy of its folder here; what makes them is installed first."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.servers.fixtures import had
from tests.servers.packages import node_with
from tests.servers.process import ServerMissing, cache, locked
from tests.support import ROOT

FOLDER = Path(__file__).parent
SCHEMA = ROOT / "schema.graphql"
OPERATIONS = FOLDER / "operations.graphql"
REQUIREMENTS = FOLDER / "ariadne-requirements.txt"
SECONDS = 60
"""That a program may take."""
SECONDS_TO_INSTALL = 300


class Project:
    """A folder with the schema, in which an interpreter runs programs."""

    def __init__(self, folder: Path, *interpreter: str) -> None:
        self.folder = folder
        self._interpreter = interpreter

    def run(self, *command: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Runs a program, which must end with the code."""
        done = subprocess.run(
            [*self._interpreter, *command],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=SECONDS,
            env={**os.environ, "NO_COLOR": "1"},
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def tool(self, name: str, *arguments: str, code: int = 0) -> str:
        """Runs a program of an npm package: what it printed."""
        return self.run(f"node_modules/.bin/{name}", *arguments, code=code).stdout

    def lines(self, *command: str) -> list[Any]:
        """What a program printed, a value for each line of JSON.  It may not complain of anything."""
        done = self.run(*command)
        assert done.stderr == ""
        return [msgspec.json.decode(line) for line in done.stdout.splitlines()]

    def manifest(self, name: str) -> dict[str, str]:
        """The documents of a manifest, by id."""
        return msgspec.json.decode((self.folder / name).read_bytes(), type=dict[str, str])


@pytest.fixture(scope="session")
def codegen(npm: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """What the client preset of graphql-codegen makes."""
    project = _with_packages("codegen", npm, tmp_path_factory)
    project.tool("graphql-codegen", "--config", "codegen.json")
    return project


@pytest.fixture(scope="session")
def relay(npm: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """What relay-compiler makes, without a word but that it does so."""
    project = _with_packages("relay", npm, tmp_path_factory)
    (project.folder / "made").mkdir()  # it must be there
    (project.folder / "persisted.json").write_text("{}", encoding="utf-8")  # as must this
    printed = project.tool("relay-compiler", "relay.config.json")
    assert [line for line in printed.splitlines() if "[INFO]" not in line] == []
    return project


@pytest.fixture(scope="session")
def lint(npm: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Where schema and operations are checked."""
    return _with_packages("lint", npm, tmp_path_factory)


@pytest.fixture(scope="session")
def ariadne(ariadne_python: str, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """What ariadne-codegen makes."""
    folder = _copied("ariadne", tmp_path_factory)
    project = Project(folder, ariadne_python, "-E")  # no packages but its own
    project.run("-m", "ariadne_codegen")
    return project


@pytest.fixture(scope="session")
def npm() -> Iterator[str]:
    """The npm packages of this folder: the path of Node."""
    yield from had(_npm())


@pytest.fixture(scope="session")
def ariadne_python() -> Iterator[str]:
    """An environment of its own for ariadne-codegen, which needs an older graphql-core: its Python."""
    yield from had(_ariadne_python())


def _with_packages(name: str, npm: str, temporary: pytest.TempPathFactory) -> Project:
    folder = _copied(name, temporary)
    (folder / "node_modules").symlink_to(FOLDER / "node_modules", target_is_directory=True)
    return Project(folder, npm)


def _copied(name: str, temporary: pytest.TempPathFactory) -> Path:
    folder = temporary.mktemp("generated") / name
    shutil.copytree(FOLDER / name, folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(SCHEMA, folder)
    shutil.copy(OPERATIONS, folder)
    return folder


@contextmanager
def _npm() -> Generator[str]:
    """Raises ServerMissing if the packages cannot be had."""
    yield node_with(FOLDER)


@contextmanager
def _ariadne_python() -> Generator[str]:
    """Kept in the cache by what is asked for.  Raises ServerMissing if it cannot be had."""
    asked = REQUIREMENTS.read_bytes() + sys.version.encode()
    home = cache() / f"ariadne-codegen-{hashlib.sha256(asked).hexdigest()[:12]}"
    python, complete = home / "bin" / "python", home / "complete"
    with locked(cache() / "ariadne-codegen.lock"):  # for all workers
        if not (complete.exists() and python.exists()):
            _install([sys.executable, "-m", "venv", "--clear", str(home)])
            pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--retries=1"]
            exactly = ["--quiet", "--require-hashes", "--only-binary=:all:"]
            _install([*pip, "install", *exactly, "--requirement", str(REQUIREMENTS)])
            complete.touch()
    yield str(python)


def _install(command: list[str]) -> None:
    try:
        subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=SECONDS_TO_INSTALL
        )
    except subprocess.CalledProcessError as error:
        reason = ((error.stderr or error.stdout).strip().splitlines() or [str(error)])[-1]
        raise ServerMissing(f"pip could not install {REQUIREMENTS.name}: {reason}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServerMissing(f"pip could not install {REQUIREMENTS.name}: {error}") from error
