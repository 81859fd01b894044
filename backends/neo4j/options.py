"""What `[stores.<name>]` takes for `kind = "neo4j"`, and what is wrong with it."""

from urllib.parse import urlsplit

import msgspec

from backends.errors import ConfigurationError

SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
LAYOUTS = ("native",)


class Neo4jOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the server is, who asks, and the pool.  Times in seconds.

    `url` is `neo4j://` for a cluster (its servers are found by routing) or `bolt://` for one server;
    `+s` encrypts and trusts the system's authorities, `+ssc` whatever certificate comes; `ca` names a
    file of authorities to trust instead, with a plain scheme.  An empty `user` sends no password.

    The pool holds at most `pool_size` connections for each server; who waits longer than `pool_timeout`
    for one is refused.  One that has been idle for `check_after` is tried before it is used, one older
    than `recycle` replaced.  A read or a single write that meets a lost connection is tried again for
    `retry_time`.  `language` is the analyzer of the full-text indexes.
    """

    url: str = "bolt://localhost:7687"
    user: str = "neo4j"
    password: str = ""
    database: str = "neo4j"
    layout: str = "native"
    language: str = "english"
    ca: str = ""
    pool_size: int = 20
    pool_timeout: float = 3.0
    connect_timeout: float = 3.0
    recycle: float = 3600.0
    check_after: float = 5.0
    retry_time: float = 0.5


def check(name: str, options: Neo4jOptions) -> None:
    """Raise ConfigurationError for options of the store `name` that cannot work."""
    url = urlsplit(options.url)
    if url.scheme not in SCHEMES or not url.hostname:
        raise ConfigurationError(
            f"[stores.{name}]: url {_shown(options.url)!r} is no address of a Neo4j server; write "
            f"bolt://host:7687 or neo4j://host:7687 (allowed: {', '.join(SCHEMES)})"
        )
    if url.username is not None or url.password is not None:
        raise ConfigurationError(f"[stores.{name}]: give user and password beside url, not in it")
    if options.layout not in LAYOUTS:
        raise ConfigurationError(
            f"[stores.{name}]: layout {options.layout!r} is not known; allowed: {', '.join(LAYOUTS)}"
        )
    if options.ca and "+" in url.scheme:
        raise ConfigurationError(
            f"[stores.{name}]: ca says whom to trust, and so does {url.scheme}://; "
            f"write url with {url.scheme.split('+')[0]}:// and ca"
        )
    for field in ("database", "language"):
        if not getattr(options, field):
            raise ConfigurationError(f"[stores.{name}]: {field} is empty")
    if options.pool_size < 1:
        raise ConfigurationError(
            f"[stores.{name}]: pool_size {options.pool_size} is too small; it is 1 or more"
        )
    for field in ("pool_timeout", "connect_timeout", "recycle", "check_after", "retry_time"):
        if getattr(options, field) < 0:
            raise ConfigurationError(
                f"[stores.{name}]: {field} {getattr(options, field):g} is negative; it is in seconds"
            )


def _shown(url: str) -> str:
    """A URL without what may be a password."""
    return url.split("@")[-1]
