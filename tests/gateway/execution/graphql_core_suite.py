"""graphql-core's own tests, from the source distribution of the version that is installed.

They are not ours to carry: they are downloaded once, and kept in the user's cache.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import Any

from tests.servers.process import TAIL, cache, locked

ROOT = Path(__file__).parents[3]
PLUGIN = Path(__file__).parent / "in_place"
SECONDS = 300
"""After which the run of a suite counts as one that never ends."""


class SuiteMissing(Exception):
    """The source distribution cannot be had here; the message says why."""


def suite() -> Path:
    """The folder of the source distribution.  Raises SuiteMissing."""
    number = version("graphql-core")
    kept = cache() / f"graphql-core-{number}"
    with locked(cache() / f"graphql-core-{number}.lock"):
        if not kept.is_dir():
            with tempfile.TemporaryDirectory(dir=cache(), prefix=".graphql-core-") as made:
                _unpack(_download(number, Path(made)), Path(made))
                (Path(made) / f"graphql_core-{number}").rename(kept)
    return kept


def _download(number: str, folder: Path) -> Path:
    (folder / "requirements.txt").write_text(_requirement(number))
    answer = subprocess.run(
        [
            *(*_pip(), "download", "--no-binary", "graphql-core", "--no-deps", "--quiet"),
            *("--disable-pip-version-check", "--dest", folder, "-r", folder / "requirements.txt"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    found = list(folder.glob("*.tar.gz"))
    if answer.returncode or not found:
        raise SuiteMissing(
            f"pip did not get the source distribution of graphql-core {number}, "
            f"which needs a network once:\n{answer.stdout[-TAIL:]}"
        )
    return found[0]


def _pip() -> list[str]:
    """The pip of this environment, else any: what it gets is the same."""
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    if (found := shutil.which("pip")) is None:
        raise SuiteMissing("pip is not installed; it fetches graphql-core's own tests")
    return [found]


def _requirement(number: str) -> str:
    """The version, with the hashes that the lock has for it."""
    wanted = f"graphql-core=={number}"
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    for place, line in enumerate(lines):
        if line.split(" ")[0] == wanted:
            entry = [
                line,
                *takewhile(lambda each: each.startswith("    --hash"), lines[place + 1 :]),
            ]
            return "\n".join(entry).rstrip("\\ ") + "\n"
    return f"{wanted}\n"


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


class Report:
    """What a run of tests came to."""

    def __init__(self, folder: Path) -> None:
        self.outcomes: Mapping[str, str] = json.loads((folder / "outcomes.json").read_text())
        """For each test, by its id: passed, failed or skipped."""
        counts: dict[str, Any] = json.loads((folder / "counts.json").read_text())
        self.runs: int = counts["runs"]
        """Operations that the engine ran."""
        self.ran: set[str] = set(counts["ran"])
        """The tests in which it did."""
        self.fallbacks: dict[str, int] = counts["fallbacks"]
        """Operations that it left to graphql-core, by reason."""

    def those(self, outcome: str) -> set[str]:
        """The tests that came to this."""
        return {_short(name) for name, each in self.outcomes.items() if each == outcome}


def _short(name: str) -> str:
    """A test's file and its own name."""
    parts = name.split("::")
    return f"{parts[0].removeprefix('tests/execution/')}::{'::'.join(parts[-2:])}"


def run(folder: Path, made: Path) -> Report:
    """Run `tests/execution` of an unpacked distribution with the engine in place, in a process of its own;
    its report goes to the folder `made`."""
    given = filter(None, [os.environ.get("PYTHONPATH")])
    answer = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "tests/execution", "-q", "-p", "engine_in_place"),
            *("-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist"),
            *("--rootdir", folder, "-c", PLUGIN / "pytest.ini"),
        ],
        cwd=folder,
        env={
            **{key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")},
            "PYTHONPATH": os.pathsep.join(map(str, (folder, ROOT, PLUGIN, *given))),
            "PYTHONDONTWRITEBYTECODE": "1",
            "GRAPHQL_CORE_REPORT": str(made),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (made / "counts.json").is_file(), answer.stdout[-TAIL:]
    return Report(made)
