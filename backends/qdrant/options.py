"""What `[stores.<name>]` takes for `kind = "qdrant"`."""

import re

import msgspec

from backends.errors import ConfigurationError

LOCAL = ":memory:"
"""The `url` of the client's local mode: collections in this process, for tests, gone when it is closed."""

LAYOUTS = ("native",)
_PREFIX = re.compile(r"[A-Za-z0-9_-]{1,200}")
"""What every version of the server takes in the name of a collection."""


class QdrantOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the server is and how it is spoken to.

    `url` is that of its REST interface (its scheme says whether there is TLS on both), `grpc_port` that of
    the other, which `prefer_grpc` chooses.  `ca_file` verifies the server, `cert_file` and `key_file` are
    shown to it; all three are PEM.  Times are in seconds; `request_timeout` bounds a request, writes
    included.
    """

    url: str = "http://localhost:6333"
    grpc_port: int = 6334
    prefer_grpc: bool = True
    api_key: str = ""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    prefix: str = "memory"
    layout: str = "native"
    pool_size: int = 20
    connect_timeout: float = 2.0
    request_timeout: int = 30

    @property
    def local(self) -> bool:
        """Whether there is no server."""
        return self.url == LOCAL


def checked(name: str, options: QdrantOptions) -> QdrantOptions:
    """The options.  Raises ConfigurationError for what no store can be made of."""
    for wrong, message in (
        (
            options.layout not in LAYOUTS,
            f"layout {options.layout!r} is not known; there is {', '.join(LAYOUTS)}",
        ),
        (
            not options.local and not options.url.startswith(("http://", "https://")),
            f"url {options.url!r} is not http://…, https://… or {LOCAL}",
        ),
        (
            not _PREFIX.fullmatch(options.prefix),
            f"prefix {options.prefix!r} is not 1 to 200 of A-Z, a-z, 0-9, _ and -",
        ),
        (
            options.pool_size < 1 or options.connect_timeout <= 0 or options.request_timeout < 1,
            "pool_size and request_timeout are at least 1, connect_timeout is more than 0",
        ),
        (
            bool(options.cert_file) != bool(options.key_file),
            "cert_file and key_file go together",
        ),
    ):
        if wrong:
            raise ConfigurationError(f"[stores.{name}]: {message}")
    return options
