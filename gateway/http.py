"""GraphQL over HTTP: requests in, answers out (the GraphQL-over-HTTP draft).

| answer as | request error (no data) | anything else |
|---|---|---|
| application/graphql-response+json | 400 | 200 |
| application/json | 200 if it was GraphQL, 400 if it was not | 200 |
"""

from typing import Any

import msgspec
import strawberry
from graphql import OperationDefinitionNode, OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from backends.federation import Federation
from gateway.connection import while_connected
from gateway.context import create_context
from gateway.errors import plain, present_all
from gateway.execution.encoding import encode
from gateway.explorer import explorer_page
from gateway.operations import Operations
from gateway.settings import Settings

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
METHODS = ("GET", "POST")
CLIENT_CLOSED_REQUEST = 499
"""What servers log when a client went away; not of the HTTP standard, and never sent."""


class Asked(msgspec.Struct, rename="camel"):
    """A GraphQL request."""

    query: str
    operation_name: str | None = None
    variables: dict[str, Any] | None = None
    extensions: dict[str, Any] | None = None


class Refused(Exception):
    """A request that is not executed: its status, code and reason."""

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers


class GraphQLEndpoint:
    """Answers `/graphql`."""

    def __init__(
        self, schema: strawberry.Schema, federation: Federation, settings: Settings
    ) -> None:
        self._operations = Operations(schema, settings)
        self._federation = federation
        self._settings = settings

    async def __call__(self, request: Request) -> Response:
        """Answer a request, whatever it is."""
        if request.method == "GET" and not request.url.query and _wants_page(request):
            return explorer_page()
        try:
            media_type = _media_type(request)
        except Refused as refusal:
            return _refusal(refusal, JSON)
        try:
            asked = await self._read(request)
            async with while_connected(request):
                return await self._answer(asked, media_type, may_write=request.method == "POST")
        except Refused as refusal:
            return _refusal(refusal, media_type)
        except ClientDisconnect:
            return Response(status_code=CLIENT_CLOSED_REQUEST)  # for the log: nobody receives it

    async def _answer(self, asked: Asked, media_type: str, *, may_write: bool) -> Response:
        prepared = self._operations.prepare(asked.query)
        if prepared.document is None or prepared.errors:
            return _failed(present_all(prepared.errors, executed=False), media_type)
        operation = prepared.operation(asked.operation_name)
        if operation is None:
            return _failed([_no_operation(asked)], media_type)
        _check_operation(operation, may_write)
        result = await self._operations.run(
            prepared.document,
            create_context(self._federation, self._settings),
            variables=asked.variables,
            operation_name=asked.operation_name,
        )
        errors = present_all(result.errors or [], executed=True)
        if result.data is None and _never_began(errors):
            return _failed(errors, media_type)
        answer: dict[str, Any] = {"data": result.data}
        if errors:
            answer["errors"] = errors
        return Response(encode(answer), media_type=media_type)

    async def _read(self, request: Request) -> Asked:
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
        return _decode(await self._body(request), Asked, "the body")

    async def _body(self, request: Request) -> bytes:
        most = self._settings.limits.body_bytes
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > most:
                message = f"the body is larger than {most:,} bytes"
                raise Refused(413, "LIMIT_EXCEEDED", message)
        return bytes(body)


def _from_query(request: Request) -> Asked:
    given = request.query_params
    if "query" not in given:
        raise Refused(400, "BAD_USER_INPUT", "the parameter query is missing")
    values: dict[str, Any] = {
        name: _decode(given[name].encode(), dict[str, Any] | None, f"the parameter {name}")
        for name in ("variables", "extensions")
        if given.get(name)
    }
    return Asked(query=given["query"], operation_name=given.get("operationName") or None, **values)


def _decode(data: bytes, shape: Any, what: str) -> Any:
    try:
        return msgspec.json.decode(data, type=shape)
    except UnicodeDecodeError:
        raise Refused(400, "BAD_USER_INPUT", f"{what} is not UTF-8") from None
    except RecursionError:
        raise Refused(400, "BAD_USER_INPUT", f"{what} is nested too deeply") from None
    except msgspec.DecodeError as error:
        raise Refused(400, "BAD_USER_INPUT", f"{what} is not a GraphQL request: {error}") from None


def _media_type(request: Request) -> str:
    """What the answer is to be: the first of the client's choices that is one of ours."""
    accept = request.headers.get("accept", "*/*")
    ranges = [part.split(";")[0].strip().lower() for part in accept.split(",")]
    for each in ranges:
        if each == GRAPHQL_RESPONSE:
            return GRAPHQL_RESPONSE
        if each in (JSON, "application/*", "*/*", ""):
            return JSON
    message = f"none of {accept[:120]!r} can be given; accept {GRAPHQL_RESPONSE} or {JSON}"
    raise Refused(406, "BAD_USER_INPUT", message)


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")


def _check_operation(operation: OperationDefinitionNode, may_write: bool) -> None:
    if not may_write and operation.operation is not OperationType.QUERY:
        message = f"a {operation.operation.value} cannot be sent by GET; use POST"
        raise Refused(405, "BAD_USER_INPUT", message, {"allow": "POST"})


def _no_operation(asked: Asked) -> dict[str, Any]:
    reason = (
        f"the document has no operation {asked.operation_name!r}"
        if asked.operation_name
        else "the document has several operations (or none); name one with operationName"
    )
    return plain(reason, "BAD_USER_INPUT")


def _never_began(errors: list[dict[str, Any]]) -> bool:
    """Whether errors are of variables, or of the choice of an operation: nothing was executed."""
    return any(
        "path" not in error and error["extensions"]["code"] == "BAD_USER_INPUT" for error in errors
    )


def _failed(errors: list[dict[str, Any]], media_type: str) -> Response:
    """A GraphQL request that was not executed."""
    status = 400 if media_type == GRAPHQL_RESPONSE else 200
    content = msgspec.json.encode({"errors": errors})
    return Response(content, status, media_type=media_type)


def _refusal(refusal: Refused, media_type: str) -> Response:
    """A request that was not GraphQL."""
    content = msgspec.json.encode({"errors": [plain(str(refusal), refusal.code)]})
    return Response(content, refusal.status, refusal.headers, media_type)
