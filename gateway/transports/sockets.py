"""GraphQL over WebSocket: the protocol graphql-transport-ws.

What is wrong with an operation ends that operation with an `error`; only what breaks the protocol itself
closes the socket, with the protocol's own codes.
"""

import asyncio
from collections.abc import Collection
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from gateway.errors import plain, unexpected
from gateway.execution.encoding import encode
from gateway.sections import StreamSettings
from gateway.settings import Settings
from gateway.transports.asked import Asked, decode
from gateway.transports.openings import Openings
from gateway.transports.refused import NotExecutable, Refused
from gateway.transports.service import Service

PROTOCOL = "graphql-transport-ws"

NORMAL = 1000
GOING_AWAY = 1001
TRY_AGAIN_LATER = 1013
BAD_MESSAGE = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
NO_PROTOCOL = 4406
INIT_TIMEOUT = 4408
OPERATION_EXISTS = 4409
TOO_MANY_INITS = 4429


class Message(msgspec.Struct):
    """What a client says."""

    type: str
    id: str | None = None
    payload: msgspec.Raw = msgspec.Raw(b"null")


class Closed(Exception):
    """The socket is to be closed: the code and the reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class SocketEndpoint:
    """Answers WebSockets at `/graphql`."""

    def __init__(self, service: Service, openings: Openings, settings: Settings) -> None:
        self._service = service
        self._openings = openings
        self._origins = settings.http.cors_origins
        self._settings = settings.streams

    async def __call__(self, socket: WebSocket) -> None:
        """Converse until either side ends it."""
        if not _is_welcome(socket, self._origins):
            await socket.close(FORBIDDEN)  # not accepted yet: it is an HTTP 403
            return
        if PROTOCOL not in socket.scope["subprotocols"]:
            await _refuse(socket, Closed(NO_PROTOCOL, f"the subprotocol must be {PROTOCOL}"))
            return
        try:
            self._openings.check()
        except Refused as refusal:
            await _refuse(socket, Closed(TRY_AGAIN_LATER, str(refusal)))
            return
        with self._openings.one():
            await socket.accept(PROTOCOL)
            await _Conversation(socket, self._service, self._openings, self._settings).hold()


class _Conversation:
    """One socket's."""

    def __init__(
        self, socket: WebSocket, service: Service, openings: Openings, settings: StreamSettings
    ) -> None:
        self._socket = socket
        self._service = service
        self._openings = openings
        self._settings = settings
        self._is_acknowledged = False
        self._running: dict[str, asyncio.Task[None]] = {}

    async def hold(self) -> None:
        """Hear the client, and answer."""
        try:
            await self._hear_all()
        except Closed as closed:
            await _close(self._socket, closed)
        except WebSocketDisconnect:
            pass
        finally:
            tasks = list(self._running.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _hear_all(self) -> None:
        async with asyncio.timeout(self._settings.init_seconds) as patience:
            try:
                while not self._is_acknowledged:
                    await self._hear(await self._next_message())
                patience.reschedule(None)
            except asyncio.CancelledError:
                if patience.expired():
                    raise Closed(INIT_TIMEOUT, "Connection initialisation timeout") from None
                raise
        while True:
            await self._hear(await self._next_before_idle())

    async def _next_before_idle(self) -> Message:
        """The next message; a socket on which nothing runs is not kept for ever."""
        coming = asyncio.ensure_future(self._next_message())
        try:
            while not coming.done():
                await self._openings.wait(coming, self._settings.idle_seconds)
                if self._openings.is_ending:
                    raise Closed(GOING_AWAY, "the server ends")
                if not coming.done() and not self._running:
                    raise Closed(NORMAL, "idle")
            return coming.result()
        finally:
            coming.cancel()

    async def _next_message(self) -> Message:
        received = await self._socket.receive()
        if received["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(received.get("code", NORMAL))
        text = received.get("text")
        if text is None:
            raise Closed(BAD_MESSAGE, "a message is JSON in a text frame")
        try:
            return decode(text, Message, "the message")
        except Refused as refusal:
            raise Closed(BAD_MESSAGE, str(refusal)) from None

    async def _hear(self, message: Message) -> None:
        match message.type:
            case "connection_init":
                if self._is_acknowledged:
                    raise Closed(TOO_MANY_INITS, "Too many initialisation requests")
                self._is_acknowledged = True
                await self._say("connection_ack")
            case "ping":
                await self._say("pong")
            case "pong":
                pass
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                if (task := self._running.pop(message.id or "", None)) is not None:
                    task.cancel()
            case _:
                raise Closed(BAD_MESSAGE, f"a message of type {message.type[:40]!r} is not known")

    async def _subscribe(self, message: Message) -> None:
        if not self._is_acknowledged:
            raise Closed(UNAUTHORIZED, "Unauthorized")
        key = message.id
        if not key:
            raise Closed(BAD_MESSAGE, "subscribe needs an id")
        if key in self._running:
            raise Closed(OPERATION_EXISTS, f"Subscriber for {key[:60]} already exists")
        most = self._settings.operations
        if len(self._running) >= most:
            reason = f"{most:,} operations run on this socket, as many as may (streams.operations)"
            await self._say("error", key, [plain(reason, "LIMIT_EXCEEDED")])
            return
        task = asyncio.get_running_loop().create_task(self._run(key, message.payload))
        self._running[key] = task

    async def _run(self, key: str, payload: msgspec.Raw) -> None:
        try:
            errors = await self._answer(key, payload)
        except (Refused, NotExecutable) as reason:
            errors = reason.errors
        except WebSocketDisconnect:
            return
        except Exception as error:  # noqa: BLE001 - it ends this operation, not the socket
            errors = [unexpected(error)]
        # The client may use the id again as soon as it has heard that this is over.
        if self._running.get(key) is asyncio.current_task():
            del self._running[key]
        if errors:
            await self._say("error", key, errors)
        else:
            await self._say("complete", key)

    async def _answer(self, key: str, payload: msgspec.Raw) -> list[dict[str, Any]]:
        """Say the answers; gives the errors of what could not be executed."""
        operation = self._service.prepare(decode(bytes(payload), Asked, "the payload"))
        async with aclosing(self._service.answers(operation)) as answers:
            async for answer in answers:
                if not answer.is_executed:
                    return answer.content["errors"]
                await self._say("next", key, answer.content)
        return []

    async def _say(self, kind: str, key: str | None = None, payload: object = None) -> None:
        message: dict[str, object] = {"type": kind}
        if key is not None:
            message["id"] = key
        if payload is not None:
            message["payload"] = payload
        try:
            await self._socket.send_text(encode(message).decode())
        except RuntimeError as error:  # it is closed already
            raise WebSocketDisconnect(NORMAL) from error


def _is_welcome(socket: WebSocket, origins: Collection[str]) -> bool:
    """Whether a page of this origin may ask: browsers let any page open a socket, and say whose it is."""
    origin = socket.headers.get("origin")
    if origin is None or "*" in origins or origin in origins:
        return True
    return urlsplit(origin).netloc == socket.headers.get("host")


async def _refuse(socket: WebSocket, closed: Closed) -> None:
    """Close a socket at once, so that the client learns why: before it is accepted there is no reason."""
    await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
    await _close(socket, closed)


async def _close(socket: WebSocket, closed: Closed) -> None:
    if socket.application_state is WebSocketState.CONNECTED:
        # A reason may take no more than 123 bytes.
        with suppress(WebSocketDisconnect):  # the client, or the server itself, was faster
            await socket.close(closed.code, closed.reason.encode()[:123].decode(errors="ignore"))
