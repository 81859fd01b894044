"""Chromium driven by scripts of this folder."""

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from gateway.explorer.build import NotBuilt, build
from tests.servers.packages import node_with
from tests.servers.process import ServerMissing, cache, locked
from tests.support import ROOT

FOLDER = Path(__file__).parent
PAGE = ROOT / "gateway" / "explorer" / "assets" / "index.html"
VARIABLE = "MEMORY_GATEWAY_TEST_CHROMIUM"
SECONDS = 90
"""That a script may take."""

Script = Callable[..., Awaitable[dict[str, Any]]]


@contextmanager
def driver() -> Generator[Script]:
    """Runs a script with arguments: what it told, by name.

    Builds the page where that was not done.  Raises ServerMissing without Chromium, the packages or the page.
    """
    chromium = _chromium()
    try:
        with locked(cache() / "explorer.lock"):  # for all workers
            if not PAGE.exists():
                build()
    except NotBuilt as missing:
        raise ServerMissing(str(missing)) from missing
    program = node_with(FOLDER)

    async def run(name: str, *arguments: str) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            program, name, *arguments,
            cwd=FOLDER,
            env=os.environ | {VARIABLE: chromium},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(SECONDS):
                output, errors = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()  # asked to end, it would first wait for the browser, which may hang
                await process.wait()
        assert process.returncode == 0, errors.decode()
        return dict(msgspec.json.decode(line) for line in output.splitlines())

    yield run


def _chromium() -> str:
    asked = os.environ.get(VARIABLE, "chromium")
    if (found := shutil.which(asked)) is None:
        raise ServerMissing(
            f"{asked} is not installed; apt-get install chromium, or name another in {VARIABLE}"
        )
    return found
