"""Answers that follow one another in one response: server-sent events (the distinct connections mode of the
GraphQL-SSE protocol), or the parts of a multipart body (Apollo's subscription protocol over HTTP)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from gateway.errors import unexpected
from gateway.execution.encoding import encode
from gateway.transports.accept import EVENT_STREAM, MULTIPART
from gateway.transports.openings import Openings
from gateway.transports.service import Answer

BOUNDARY = "graphql"


class Framing(Protocol):
    """How answers stand in a body."""

    media_type: str
    heartbeat: bytes
    """Says that the stream lives."""
    end: bytes

    def frame(self, answer: Answer) -> bytes:
        """One answer."""
        ...


class ServerSentEvents:
    """Events end in LF LF: there are clients that split there, and not at CR LF CR LF."""

    media_type = EVENT_STREAM
    heartbeat = b":\n\n"
    end = b"event: complete\ndata:\n\n"

    def frame(self, answer: Answer) -> bytes:
        """An event named next."""
        return b"event: next\ndata: " + encode(answer.content) + b"\n\n"


class Multipart:
    """Parts of JSON; what is wrong with the stream as a whole stands beside the payload, not in it."""

    media_type = f'{MULTIPART};boundary="{BOUNDARY}";subscriptionSpec=1.0'
    heartbeat = f"--{BOUNDARY}\r\ncontent-type: application/json\r\n\r\n{{}}\r\n".encode()
    end = f"--{BOUNDARY}--\r\n".encode()

    def frame(self, answer: Answer) -> bytes:
        """A part."""
        content = (
            {"payload": answer.content}
            if answer.is_executed
            else {"payload": None, "errors": answer.content["errors"]}
        )
        return (
            f"--{BOUNDARY}\r\ncontent-type: application/json\r\n\r\n".encode()
            + encode(content)
            + b"\r\n"
        )


FRAMINGS: dict[str, Framing] = {EVENT_STREAM: ServerSentEvents(), MULTIPART: Multipart()}


def stream(
    media_type: str, answers: AsyncGenerator[Answer], openings: Openings, heartbeat: float
) -> StreamingResponse:
    """A response of answers as they come, with a heartbeat after so many seconds without one."""
    return _Stream(FRAMINGS[media_type], answers, openings, heartbeat)


class _Stream(StreamingResponse):
    """Ends what it is made of, however it ends itself."""

    def __init__(
        self,
        framing: Framing,
        answers: AsyncGenerator[Answer],
        openings: Openings,
        heartbeat: float,
    ) -> None:
        self._openings = openings
        self._frames = _frames(framing, answers, openings, heartbeat)
        headers = {"cache-control": "no-store", "vary": "Accept", "x-accel-buffering": "no"}
        super().__init__(self._frames, headers=headers, media_type=framing.media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answers until there are no more, or the client goes away."""
        with self._openings.one():
            try:
                await super().__call__(scope, receive, send)
            finally:
                await self._frames.aclose()


async def _frames(
    framing: Framing, answers: AsyncGenerator[Answer], openings: Openings, heartbeat: float
) -> AsyncGenerator[bytes]:
    try:
        async with aclosing(paced(answers, openings, heartbeat)) as coming:
            async for answer in coming:
                yield framing.heartbeat if answer is None else framing.frame(answer)
    except Exception as error:  # noqa: BLE001 - the stream has begun: there is no status left to say it
        yield framing.frame(Answer({"errors": [unexpected(error)]}, is_executed=False))
    if not openings.is_ending:  # else there is more to come, from another server
        yield framing.end


async def paced(
    answers: AsyncGenerator[Answer], openings: Openings, seconds: float
) -> AsyncGenerator[Answer | None]:
    """The answers as they come, and `None` whenever so many seconds went by without one."""
    coming: asyncio.Future[Answer] | None = None
    try:
        while not openings.is_ending:
            coming = coming or asyncio.ensure_future(anext(answers))
            await openings.wait(coming, seconds)
            if not coming.done():
                yield None
                continue
            arrived, coming = coming, None
            try:
                answer = arrived.result()
            except StopAsyncIteration:
                return
            yield answer
    finally:
        if coming is not None:
            coming.cancel()
            await asyncio.wait((coming,))
        await answers.aclose()
