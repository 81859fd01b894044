"""What is asked: a GraphQL request out of a body, a query string or a message of a socket."""

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request

from gateway.sections import LimitSettings
from gateway.transports.accept import JSON
from gateway.transports.refused import Refused

METHODS = ("GET", "POST")


class PersistedQuery(msgspec.Struct):
    """The hash of a document, in place of it or beside it."""

    version: int
    hash: str = msgspec.field(name="sha256Hash")


class Extensions(msgspec.Struct, rename="camel"):
    """Those that are known here; others stand for nothing."""

    persisted_query: PersistedQuery | None = None


class Asked(msgspec.Struct, rename="camel"):
    """A GraphQL request."""

    query: str | None = None
    document_id: str | None = None
    """Of a trusted document, or `sha256:` and the hash of a persisted one."""
    operation_name: str | None = None
    variables: msgspec.Raw = msgspec.Raw(b"null")
    extensions: Extensions | None = None

    def decoded_variables(self, most: int) -> dict[str, Any] | None:
        """The variables, of at most so many bytes.  Raises Refused."""
        given = bytes(self.variables)
        if len(given) > most:
            message = f"the variables are larger than {most:,} bytes (limits.variables_bytes)"
            raise Refused(413, "LIMIT_EXCEEDED", message)
        return decode(given, dict[str, Any] | None, "the variables")


class Reader:
    """Reads requests within the limits."""

    def __init__(self, limits: LimitSettings) -> None:
        self._limits = limits

    async def read(self, request: Request) -> Asked | Sequence[Asked]:
        """What is asked; several for a batch.  Raises Refused, ClientDisconnect."""
        if request.method == "GET":
            return _from_query(request)
        if request.method != "POST":
            allowed = ", ".join(METHODS)
            message = f"{request.method} is not allowed here; use {allowed}"
            raise Refused(405, "BAD_USER_INPUT", message, {"allow": allowed})
        content_type = request.headers.get("content-type", "")
        if content_type.split(";")[0].strip().lower() != JSON:
            message = f"content type {content_type[:80]!r} cannot be read; send {JSON}"
            raise Refused(415, "BAD_USER_INPUT", message)
        body = await self._body(request)
        if body.lstrip()[:1] == b"[":
            return self._batch(body)
        return decode(body, Asked, "the body")

    def _batch(self, body: bytes) -> Sequence[Asked]:
        most = self._limits.batch
        if not most:
            message = "the body is a list of requests, which limits.batch = 0 forbids; send one"
            raise Refused(400, "BAD_USER_INPUT", message)
        batch: list[Asked] = decode(body, list[Asked], "the body")
        if not batch:
            raise Refused(400, "BAD_USER_INPUT", "the body is an empty list of requests")
        if len(batch) > most:
            message = f"{len(batch):,} requests in one are too many; {most:,} may be (limits.batch)"
            raise Refused(413, "LIMIT_EXCEEDED", message)
        return batch

    async def _body(self, request: Request) -> bytes:
        most = self._limits.body_bytes
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > most:
                message = f"the body is larger than {most:,} bytes (limits.body_bytes)"
                raise Refused(413, "LIMIT_EXCEEDED", message)
        return bytes(body)


def decode(data: bytes | str, shape: Any, what: str) -> Any:
    """JSON from a client.  Raises Refused."""
    try:
        return msgspec.json.decode(data, type=shape)
    except UnicodeDecodeError:
        raise Refused(400, "BAD_USER_INPUT", f"{what}: not UTF-8") from None
    except RecursionError:
        raise Refused(400, "BAD_USER_INPUT", f"{what}: nested too deeply") from None
    except msgspec.DecodeError as error:
        raise Refused(400, "BAD_USER_INPUT", f"{what}: not of a GraphQL request: {error}") from None


def _from_query(request: Request) -> Asked:
    given = request.query_params
    if not any(name in given for name in ("query", "documentId", "extensions")):
        raise Refused(400, "BAD_USER_INPUT", "the parameter query is missing")
    return Asked(
        query=given.get("query"),
        document_id=given.get("documentId"),
        operation_name=given.get("operationName") or None,
        variables=msgspec.Raw((given.get("variables") or "null").encode()),
        extensions=_extensions(given.get("extensions") or "null"),
    )


def _extensions(text: str) -> Extensions | None:
    return decode(text.encode(), Extensions | None, "the parameter extensions")
