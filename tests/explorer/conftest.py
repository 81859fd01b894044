"""The demo memory behind a gateway that traces and one that does not, and a browser to look at it."""

from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.explorer import DEMO_EXAMPLES
from tests.explorer.driver import Script, driver
from tests.servers.fixtures import had
from tests.support import DEMO, fill, serving

TABS = {"examples": DEMO_EXAMPLES}


@pytest.fixture(scope="session")
def script() -> Iterator[Script]:
    """Runs a script of this folder; the page must not have complained or looked elsewhere.  CI may be without a
    browser too."""
    for run in had(driver(), required=False):
        yield _checked(run)


def _checked(run: Script) -> Script:
    async def checked(name: str, *arguments: str) -> dict[str, Any]:
        told = await run(name, *arguments)
        seen = told["seen"]
        assert seen["here"] > 0
        assert (seen["elsewhere"], seen["complaints"], seen["violations"]) == ([], [], [])
        return told

    return checked


@pytest.fixture(scope="session")
async def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo memory in a file."""
    file = tmp_path_factory.mktemp("explorer") / "memory.db"
    await fill(file, DEMO)
    return file


@pytest.fixture(scope="session")
async def url(script: Script, database: Path) -> AsyncGenerator[str]:
    """Where the page is, of a gateway that traces."""
    async with serving(database, http={"trace": True}, explorer=TABS) as url:
        yield url


@pytest.fixture(scope="session")
async def url_untraced(script: Script, database: Path) -> AsyncGenerator[str]:
    """Where the page is, of a gateway as it is by default."""
    async with serving(database, explorer=TABS) as url:
        yield url
