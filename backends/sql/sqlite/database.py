"""The embedded file, as a store sees it."""

from sqlalchemy import URL, text

from backends.records import Needs
from backends.sql.engine import SqlEngine
from backends.sql.options import SqlOptions
from backends.sql.sqlite.dialect import SqliteDialect
from backends.sql.sqlite.keywords import Fts5Keywords
from backends.sql.sqlite.migrate import check, pending, upgrade
from backends.sql.sqlite.vectors import ExactVectors


class SqliteDatabase:
    """A file that holds everything."""

    engine = "sqlite"

    def __init__(self, name: str, url: URL, options: SqlOptions) -> None:
        self._name = name
        self._upgrade = options.upgrade and not options.read_only
        self.dialect = SqliteDialect(
            url,
            pool_size=options.pool_size,
            pool_timeout=options.pool_timeout,
            read_only=options.read_only,
        )

    def keywords(self, engine: SqlEngine) -> Fts5Keywords:
        """FTS5."""
        return Fts5Keywords(engine)

    def vectors(self, engine: SqlEngine) -> ExactVectors:
        """Compared in numpy."""
        return ExactVectors(engine)

    async def prepare(self) -> None:
        """Bring the file up to date, or check that it is."""
        await (upgrade if self._upgrade else check)(self._name, self.dialect.path)

    async def check(self, engine: SqlEngine) -> None:
        """Read one row."""
        await engine.scalar(text("SELECT 1"))

    async def migrate(self, needs: Needs, *, dry_run: bool) -> list[str]:
        """Create the file or bring it up to date; every role lives in the same tables."""
        changes = await pending(self._name, self.dialect.path)
        if not dry_run and changes:
            await upgrade(self._name, self.dialect.path)
        return changes
