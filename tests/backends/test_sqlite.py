"""What is SQLite's own: plans."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import text

from backends.registry import create
from tests.backends.hub import SHAPES, TENANT, statements

SIZES = (2_000, 20_000)
STEP = 100
"""Instructions of SQLite's machine between two looks at how many there were."""


@pytest.fixture(scope="module")
async def hubs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Any]]:
    """The memory with a hub, small and ten times as large."""
    stores: list[Any] = []
    for size in SIZES:
        path = tmp_path_factory.mktemp("hub") / "memory.db"
        store: Any = create("sql", "hub", {"path": str(path), "pool_size": 1})
        await store.open()
        stores.append(store)
        rows = (
            f"(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {size}) "
            "SELECT n FROM s)"
        )
        async with store.batch():
            for statement in statements(rows, "n * 3600000000", size=size):
                await store._sql.write(text(statement))
    yield stores
    for store in stores:
        await store.close()


WALKED = {"entities of documents"}
"""Once each takes a look at every mention by the hub's document."""


@pytest.mark.parametrize("shape", sorted(set(SHAPES) - WALKED))
async def test_a_call_costs_the_same_in_a_memory_ten_times_as_large(
    hubs: list[Any], shape: str
) -> None:
    _, call = SHAPES[shape]
    small, large = [await steps(store, call(store, TENANT)) for store in hubs]
    assert large <= 2 * small + 20


async def steps(store: Any, call: Awaitable[Any]) -> int:
    """How many hundred instructions of SQLite's machine a call takes."""
    counted = 0

    def count() -> None:
        nonlocal counted
        counted += 1

    async with watched(store, count):
        await call
    return counted


@asynccontextmanager
async def watched(store: Any, count: Any) -> AsyncIterator[None]:
    """The store's one connection calls `count` every so many instructions."""
    for handler in (count, None):
        async with store._sql.connection() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            await raw.set_progress_handler(handler, STEP)
        if handler is not None:
            yield
