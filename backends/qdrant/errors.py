"""The driver's errors, translated in this one place.

The same fault arrives in one of three families: gRPC's statuses, REST's responses (or the HTTP client's
errors, wrapped), and the Python errors of local mode.
"""

import asyncio
import json
from collections.abc import Generator
from contextlib import contextmanager

import httpx
from grpc import StatusCode
from grpc.aio import AioRpcError, BaseError
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http.exceptions import (
    ApiException,
    ResponseHandlingException,
    UnexpectedResponse,
)

from backends.errors import StoreError, StoreRejected, StoreTimeout, StoreUnavailable

LONGEST_REASON = 500
"""Characters of a server's reason that are passed on."""

_LOST = (StatusCode.UNAVAILABLE, StatusCode.CANCELLED, StatusCode.UNKNOWN)
_LATE = StatusCode.DEADLINE_EXCEEDED
_FORBIDDEN = (StatusCode.UNAUTHENTICATED, StatusCode.PERMISSION_DENIED)


@contextmanager
def translated(store: str) -> Generator[None]:
    """Raise what the driver raises as the error of ours that fits it."""
    try:
        yield
    except AioRpcError as error:
        raise _of_status(store, error) from error
    except UnexpectedResponse as error:
        raise _of_response(store, error) from error
    except ResponseHandlingException as error:
        raise _of_transport(store, error.source) from error
    except ResourceExhaustedResponse as error:
        message = f"store {store}: {_line(str(error))}; again in {error.retry_after_s} s"
        raise StoreRejected(store, message) from error
    except asyncio.CancelledError as error:
        # gRPC cancels what is under way when its channel is closed, though nobody cancelled the task.
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise StoreUnavailable(store, f"store {store} was closed") from error
    except (httpx.HTTPError, OSError, RuntimeError, BaseError) as error:
        # A RuntimeError is a client that is closed, or uvloop's word for a connection that was reset.
        raise _of_transport(store, error) from error
    except (ValueError, LookupError, AssertionError, ApiException, QdrantException) as error:
        raise StoreRejected(store, f"store {store}: {_line(_text(error))}") from error


def _of_status(store: str, error: AioRpcError) -> StoreError:
    code = error.code()
    reason = f"{_line(error.details() or 'no reason given')} ({code.name})"
    if code in _LOST:
        return StoreUnavailable(store, f"store {store}: {reason}")
    if code is _LATE:
        return StoreTimeout(store, f"store {store}: {reason}")
    if code in _FORBIDDEN:
        return StoreRejected(store, f"store {store} refuses access: {reason}")
    return StoreRejected(store, f"store {store}: {reason}")


def _of_response(store: str, error: UnexpectedResponse) -> StoreError:
    status = error.status_code or 0
    reason = f"{_line(_told(error) or error.reason_phrase or 'no reason given')} ({status})"
    if status in (502, 503):
        return StoreUnavailable(store, f"store {store}: {reason}")
    if status in (408, 504):
        return StoreTimeout(store, f"store {store}: {reason}")
    if status in (401, 403):
        return StoreRejected(store, f"store {store} refuses access: {reason}")
    return StoreRejected(store, f"store {store}: {reason}")


def _of_transport(store: str, error: Exception) -> StoreError:
    """What went wrong on the way: no connection is unavailable, no answer over one is late."""
    if isinstance(error, httpx.PoolTimeout):
        return StoreTimeout(store, f"store {store}: no free connection in time")
    if isinstance(error, httpx.ConnectTimeout):
        return StoreUnavailable(store, f"store {store}: no connection in time")
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return StoreTimeout(store, f"store {store} did not answer in time")
    if isinstance(error, ValueError):
        message = f"store {store} answers what no Qdrant does: {_line(str(error))}"
        return StoreRejected(store, message)
    return StoreUnavailable(store, f"store {store}: {_line(_text(error))}")


def _told(error: UnexpectedResponse) -> str:
    """The server's own reason in a response; empty where a page or nothing stands for it."""
    try:
        match json.loads(error.content):
            case {"status": {"error": str(reason)}}:
                return reason
            case _:
                return ""
    except ValueError:
        return ""


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__


def _line(reason: str) -> str:
    """A reason in one line of bounded length."""
    line = " ".join(reason.split())
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}…"
