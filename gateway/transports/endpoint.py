"""GraphQL over HTTP: requests in, answers out (the GraphQL-over-HTTP draft).

| answer as | request error (no data) | anything else |
|---|---|---|
| application/graphql-response+json | 400 | 200 |
| application/json | 200 if it was GraphQL, 400 if it was not | 200 |

The type of the operation chooses how it is answered: a subscription as a stream, anything else as one answer
unless the client reads nothing but a stream.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Sequence

import msgspec
from graphql import OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.errors import unexpected
from gateway.execution.encoding import encode
from gateway.explorer import EXAMPLES, explorer_page
from gateway.settings import Settings
from gateway.transports.accept import (
    EVENT_STREAM,
    GRAPHQL_RESPONSE,
    JSON,
    MULTIPART,
    Accepted,
    accepted,
)
from gateway.transports.asked import Asked, Reader
from gateway.transports.connection import while_connected
from gateway.transports.events import FRAMINGS, stream
from gateway.transports.openings import Openings
from gateway.transports.refused import NotExecutable, Refused
from gateway.transports.service import Answer, Operation, Service
from gateway.transports.tracing import HEADER, traced

CLIENT_CLOSED_REQUEST = 499
"""What servers log when a client went away; not of the HTTP standard, and never sent."""

VARY = {"vary": "Accept"}


class GraphQLEndpoint:
    """Answers `/graphql`."""

    def __init__(self, service: Service, openings: Openings, settings: Settings) -> None:
        self._service = service
        self._openings = openings
        self._reader = Reader(settings.limits)
        self._heartbeat = settings.streams.heartbeat_seconds
        self._examples = settings.explorer.examples or EXAMPLES
        explorer_page(self._examples)  # what is wrong with them is found now
        self._traces = settings.http.trace
        age = settings.http.max_age
        self._caching = f"private, max-age={age}" if age else "private, no-cache"

    async def __call__(self, request: Request) -> Response:
        """Answer a request, whatever it is."""
        if request.method == "GET" and not request.url.query and _wants_page(request):
            return explorer_page(self._examples)
        media_type = JSON
        try:
            accept = accepted(request.headers.get("accept"))
            media_type = accept.for_errors
            asked = await self._reader.read(request)
            if isinstance(asked, Asked):
                return await self._answer(request, asked, accept)
            async with while_connected(request):
                return await self._answer_all(asked)
        except Refused as refusal:
            content = msgspec.json.encode({"errors": refusal.errors})
            headers = VARY | (refusal.headers or {})
            return Response(content, refusal.status, headers, media_type)
        except NotExecutable as reason:
            return _response(Answer({"errors": reason.errors}, is_executed=False), media_type)
        except ClientDisconnect:
            return Response(status_code=CLIENT_CLOSED_REQUEST)  # for the log: nobody receives it
        except Exception as error:  # noqa: BLE001 - farther out it would lack what lets other origins read it
            content = msgspec.json.encode({"errors": [unexpected(error)]})
            return Response(content, 500, VARY, media_type)

    async def _answer(self, request: Request, asked: Asked, accept: Accepted) -> Response:
        began = time.perf_counter()
        try:
            operation = self._service.prepare(asked)
        except NotExecutable as reason:
            if accept.single is None and accept.stream is not None:
                return self._stream(accept.stream, _only(reason))
            raise
        media_type = _transport(operation, accept, is_get=request.method == "GET")
        if media_type in FRAMINGS:
            return self._stream(media_type, self._service.answers(operation))
        if operation.in_parts is not None and accept.parts is not None:
            parts = self._service.answer_in_parts(operation, accept.parts)
            return self._stream(accept.parts, parts)
        async with while_connected(request):
            if self._traces and HEADER in request.headers:
                return _traced(*await traced(self._service, operation, began), media_type)
            answer = await self._service.answer(operation)
        if request.method == "GET":
            return self._cacheable(request, answer, media_type)
        return _response(answer, media_type)

    def _stream(self, framing: str, answers: AsyncGenerator[Answer]) -> Response:
        self._openings.check()
        return stream(framing, answers, self._openings, self._heartbeat)

    async def _answer_all(self, batch: Sequence[Asked]) -> Response:
        answers = await asyncio.gather(*(self._one_of_batch(asked) for asked in batch))
        return Response(b"[" + b",".join(answers) + b"]", headers=VARY, media_type=JSON)

    async def _one_of_batch(self, asked: Asked) -> bytes:
        try:
            operation = self._service.prepare(asked)
            if operation.type is OperationType.SUBSCRIPTION:
                raise NotExecutable.because(
                    "BAD_USER_INPUT", "a subscription cannot be one of several"
                )
            return encode((await self._service.answer(operation)).content)
        except (Refused, NotExecutable) as reason:
            return encode({"errors": reason.errors})

    def _cacheable(self, request: Request, answer: Answer, media_type: str) -> Response:
        """The answer, or that the client has it already."""
        response = _response(answer, media_type)
        if "errors" in answer.content:
            return response
        tag = f'W/"{hashlib.blake2b(bytes(response.body), digest_size=16).hexdigest()}"'
        caching = VARY | {"cache-control": self._caching, "etag": tag}
        if tag in _tags(request):
            return Response(status_code=304, headers=caching)
        response.headers.update(caching)
        return response


async def _only(reason: NotExecutable) -> AsyncGenerator[Answer]:
    yield Answer({"errors": reason.errors}, is_executed=False)


def _transport(operation: Operation, accept: Accepted, *, is_get: bool) -> str:
    """The media type that an operation is answered in.  Raises Refused."""
    if operation.type is OperationType.SUBSCRIPTION:
        if accept.stream is not None:
            return accept.stream
        message = (
            f"a subscription is answered by a stream: accept {EVENT_STREAM} or {MULTIPART}, "
            "or use the WebSocket protocol graphql-transport-ws at this address"
        )
        raise Refused(406, "BAD_USER_INPUT", message)
    if is_get and operation.type is not OperationType.QUERY:
        message = f"a {operation.type.value} cannot be sent by GET; use POST"
        raise Refused(405, "BAD_USER_INPUT", message, {"allow": "POST"})
    if accept.single is not None:
        return accept.single
    if accept.stream == EVENT_STREAM:
        return EVENT_STREAM
    message = f"a {operation.type.value} has one answer; accept {GRAPHQL_RESPONSE} or {JSON}"
    raise Refused(406, "BAD_USER_INPUT", message)


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _tags(request: Request) -> set[str]:
    return {tag.strip() for tag in request.headers.get("if-none-match", "").split(",")}


def _traced(answer: Answer, body: bytes, media_type: str) -> Response:
    response = _response(answer, media_type, body)
    response.headers["cache-control"] = "no-store"
    return response


def _response(answer: Answer, media_type: str, body: bytes | None = None) -> Response:
    """The response, of the encoded answer if that is there already."""
    status = 200 if answer.is_executed or media_type != GRAPHQL_RESPONSE else 400
    headers = VARY | {"cache-control": "no-store"} if "errors" in answer.content else VARY
    return Response(body or encode(answer.content), status, headers, media_type)
