"""Each error of Qdrant's client, of all three families, and the error of ours that it becomes."""

import asyncio
import inspect
import json
import ssl
from typing import Any

import httpx
import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata, UsageError
from qdrant_client.common import client_exceptions
from qdrant_client.common.client_exceptions import QdrantException, ResourceExhaustedResponse
from qdrant_client.http import exceptions
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from backends.errors import StoreError, StoreRejected, StoreTimeout, StoreUnavailable
from backends.qdrant.errors import LONGEST_REASON, translated

PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def status(code: StatusCode, details: str | None) -> AioRpcError:
    return AioRpcError(code, Metadata(), Metadata(), details, "debug\nstring")


def response(code: int, content: bytes, phrase: str = "Phrase") -> UnexpectedResponse:
    return UnexpectedResponse(code, phrase, content, httpx.Headers())


def refusal(code: int, reason: str) -> UnexpectedResponse:
    return response(code, json.dumps({"status": {"error": reason}, "time": 0}).encode())


def wrapped(error: Exception) -> ResponseHandlingException:
    return ResponseHandlingException(error)


ERRORS: list[tuple[BaseException, type[StoreError], str]] = [
    # local mode
    (ValueError("Collection c not found"), StoreRejected, "Collection c not found"),
    (KeyError("an id"), StoreRejected, "an id"),
    (AssertionError("Search returned None"), StoreRejected, "Search returned None"),
    (AssertionError(), StoreRejected, "AssertionError"),
    (RuntimeError("QdrantLocal instance is closed."), StoreUnavailable, "is closed"),
    # gRPC
    (status(StatusCode.NOT_FOUND, "Not found: `c`"), StoreRejected, "Not found: `c` (NOT_FOUND)"),
    (status(StatusCode.ALREADY_EXISTS, "there"), StoreRejected, "there (ALREADY_EXISTS)"),
    (status(StatusCode.INVALID_ARGUMENT, "dim\n4,  3"), StoreRejected, "dim 4, 3 (INVALID_ARG"),
    (status(StatusCode.FAILED_PRECONDITION, "locked"), StoreRejected, "locked"),
    (status(StatusCode.RESOURCE_EXHAUSTED, "disk full"), StoreRejected, "disk full"),
    (status(StatusCode.INTERNAL, "Service internal error"), StoreRejected, "internal error"),
    (status(StatusCode.UNIMPLEMENTED, None), StoreRejected, "no reason given (UNIMPLEMENTED)"),
    (status(StatusCode.UNAUTHENTICATED, "Invalid"), StoreRejected, "refuses access: Invalid"),
    (status(StatusCode.PERMISSION_DENIED, "Forbidden"), StoreRejected, "refuses access"),
    (status(StatusCode.UNAVAILABLE, "Connection refused"), StoreUnavailable, "Connection refused"),
    (status(StatusCode.CANCELLED, "RST_STREAM"), StoreUnavailable, "RST_STREAM"),
    (status(StatusCode.UNKNOWN, "Stream removed"), StoreUnavailable, "Stream removed"),
    (status(StatusCode.DEADLINE_EXCEEDED, "Deadline"), StoreTimeout, "Deadline"),
    (UsageError("Channel is closed."), StoreUnavailable, "Channel is closed."),
    # REST: what the server answers
    (refusal(404, "Not found: `c`"), StoreRejected, "store q: Not found: `c` (404)"),
    (refusal(409, "already exists"), StoreRejected, "already exists (409)"),
    (refusal(400, "Wrong input: limit 0"), StoreRejected, "Wrong input: limit 0 (400)"),
    (refusal(422, "Format error"), StoreRejected, "Format error (422)"),
    (refusal(500, "Service internal error"), StoreRejected, "internal error (500)"),
    (refusal(401, "Invalid API key"), StoreRejected, "refuses access: Invalid API key (401)"),
    (refusal(403, "Global access is required"), StoreRejected, "refuses access"),
    (refusal(408, "Operation timed out"), StoreTimeout, "Operation timed out (408)"),
    (response(502, PAGE, "Bad Gateway"), StoreUnavailable, "store q: Bad Gateway (502)"),
    (response(503, b"", ""), StoreUnavailable, "no reason given (503)"),
    (response(504, PAGE, "Gateway Timeout"), StoreTimeout, "Gateway Timeout (504)"),
    (response(404, b'"a string"'), StoreRejected, "store q: Phrase (404)"),
    (response(413, b'{"status": "ok"}'), StoreRejected, "store q: Phrase (413)"),
    # REST: what goes wrong on the way
    (wrapped(httpx.ConnectError("refused")), StoreUnavailable, "refused"),
    (wrapped(httpx.ReadError("")), StoreUnavailable, "ReadError"),
    (wrapped(httpx.RemoteProtocolError("closed")), StoreUnavailable, "closed"),
    (wrapped(httpx.ConnectTimeout("")), StoreUnavailable, "no connection in time"),
    (wrapped(httpx.PoolTimeout("")), StoreTimeout, "no free connection in time"),
    (wrapped(httpx.ReadTimeout("")), StoreTimeout, "did not answer in time"),
    (wrapped(httpx.WriteTimeout("")), StoreTimeout, "did not answer in time"),
    (wrapped(ssl.SSLError("bad certificate")), StoreUnavailable, "bad certificate"),
    (wrapped(RuntimeError("the handler is closed")), StoreUnavailable, "the handler is closed"),
    (wrapped(ValueError("1 validation error")), StoreRejected, "what no Qdrant does"),
    (httpx.ReadTimeout("late"), StoreTimeout, "did not answer in time"),
    (httpx.ConnectError("refused"), StoreUnavailable, "refused"),
    (TimeoutError(), StoreTimeout, "did not answer in time"),
    (OSError("reset"), StoreUnavailable, "reset"),
    # both
    (ResourceExhaustedResponse("Too many reads", 7), StoreRejected, "Too many reads; again in 7 s"),
    (QdrantException("no number"), StoreRejected, "no number"),
    (asyncio.CancelledError(), StoreUnavailable, "store q was closed"),
]


@pytest.mark.parametrize(("error", "ours", "said"), ERRORS, ids=lambda each: repr(each)[:50])
async def test_an_error_of_the_driver_is_one_of_ours(
    error: BaseException, ours: type[StoreError], said: str
) -> None:
    with pytest.raises(StoreError) as raised, translated("q"):
        raise error
    message = str(raised.value)
    assert type(raised.value) is ours
    assert raised.value.store == "q"
    assert raised.value.__cause__ is error
    assert message.startswith("store q")
    assert said in message
    assert not {"<", "\n"} & {*message}


def classes_of(module: Any) -> list[type[Exception]]:
    return [
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, Exception) and each.__module__ == module.__name__
    ]


@pytest.mark.parametrize("error", [*classes_of(exceptions), *classes_of(client_exceptions)])
def test_no_error_class_of_the_driver_is_forgotten(error: type[Exception]) -> None:
    tried = {type(each) for each, _, _ in ERRORS}
    assert error in tried or any(issubclass(each, error) for each in tried)


@pytest.mark.parametrize("code", StatusCode)
def test_every_status_is_an_error_of_ours(code: StatusCode) -> None:
    with pytest.raises(StoreError), translated("q"):
        raise status(code, "reason")


def test_a_long_reason_is_cut() -> None:
    with pytest.raises(StoreRejected) as raised, translated("q"):
        raise refusal(400, "x" * 10_000)
    assert len(str(raised.value)) < LONGEST_REASON + 50


async def test_a_task_that_is_cancelled_stays_cancelled() -> None:
    async def wait() -> None:
        with translated("q"):
            await asyncio.Event().wait()

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


def test_what_is_no_error_of_the_driver_stays_what_it_is() -> None:
    for error in (TypeError("ours"), StoreUnavailable("p", "store p is closed")):
        with pytest.raises(type(error)) as raised, translated("q"):
            raise error
        assert raised.value is error
