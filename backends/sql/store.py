"""The relational store: one engine, and every role played on it."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from sqlalchemy import URL, exc, func, make_url, select

from backends.errors import ConfigurationError
from backends.records import Health, Needs, PoolStatus, Scope
from backends.roles import Keywords, Vectors
from backends.sql import tables
from backends.sql.chunks import SqlChunks
from backends.sql.dialect import Dialect
from backends.sql.documents import SqlDocuments
from backends.sql.engine import SqlEngine
from backends.sql.entities import SqlEntities
from backends.sql.episodes import SqlEpisodes
from backends.sql.facts import SqlFacts
from backends.sql.mentions import SqlMentions
from backends.sql.options import SqlOptions

SQLITE, POSTGRES = "sqlite+aiosqlite", "postgresql+asyncpg"
FORM = (
    f"write path = 'memory.db', url = '{SQLITE}:///memory.db' or "
    f"url = '{POSTGRES}://user@host/database'"
)
_COUNTED = ("document", "chunk", "entity", "fact", "episode", "mention", "search_entry")


class Database(Protocol):
    """What a dialect brings beside the shared roles."""

    @property
    def engine(self) -> str:
        """Its name, as people know it."""
        ...

    @property
    def dialect(self) -> Dialect:
        """Its ways."""
        ...

    def keywords(self, engine: SqlEngine) -> Keywords:
        """The role in this dialect."""
        ...

    def vectors(self, engine: SqlEngine) -> Vectors:
        """The role in this dialect."""
        ...

    async def prepare(self) -> None:
        """Before the pools are made: bring a file up to date, or refuse it.  Servers wait for `migrate`."""
        ...

    async def check(self, engine: SqlEngine) -> None:
        """Read one row; refuse a schema of another time."""
        ...

    async def migrate(self, needs: Needs, *, dry_run: bool) -> list[str]:
        """See `roles.Store.migrate`."""
        ...


class SqlStore:
    """A SQLite file or a PostgreSQL database that plays every role but the cache."""

    Options = SqlOptions
    cache = None

    def __init__(self, name: str, options: SqlOptions) -> None:
        self.name = name
        self._database = _database(name, options)
        self.engine = self._database.engine
        self._sql = SqlEngine(name, self._database.dialect)
        self.documents = SqlDocuments(self._sql)
        self.chunks = SqlChunks(self._sql)
        self.entities = SqlEntities(self._sql)
        self.facts = SqlFacts(self._sql)
        self.mentions = SqlMentions(self._sql)
        self.episodes = SqlEpisodes(self._sql)
        self.keywords = self._database.keywords(self._sql)
        self.vectors = self._database.vectors(self._sql)

    async def open(self) -> None:
        """Make the pools; a file is brought up to date, or checked, before."""
        await self._database.prepare()
        await self._sql.open()

    async def close(self) -> None:
        """Close every connection."""
        await self._sql.close()

    async def ping(self) -> Health:
        """Read one row, and see that the schema is ours."""
        await self._database.check(self._sql)
        return Health.UP

    def batch(self) -> AbstractAsyncContextManager[None]:
        """One transaction."""
        return self._sql.batch()

    async def counts(self, scope: Scope) -> dict[str, int]:
        """Rows of each table, of one tenant."""
        counts: dict[str, int] = {}
        for name in _COUNTED:
            table = tables.metadata.tables[name]
            statement = (
                select(func.count()).select_from(table).where(table.c.tenant == scope.tenant)
            )
            counts[name] = int(await self._sql.scalar(statement))
        return counts

    def pool(self) -> PoolStatus:
        """The connections that read."""
        return self._sql.pool()

    async def migrate(self, needs: Needs, *, dry_run: bool = False) -> list[str]:
        """Create the schema, or bring it up to date."""
        return await self._database.migrate(needs, dry_run=dry_run)


def _database(name: str, options: SqlOptions) -> Database:
    """The dialect that the address asks for.  Raises ConfigurationError for what is no address."""
    url = _url(name, options)
    if url.drivername == POSTGRES:
        from backends.sql.postgres.database import PostgresDatabase  # its driver is an extra

        read_url = _parsed(name, options.read_url, options.password) if options.read_url else None
        return PostgresDatabase(name, url, read_url, options)
    from backends.sql.sqlite.database import SqliteDatabase

    return SqliteDatabase(name, url, options)


def _url(name: str, options: SqlOptions) -> URL:
    if bool(options.url) == bool(options.path):
        raise ConfigurationError(f"[stores.{name}]: give path or url, one of the two")
    if options.path:
        return URL.create(SQLITE, database=options.path)
    url = _parsed(name, options.url, options.password)
    if url.drivername not in (SQLITE, POSTGRES) or not url.database:
        where = url.render_as_string(hide_password=True)
        raise ConfigurationError(f"[stores.{name}]: url {where!r} names no database; {FORM}")
    return url


def _parsed(name: str, text: str, password: str) -> URL:
    try:
        url = make_url(text)
    except exc.ArgumentError as error:
        raise ConfigurationError(f"[stores.{name}]: url {text!r} is no URL; {FORM}") from error
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername=POSTGRES)
    return url.set(password=password) if password else url
