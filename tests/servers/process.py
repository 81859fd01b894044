"""Server programs as child processes: on free loopback ports, watched until ready, ended by process id."""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

TAIL = 4_000
"""Characters of a log to show when its server died."""

PATIENCE = 3.0
"""Seconds that a server may take to end by itself."""


class ServerMissing(Exception):
    """No such server can be had here; the message says what to install or which variable to set."""


class ServerFailed(Exception):
    """A server died while it started, or was not ready in time; the message ends with its log."""


def given(variable: str) -> str | None:
    """The URL of a server that somebody else runs, if the environment names one."""
    return os.environ.get(variable) or None


def program(name: str, *, package: str, variable: str) -> str:
    """Where a program is.  Raises ServerMissing, with the Debian package that has it."""
    folders = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    if (found := shutil.which(name, path=folders)) is None:
        raise ServerMissing(
            f"{name} is not installed; apt-get install {package}, or name a running server in {variable}"
        )
    return found


def free_port() -> int:
    """A loopback port that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def listening(port: int) -> bool:
    """Whether somebody listens at a loopback port."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def place(name: str, folder: Path | None = None) -> Generator[Path]:
    """The folder given, which stays; else a temporary one.  Under root, others may look into it: some
    servers refuse to be root.  The path is short, as the path of a socket must be."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix=f"{name}-", ignore_cleanup_errors=True) as made:
        if os.geteuid() == 0:
            Path(made).chmod(0o755)
        yield Path(made)


def cache() -> Path:
    """Our folder in the user's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "memory-gateway"


@contextmanager
def locked(path: Path) -> Generator[None]:
    """One process at a time; the file of the lock stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    folder: Path,
    ready: Callable[[int], bool],
    seconds: float,
    user: str | None = None,
    end: signal.Signals = signal.SIGTERM,
) -> Generator[int]:
    """A server, ready for questions, as its process id; `folder` holds its log.

    It is asked to end by the signal `end`, and made to after `PATIENCE` seconds.
    """
    log = folder / "output.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*_leash(end), *command],
            cwd=folder,
            user=user,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us, who then end it
        )
    try:
        _wait(process, " ".join(map(str, command)), log, ready, seconds)
        yield process.pid
    finally:
        _end(process, end)


def _leash(end: signal.Signals) -> list[str]:
    """On Linux a server ends with the thread that started it, even if that one is killed."""
    found = shutil.which("setpriv")
    return [found, "--pdeathsig", end.name.removeprefix("SIG"), "--"] if found else []


def _wait(
    process: subprocess.Popen[bytes],
    name: str,
    log: Path,
    ready: Callable[[int], bool],
    seconds: float,
) -> None:
    deadline = time.monotonic() + seconds
    while not ready(process.pid):
        if (code := process.poll()) is not None:
            raise ServerFailed(f"{name} ended with {code} while starting:\n{tail(log)}")
        if time.monotonic() > deadline:
            raise ServerFailed(f"{name} is not ready in {seconds:g} s:\n{tail(log)}")
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes], end: signal.Signals) -> None:
    process.send_signal(end)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def tail(log: Path) -> str:
    """The end of a log."""
    return log.read_text(errors="replace")[-TAIL:]
