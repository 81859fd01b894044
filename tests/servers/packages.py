"""The npm packages of a folder of tests."""

from pathlib import Path

from benchmarks import node
from tests.servers.process import ServerMissing, cache, locked


def node_with(folder: Path) -> str:
    """The path of Node, what the folder's lock file names being installed.  Raises ServerMissing if it cannot be
    had."""
    try:
        with locked(cache() / f"{'-'.join(folder.parts[-2:])}.lock"):  # for all workers
            node.install(folder)
    except node.PackagesMissing as missing:
        raise ServerMissing(str(missing)) from missing
    return node.executable()
