"""Memories to ask: the odd one and the demo, loaded once, and the PEPs where they are at hand."""

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from backends.federation import FederationConfig
from gateway.settings import Settings
from tests.support import DATA, DEMO, Gateway, fill, made_once, need_peps, running

pytest_plugins = ["tests.servers.fixtures", "tests.sharing"]

PATIENCE = 60.0
"""Seconds that a store may take for a call where a test does not say: a machine that runs tests may stop for
longer than an operator would wait."""


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Stores of this process that are given no time have `PATIENCE`."""
    federation: Any = Settings.federation.fget

    def patient(settings: Settings) -> FederationConfig:
        for store in settings.stores.values():
            if "timeout" not in store.model_fields_set:
                store.timeout = PATIENCE
        return federation(settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Settings, "federation", property(patient))
        yield


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of a run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
async def odd(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """The small memory of everything odd."""
    database = tmp_path_factory.mktemp("odd") / "memory.db"
    await fill(database, DATA / "odd")
    async with running(database) as gateway:
        yield gateway


@pytest.fixture(scope="session")
async def demo(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """The demo memory."""
    database = tmp_path_factory.mktemp("demo") / "memory.db"
    await fill(database, DEMO)
    async with running(database) as gateway:
        yield gateway


@pytest.fixture(scope="session")
async def peps_file(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The memory of the Python Enhancement Proposals, which are not ours to carry, in a file."""
    folder = need_peps()
    loaded = await made_once(run_folder / "peps.db", lambda file: fill(file, folder))
    return Path(shutil.copy(loaded, tmp_path_factory.mktemp("peps")))


@pytest.fixture(scope="session")
async def peps(peps_file: Path) -> AsyncIterator[Gateway]:
    """The memory of the Python Enhancement Proposals."""
    async with running(peps_file) as gateway:
        yield gateway


@pytest.fixture
async def memory(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Makes memories of a test's own: `await memory(lines)` gives a gateway over them."""
    async with AsyncExitStack() as stack:
        made = 0

        async def make(lines: str | bytes, **settings: Any) -> Gateway:
            nonlocal made
            made += 1
            folder = tmp_path / f"memory-{made}"
            folder.mkdir()
            content = lines.encode() if isinstance(lines, str) else lines
            (folder / "lines.jsonl").write_bytes(content)
            await fill(folder / "memory.db", folder / "lines.jsonl")
            return await stack.enter_async_context(running(folder / "memory.db", **settings))

        yield make
