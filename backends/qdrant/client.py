"""The driver's client, made of our options without a word to the server."""

import ssl
from pathlib import Path
from typing import Any

import httpx
from qdrant_client import AsyncQdrantClient

from backends.errors import ConfigurationError
from backends.qdrant.options import LOCAL, QdrantOptions
from backends.records import PoolStatus

RECONNECT = 2_000
"""Milliseconds, at most, between tries to reach a server that went away.  gRPC's own limit is two
minutes, for which a server that is back would still be called unavailable."""

KEEPALIVE = {"grpc.keepalive_time_ms": 30_000, "grpc.keepalive_timeout_ms": 10_000}
"""A connection over which nothing comes any more is given up after forty seconds."""

IDLE = 60.0
"""Seconds that an idle REST connection is kept."""


def make_client(name: str, options: QdrantOptions) -> AsyncQdrantClient:
    """A client that connects when it is first asked something.

    `check_compatibility` is off: it asks the server for its version on a thread, and only warns.
    Raises ConfigurationError for certificates that cannot be read.
    """
    if options.local:
        return AsyncQdrantClient(location=LOCAL)
    try:
        pool = _channels(options) if options.prefer_grpc else _connections(options)
        return AsyncQdrantClient(
            url=options.url,
            grpc_port=options.grpc_port,
            prefer_grpc=options.prefer_grpc,
            api_key=options.api_key or None,
            timeout=options.request_timeout,
            check_compatibility=False,
            **pool,
        )
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"[stores.{name}]: {error}") from error


def pool_of(options: QdrantOptions) -> PoolStatus | None:
    """What bounds the connections.

    Over gRPC `pool_size` connections carry any number of requests each, so nobody waits for one; over
    REST each carries one, and who waits `connect_timeout` in vain is told so.  In both a connection that
    the server has closed is found out before it is used, and none is replaced because of its age.
    """
    if options.local:
        return None
    wait = None if options.prefer_grpc else options.connect_timeout
    return PoolStatus(size=options.pool_size, in_use=None, wait=wait, recycle=None, checked=True)


def _channels(options: QdrantOptions) -> dict[str, Any]:
    """A fixed number of gRPC channels, each with a connection of its own (channels with the same settings
    share one unless told otherwise)."""
    return {
        "pool_size": options.pool_size,
        "grpc_options": {
            "grpc.use_local_subchannel_pool": 1,
            "grpc.initial_reconnect_backoff_ms": RECONNECT // 10,
            "grpc.max_reconnect_backoff_ms": RECONNECT,
            "grpc.min_reconnect_backoff_ms": int(options.connect_timeout * 1_000),
            **KEEPALIVE,
            "root_certificates": _pem(options.ca_file),
            "private_key": _pem(options.key_file),
            "certificate_chain": _pem(options.cert_file),
        },
    }


def _connections(options: QdrantOptions) -> dict[str, Any]:
    """A fixed number of REST connections.  They are kept open, to a server on this machine too, for which
    the client would open one a request."""
    size = options.pool_size
    bounds = httpx.Timeout(
        options.request_timeout, connect=options.connect_timeout, pool=options.connect_timeout
    ).as_dict()

    async def bound(request: httpx.Request) -> None:
        request.extensions["timeout"] = bounds

    return {
        "limits": httpx.Limits(
            max_connections=size, max_keepalive_connections=size, keepalive_expiry=IDLE
        ),
        "event_hooks": {"request": [bound]},
        **({"verify": _context(options)} if options.url.startswith("https") else {}),
    }


def _context(options: QdrantOptions) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=options.ca_file or None)
    if options.cert_file:
        context.load_cert_chain(options.cert_file, options.key_file)
    return context


def _pem(path: str) -> bytes | None:
    return Path(path).read_bytes() if path else None
