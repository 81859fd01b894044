"""Answers that follow one another in one response: server-sent events (the distinct connections mode of the
GraphQL-SSE protocol), or the parts of a multipart body (Apollo's subscription protocol over HTTP)."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Protocol

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from gateway.errors import unexpected
from gateway.execution.encoding import encode
from gateway.incremental import FORMATS, OLDER
from gateway.transports.accept import EVENT_STREAM, MULTIPART
from gateway.transports.openings import Openings
from gateway.transports.service import Answer

BOUNDARY = "graphql"


class Framing(Protocol):
    """How answers stand in a body."""

    media_type: str
    start: bytes
    heartbeat: bytes
    """Says that the stream lives."""
    end: bytes

    def frame(self, answer: Answer) -> bytes:
        """One answer."""
        ...

    def failure(self, errors: Sequence[Mapping[str, Any]]) -> bytes:
        """That the stream cannot go on."""
        ...


class ServerSentEvents:
    """Events end in LF LF: there are clients that split there, and not at CR LF CR LF."""

    media_type = EVENT_STREAM
    start = b""
    heartbeat = b":\n\n"
    end = b"event: complete\ndata:\n\n"

    def frame(self, answer: Answer) -> bytes:
        """An event named next."""
        return b"event: next\ndata: " + encode(answer.content) + b"\n\n"

    def failure(self, errors: Sequence[Mapping[str, Any]]) -> bytes:
        """An event with nothing but errors."""
        return b"event: next\ndata: " + encode({"errors": errors}) + b"\n\n"


class Multipart:
    """Parts of JSON.  The delimiter goes out with the part that it ends: there are clients that wait for it."""

    media_type = f'{MULTIPART};boundary="{BOUNDARY}";subscriptionSpec=1.0'
    start = f"--{BOUNDARY}".encode()
    end = b"--\r\n"

    def __init__(self) -> None:
        self.heartbeat = self._part({})

    def frame(self, answer: Answer) -> bytes:
        """A part whose payload is the answer."""
        return self._part({"payload": answer.content})

    def failure(self, errors: Sequence[Mapping[str, Any]]) -> bytes:
        """A part whose errors stand beside the payload, not in it."""
        return self._part({"payload": None, "errors": errors})

    def _part(self, content: object) -> bytes:
        header = b"\r\ncontent-type: application/json\r\n\r\n"
        return header + encode(content) + f"\r\n--{BOUNDARY}".encode()


class Parts(Multipart):
    """Parts of one answer: each is a frame, without an envelope."""

    def __init__(self, form: str) -> None:
        super().__init__()
        name = "deferSpec" if form == OLDER else "incrementalSpec"
        self.media_type = f'{MULTIPART};boundary="{BOUNDARY}";{name}={form}'

    def frame(self, answer: Answer) -> bytes:
        """A part."""
        return self._part(answer.content)

    def failure(self, errors: Sequence[Mapping[str, Any]]) -> bytes:
        """The last part."""
        return self._part({"errors": errors, "hasNext": False})


FRAMINGS: Mapping[str, Framing] = {
    EVENT_STREAM: ServerSentEvents(),
    MULTIPART: Multipart(),
    **{form: Parts(form) for form in FORMATS},
}
"""By the media type of streams, and by the format of answers in parts."""


def stream(
    framing: str, answers: AsyncGenerator[Answer], openings: Openings, heartbeat: float
) -> StreamingResponse:
    """A response of answers as they come, framed as one of `FRAMINGS`, with a heartbeat after so many seconds
    without one."""
    return _Stream(FRAMINGS[framing], answers, openings, heartbeat)


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
    if framing.start:
        yield framing.start
    try:
        async with aclosing(paced(answers, openings, heartbeat)) as coming:
            async for answer in coming:
                yield framing.heartbeat if answer is None else framing.frame(answer)
    except Exception as error:  # noqa: BLE001 - the stream has begun: there is no status left to say it
        yield framing.failure([unexpected(error)])
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
