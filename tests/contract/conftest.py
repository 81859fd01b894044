"""The adapters under contract, each with the roles that it plays.

To put another adapter under contract, add a row to `ADAPTERS`.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from backends.records import Scope
from backends.registry import create
from backends.roles import (
    Chunks,
    Documents,
    Entities,
    Episodes,
    Facts,
    Keywords,
    Mentions,
    Store,
    Vectors,
)
from tests.contract.samples import new_scope


class Adapter(msgspec.Struct, frozen=True):
    """A kind of store with the options of an empty one, kept in a folder of its own if it has files.

    `atomic` says whether its engine writes a batch together or not at all.
    """

    kind: str
    options: Callable[[Path], Mapping[str, object]]
    atomic: bool = True


ADAPTERS: dict[str, Adapter] = {
    "sqlite": Adapter(
        "sql", lambda folder: {"url": f"sqlite+aiosqlite:///{folder}/memory.db", "upgrade": True}
    ),
}


@pytest.fixture(scope="session", params=ADAPTERS)
def adapter(request: pytest.FixtureRequest) -> Adapter:
    """One of the adapters."""
    return ADAPTERS[request.param]


@pytest.fixture(scope="session")
async def store(adapter: Adapter, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    """A store of the adapter, open."""
    store = create(adapter.kind, "tested", adapter.options(tmp_path_factory.mktemp("open")))
    await store.open()
    yield store
    await store.close()


@pytest.fixture(scope="session")
async def closed(adapter: Adapter, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store of the adapter that was open and is closed."""
    store = create(adapter.kind, "closed", adapter.options(tmp_path_factory.mktemp("closed")))
    await store.open()
    await store.ping()
    await store.close()
    return store


@pytest.fixture
def scope() -> Scope:
    """A tenant of the test's own."""
    return new_scope()


def played(store: Store, role: str) -> Any:
    """A role of the store; skips what needs one that it does not play."""
    found = getattr(store, role)
    if found is None:
        pytest.skip(f"{store.engine} does not play {role}")
    return found


@pytest.fixture(scope="session")
def documents(store: Store) -> Documents:
    return played(store, "documents")


@pytest.fixture(scope="session")
def chunks(store: Store) -> Chunks:
    return played(store, "chunks")


@pytest.fixture(scope="session")
def entities(store: Store) -> Entities:
    return played(store, "entities")


@pytest.fixture(scope="session")
def facts(store: Store) -> Facts:
    return played(store, "facts")


@pytest.fixture(scope="session")
def mentions(store: Store) -> Mentions:
    return played(store, "mentions")


@pytest.fixture(scope="session")
def episodes(store: Store) -> Episodes:
    return played(store, "episodes")


@pytest.fixture(scope="session")
def keywords(store: Store) -> Keywords:
    return played(store, "keywords")


@pytest.fixture(scope="session")
def vectors(store: Store) -> Vectors:
    return played(store, "vectors")
