"""A stand-in for a Qdrant server, over either interface: notes what it is asked and gives canned answers."""

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import msgspec
from qdrant_client import grpc as proto
from qdrant_client import models
from qdrant_client.conversions.conversion import GrpcToRest

from tests.servers.played import playing

INTERFACES = ("grpc", "rest")


class Asked(msgspec.Struct):
    """What came over the wire: batches of queries, the far ends, the headers of each request."""

    batches: list[list[models.QueryRequest]] = []
    peers: set[str] = set()
    headers: list[dict[str, str]] = []


@asynccontextmanager
async def serving(
    interface: str, port: int, *, certificate: tuple[Path, Path] | None = None
) -> AsyncGenerator[Asked]:
    """A server whose points all have the digest `digest`, and that finds `hit` for every query."""
    asked = Asked()
    serve = _serving_grpc if interface == "grpc" else _serving_rest
    async with serve(port, asked, certificate):
        yield asked


@asynccontextmanager
async def _serving_grpc(
    port: int, asked: Asked, certificate: tuple[Path, Path] | None
) -> AsyncGenerator[None]:
    async def get(request: Any, context: Any) -> Any:
        _note(asked, context)
        payload = {"digest": proto.Value(string_value="digest")}
        found = [proto.RetrievedPoint(id=id, payload=payload) for id in request.ids]
        return proto.GetResponse(result=found)

    async def query_batch(request: Any, context: Any) -> Any:
        _note(asked, context)
        asked.batches.append([GrpcToRest.convert_query_points(q) for q in request.query_points])
        payload = {name: proto.Value(string_value=value) for name, value in HIT.items()}
        hit = proto.ScoredPoint(id=proto.PointId(num=1), payload=payload, score=0.5)
        return proto.QueryBatchResponse(
            result=[proto.BatchResult(result=[hit]) for _ in request.query_points]
        )

    server = grpc.aio.server()
    handlers = {
        "Get": _handler(get, proto.GetPoints, proto.GetResponse),
        "QueryBatch": _handler(query_batch, proto.QueryBatchPoints, proto.QueryBatchResponse),
    }
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("qdrant.Points", handlers)]
    )
    if certificate is None:
        server.add_insecure_port(f"127.0.0.1:{port}")
    else:
        chain, key = (path.read_bytes() for path in certificate)
        server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([(key, chain)]))
    await server.start()
    try:
        yield
    finally:
        await server.stop(None)


def _handler(behave: Callable[..., Any], request: Any, response: Any) -> Any:
    return grpc.unary_unary_rpc_method_handler(
        behave,
        request_deserializer=request.FromString,
        response_serializer=response.SerializeToString,
    )


def _note(asked: Asked, context: Any) -> None:
    asked.peers.add(context.peer())
    asked.headers.append(dict(context.invocation_metadata()))


HIT = {"key": "hit", "model": "model"}


@asynccontextmanager
async def _serving_rest(
    port: int, asked: Asked, certificate: tuple[Path, Path] | None
) -> AsyncGenerator[None]:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.peers.add(str(writer.get_extra_info("peername")))
        while not reader.at_eof():
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = json.loads(await reader.readexactly(int(headers["content-length"])))
            asked.headers.append(headers)
            answer = json.dumps({"result": _result(asked, head[0], body), "status": "ok"})
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
                + f"content-length: {len(answer)}\r\n\r\n{answer}".encode()
            )
            await writer.drain()

    context = None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
    async with playing(talk, port=port, ssl=context):
        yield


@asynccontextmanager
async def silence() -> AsyncGenerator[tuple[int, asyncio.Event]]:
    """A port where somebody listens and says nothing, and the sign that something was said to them."""
    met = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read(1)
        met.set()
        await reader.read()

    async with playing(hold) as port:
        yield port, met


def _result(asked: Asked, line: str, body: Any) -> Any:
    """The answer to one of the two requests that the tests make."""
    if "/points/query/batch" not in line:
        return [{"id": id, "payload": {"digest": "digest"}} for id in body["ids"]]
    asked.batches.append(
        [models.QueryRequest.model_validate_json(json.dumps(each)) for each in body["searches"]]
    )
    hit = {"id": 1, "version": 0, "score": 0.5, "payload": HIT}
    return [{"points": [hit]} for _ in body["searches"]]
