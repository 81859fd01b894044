"""A Java that fits: looked for where Java says it is, on the path and where Debian keeps them."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.servers.process import ServerMissing

_VERSION = re.compile(r'version "(\d+)')


def java(least: int, *, advice: str) -> Path:
    """The first `java` of this major version or a later one.  Raises ServerMissing."""
    found: dict[Path, int] = {}
    for path in _places():
        found[path] = _version(path)
        if found[path] >= least:
            return path
    have = ", ".join(f"{path} ({version})" for path, version in found.items()) or "none"
    raise ServerMissing(f"Java {least} or later is needed, there is {have}; install one, {advice}")


def _places() -> Iterator[Path]:
    """Each Java that there is, once."""
    candidates: list[Path] = []
    if home := os.environ.get("JAVA_HOME"):
        candidates.append(Path(home) / "bin" / "java")
    if on_path := shutil.which("java"):
        candidates.append(Path(on_path))
    candidates += sorted(Path("/usr/lib/jvm").glob("*/bin/java"))
    yield from dict.fromkeys(each.resolve() for each in candidates if each.exists())


def _version(path: Path) -> int:
    """Its major version; 0 for one that does not run."""
    try:
        answer = subprocess.run(
            [path, "-version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    match = _VERSION.search(answer.stderr)
    return int(match[1]) if match else 0
