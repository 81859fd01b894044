"""The connections to one Redis: a pool of fixed size, each waited for, tried and used in bounded time."""

from typing import Any, cast
from urllib.parse import SplitResult, parse_qs, urlsplit

import msgspec
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import RedisError

from backends.errors import ConfigurationError, StoreUnavailable
from backends.records import PoolStatus
from backends.redis.errors import translated

FORM = "write redis://host:6379/0, rediss:// for TLS, or unix:///path/to/redis.sock"
SCHEMES = ("redis", "rediss", "unix")

IDLE = 30
"""Seconds after which a connection is tried (PING) before it is used."""


class RedisOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[stores.<name>]` takes for `kind = "redis"`.  Times in seconds; what all keys begin with.

    A call waits at most `pool_timeout` for a free connection, `connect_timeout` for a new one, and
    `call_timeout` for its answer.
    """

    url: str = "redis://localhost:6379/0"
    password: str | None = None
    prefix: str = "memory"
    pool_size: int = 20
    pool_timeout: float = 0.1
    connect_timeout: float = 0.5
    call_timeout: float = 0.1


class RedisClient:
    """Runs commands on connections that are made when they are first needed."""

    def __init__(self, name: str, options: RedisOptions) -> None:
        _check(name, options)
        self._name = name
        self._options = options
        self._pool: BlockingConnectionPool | None = None
        self._redis: Redis | None = None

    def open(self) -> None:
        """Make the pool; no I/O."""
        self._pool = _pool(self._options)
        self._redis = Redis(connection_pool=self._pool)

    async def close(self) -> None:
        """Let every connection go."""
        pool, self._pool, self._redis = self._pool, None, None
        if pool is not None:
            with translated(self._name):
                await pool.aclose()

    def check_open(self) -> None:
        """Raise StoreUnavailable where it is closed."""
        if self._redis is None:
            raise StoreUnavailable(self._name, f"store {self._name} is closed")

    async def run(self, *command: str | bytes | int) -> Any:
        """The reply to a command.  One that was lost with its connection is sent once more."""
        self.check_open()
        with translated(self._name):
            return await cast("Any", self._redis).execute_command(*command)

    def pool(self) -> PoolStatus:
        """The connections; how many are in use where the driver tells."""
        options = self._options
        count = getattr(self._pool, "get_connection_count", None)
        return PoolStatus(
            size=options.pool_size,
            in_use=count()[1][0] if count is not None else None,
            wait=options.pool_timeout,
            recycle=None,
            checked=True,
        )


def _check(name: str, options: RedisOptions) -> None:
    """Raise ConfigurationError for options that mean nothing.  Never repeats a URL: it may hold a password."""
    where = f"[stores.{name}]"
    for option in ("pool_size", "pool_timeout", "connect_timeout", "call_timeout"):
        if (value := getattr(options, option)) <= 0:
            raise ConfigurationError(f"{where}: {option} is {value}; it must be above 0")
    try:
        url = urlsplit(options.url)
        _check_url(url)
        _pool(options).make_connection()  # takes what it is given, or says what is wrong with it
    except (TypeError, ValueError, RedisError) as error:
        raise ConfigurationError(f"{where}: url: {error}; {FORM}") from error
    if url.password is not None and options.password is not None:
        raise ConfigurationError(f"{where}: a password is in url and given apart; use one of them")


def _check_url(url: SplitResult) -> None:
    """Raise ValueError for what the driver would read in a way of its own."""
    _ = url.port
    if url.scheme not in SCHEMES or (url.scheme == "unix" and not url.path):
        raise ValueError(f"its scheme is {url.scheme!r} and its path {url.path!r}")
    if url.scheme != "unix" and (number := url.path.strip("/")) and not number.isdecimal():
        raise ValueError(f"{url.path!r} is no number of a database")
    given = [key for key in parse_qs(url.query) if key != "db" and not key.startswith("ssl_")]
    if given:
        raise ValueError(
            f"it has {', '.join(given)}; it takes db, and ssl_… for TLS; the rest are options of their own"
        )


def _pool(options: RedisOptions) -> BlockingConnectionPool:
    given = {} if options.password is None else {"password": options.password}
    return BlockingConnectionPool.from_url(
        options.url,
        max_connections=options.pool_size,
        timeout=options.pool_timeout,
        socket_connect_timeout=options.connect_timeout,
        socket_timeout=options.call_timeout,
        health_check_interval=IDLE,
        protocol=2,  # saves a greeting on each new connection
        retry=Retry(NoBackoff(), 1, (LostConnection,)),
        **given,
    )
