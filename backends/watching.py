"""Watching the stores: who watches learns how each is, and when that changes."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager

from backends.federation import Federation, StoreHealth


class HealthWatch:
    """Asks every store at intervals, as long as somebody watches: once for all who do."""

    def __init__(self, federation: Federation, seconds: float) -> None:
        self._federation = federation
        self._seconds = seconds
        self._watchers = 0
        self._asking: asyncio.Task[None] | None = None
        self._latest: list[StoreHealth] = []
        self._round = 0
        self._failure: Exception | None = None
        self._asked = asyncio.Condition()

    async def changes(self) -> AsyncGenerator[StoreHealth]:
        """Every store as it is, and from then on each that is no longer as it was told last.  Who is slow
        misses what came and went meanwhile, and nothing is kept for them."""
        told: dict[str, tuple[object, object]] = {}
        with self._watching():
            seen = 0
            while True:
                async with self._asked:
                    await self._asked.wait_for(lambda seen=seen: self._round > seen)
                if self._failure is not None:
                    raise self._failure
                seen = self._round
                for store in self._latest:
                    state = (store.health, store.message)
                    if told.get(store.name) != state:
                        told[store.name] = state
                        yield store

    @contextmanager
    def _watching(self) -> Generator[None]:
        self._watchers += 1
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask())
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._asking.cancel()
                self._asking, self._latest, self._round, self._failure = None, [], 0, None

    async def _ask(self) -> None:
        while self._failure is None:
            try:
                self._latest = await self._federation.health()
            except Exception as error:  # noqa: BLE001 - whoever watches is to know of it
                self._failure = error
            async with self._asked:
                self._round += 1
                self._asked.notify_all()
            await asyncio.sleep(self._seconds)
