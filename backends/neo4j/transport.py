"""The driver on uvloop: a connection that was lost is lost, and not kept for ever.

Where asyncio has an OSError for what is written to or read from a closed connection, uvloop raises a
RuntimeError.  The driver knows only the first: the second passes by its pool, which goes on counting the
connection as used, and after as many as the pool holds nobody gets one any more, server or no server.
There is no hook for it, so the methods that touch the stream are wrapped, once a process; a driver without them is left as it is.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any, cast

_MODULE = "neo4j._async_compat.network._bolt_socket"
_METHODS = ("sendall", "recv", "recv_into")
_SIGNS = ("unable to perform operation on", "the handler is closed")


def lost(error: RuntimeError) -> bool:
    """Whether this is uvloop's word for a connection that is closed."""
    return all(sign in str(error) for sign in _SIGNS)


@functools.cache
def guard() -> None:
    """Make the driver's streams raise ConnectionResetError for it."""
    module = import_module(_MODULE)
    for _, found in inspect.getmembers(module, inspect.isclass):
        for name in _METHODS:
            method = vars(found).get(name)
            if inspect.iscoroutinefunction(method):
                setattr(found, name, _guarded(cast("Callable[..., Awaitable[Any]]", method)))


def _guarded(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(method)
    async def guarded(*arguments: Any) -> Any:
        try:
            return await method(*arguments)
        except RuntimeError as error:
            if not lost(error):
                raise
            raise ConnectionResetError(str(error)) from error

    return guarded
