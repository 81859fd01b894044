"""The relational store: one engine, and every role played on it."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import msgspec
from sqlalchemy import URL, exc, func, make_url, select, text

from backends.errors import ConfigurationError
from backends.records import Health, Scope
from backends.sql import tables
from backends.sql.chunks import SqlChunks
from backends.sql.documents import SqlDocuments
from backends.sql.engine import SqlEngine
from backends.sql.entities import SqlEntities
from backends.sql.episodes import SqlEpisodes
from backends.sql.facts import SqlFacts
from backends.sql.keywords import SqlKeywords
from backends.sql.mentions import SqlMentions
from backends.sql.migrate import check, upgrade
from backends.sql.vectors import SqlVectors

DRIVER = "sqlite+aiosqlite"
FORM = f"write path = 'memory.db' or url = '{DRIVER}:///memory.db'"
_COUNTED = ("document", "chunk", "entity", "fact", "episode", "mention", "search_vector")


class SqlOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `[stores.<name>]` takes for `kind = "sql"`: the `path` of a file, or its `url`.

    `upgrade` brings an older file up to date when it is opened (with a backup beside it); without it an
    older file is refused.  `read_only` opens it without ever writing.
    """

    url: str = ""
    path: str = ""
    pool_size: int = 5
    upgrade: bool = True
    read_only: bool = False


class SqlStore:
    """A SQLite file that plays every role."""

    Options = SqlOptions
    engine = "sqlite"

    def __init__(self, name: str, options: SqlOptions) -> None:
        self.name = name
        self._upgrade = options.upgrade and not options.read_only
        self._sql = SqlEngine(
            name, _url(name, options), pool_size=options.pool_size, read_only=options.read_only
        )
        self.documents = SqlDocuments(self._sql)
        self.chunks = SqlChunks(self._sql)
        self.entities = SqlEntities(self._sql)
        self.facts = SqlFacts(self._sql)
        self.mentions = SqlMentions(self._sql)
        self.episodes = SqlEpisodes(self._sql)
        self.keywords = SqlKeywords(self._sql)
        self.vectors = SqlVectors(self._sql)

    @property
    def path(self) -> Path:
        """The database file."""
        return self._sql.path

    async def open(self) -> None:
        """Bring the schema up to date, or check that it is, and make the pool."""
        await (upgrade if self._upgrade else check)(self.name, self.path)
        await self._sql.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._sql.close()

    async def ping(self) -> Health:
        """Read one row."""
        await self._sql.scalar(text("SELECT 1"))
        return Health.UP

    def batch(self) -> AbstractAsyncContextManager[None]:
        """One transaction."""
        return self._sql.batch()

    async def counts(self, scope: Scope) -> dict[str, int]:
        """Rows of each table, of one tenant."""
        counts: dict[str, int] = {}
        for name in _COUNTED:
            table = tables.metadata.tables[name]
            statement = select(func.count()).select_from(table)
            if name == "search_vector":
                entry = tables.search_entry
                statement = statement.join(entry, entry.c.id == table.c.entry_id)
                table = entry
            statement = statement.where(table.c.tenant == scope.tenant)
            counts[name] = int(await self._sql.scalar(statement))
        return counts


def _url(name: str, options: SqlOptions) -> URL:
    """Where the file is.  Raises ConfigurationError for what is none."""
    if bool(options.url) == bool(options.path):
        raise ConfigurationError(f"[stores.{name}]: give path or url, one of the two")
    if options.path:
        return URL.create(DRIVER, database=options.path)
    try:
        url = make_url(options.url)
    except exc.ArgumentError as error:
        raise ConfigurationError(
            f"[stores.{name}]: url {options.url!r} is no URL; {FORM}"
        ) from error
    if url.drivername != DRIVER or not url.database:
        where = url.render_as_string(hide_password=True)
        raise ConfigurationError(f"[stores.{name}]: url {where!r} is no SQLite file; {FORM}")
    return url
