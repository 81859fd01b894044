"""Equal reads in flight share one call: same role, same method, equal arguments.

    first caller   ──── store ────┬─ answer or error for all
    second caller        ─ waits ─┤
    third caller            waits ┘

The first caller makes the call itself, so a read that nobody else asks for pays for no task.  If it is
cancelled its call is too, and the next in line makes one of its own.  Nothing is kept after the answer.
A read never joins a call that began before a write of this process ended: who writes and then reads sees
what was written.  (After a write of another process, a joined call is at most as old as it took.)

What is shared is read, never changed.
"""

import asyncio
import functools
from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

from backends.batch import after_batch, in_batch
from backends.trace import WRITES

R = TypeVar("R")

Outcome = tuple[Any, Exception | None]
"""An answer, or the error in its place."""

Turn = asyncio.Future[Outcome | None]
"""What a caller waits for; `None` when it is to ask for itself."""


class Flights:
    """The calls that are being made for all the roles of a federation, and who waits for each."""

    def __init__(self) -> None:
        self._board: dict[Hashable, list[Turn]] = {}

    def __len__(self) -> int:
        """How many calls could be joined now."""
        return len(self._board)

    async def share(self, key: Hashable, ask: Callable[[], Any]) -> Any:
        """The answer of the call of that key that is being made; of one's own if there is none."""
        while True:
            board, mine = self._board, list[Turn]()
            if (waiting := board.setdefault(key, mine)) is mine:
                return await self._ask(board, key, mine, ask)
            turn: Turn = asyncio.get_running_loop().create_future()
            waiting.append(turn)
            outcome = await turn
            if outcome is not None:
                answer, error = outcome
                if error is not None:
                    raise error
                return answer

    async def close(self) -> None:
        """Let nobody join the calls that are being made now; who waits for one still gets its answer."""
        self._board = {}

    async def _ask(
        self,
        board: dict[Hashable, list[Turn]],
        key: Hashable,
        waiting: list[Turn],
        ask: Callable[[], Any],
    ) -> Any:
        outcome: Outcome | None = None  # stays if we are cancelled: the others ask for themselves
        try:
            answer = await ask()
            outcome = (answer, None)
            return answer
        except Exception as error:
            outcome = (None, error)
            raise
        finally:
            del board[key]
            for turn in waiting:
                if not turn.done():
                    turn.set_result(outcome)


def coalesced(role: R, flights: Flights) -> R:
    """The same role, its equal reads made once at a time."""
    return cast("R", _Coalesced(role, flights))


class _Coalesced:
    def __init__(self, role: object, flights: Flights) -> None:
        self._role = role
        self._flights = flights

    def __getattr__(self, method: str) -> Any:
        function = getattr(self._role, method)
        wrapped = self._write(function) if method in WRITES else self._read(function)
        setattr(self, method, wrapped)
        return wrapped

    def _read(self, function: Callable[..., Any]) -> Callable[..., Any]:
        flights = self._flights

        @functools.wraps(function)
        async def call(*arguments: Any, **options: Any) -> Any:
            if options or in_batch():
                return await function(*arguments, **options)
            key = (function, *map(_hashable, arguments))
            try:
                hash(key)
            except TypeError:  # a vector
                return await function(*arguments)
            return await flights.share(key, functools.partial(function, *arguments))

        return call

    def _write(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def call(*arguments: Any, **options: Any) -> Any:
            try:
                return await function(*arguments, **options)
            finally:
                await after_batch(self._flights.close)

        return call


def _hashable(argument: Any) -> Any:
    return tuple(cast("list[Any]", argument)) if isinstance(argument, list) else argument
