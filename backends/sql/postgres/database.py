"""A PostgreSQL database, as a store sees it."""

from sqlalchemy import URL, text

from backends.errors import MissingExtra, SchemaTooOld
from backends.records import Needs
from backends.sql.engine import SqlEngine
from backends.sql.options import SqlOptions
from backends.sql.postgres.dialect import PoolOptions, PostgresDialect
from backends.sql.postgres.keywords import TsvectorKeywords
from backends.sql.postgres.migrate import Migration
from backends.sql.postgres.vectors import PgVectors
from backends.sql.revisions import head, refuse_newer

try:
    import asyncpg as _driver  # pyright: ignore[reportMissingTypeStubs]
except ImportError as error:
    raise MissingExtra(
        f"PostgreSQL needs a driver that is not installed ({error}); "
        "pip install 'memory-gateway[postgres]'"
    ) from error

del _driver


class PostgresDatabase:
    """A database on a server."""

    engine = "postgresql"

    def __init__(self, name: str, url: URL, read_url: URL | None, options: SqlOptions) -> None:
        self._name = name
        self._url = url
        self._language = options.language
        self.dialect = PostgresDialect(
            url,
            read_url=read_url,
            pool=PoolOptions(
                size=options.pool_size,
                wait=options.pool_timeout,
                connect=options.connect_timeout,
                recycle=options.pool_recycle,
                check_after=options.pre_ping,
            ),
            prepared_statements=options.prepared_statements,
            read_only=options.read_only,
        )

    def keywords(self, engine: SqlEngine) -> TsvectorKeywords:
        """Full text."""
        return TsvectorKeywords(engine, self._language)

    def vectors(self, engine: SqlEngine) -> PgVectors:
        """pgvector."""
        return PgVectors(engine)

    async def prepare(self) -> None:
        """Nothing: a server may be down now and up later, and `migrate` alone changes it."""

    async def check(self, engine: SqlEngine) -> None:
        """Read the revision."""
        revision = await engine.scalar(text("SELECT version_num FROM alembic_version"))
        refuse_newer(self._name, "the database", revision)
        if revision != head():
            raise SchemaTooOld(
                self._name,
                f"store {self._name}: the database has schema {revision or 'none'}, this program "
                f"works with {head()}; `memory-gateway migrate` upgrades it",
            )

    async def migrate(self, needs: Needs, *, dry_run: bool) -> list[str]:
        """Create the schema or bring it up to date, with what full text and vectors need."""
        return await Migration(self._name, self._url, needs, self._language).run(dry_run=dry_run)
