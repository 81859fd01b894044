"""Bringing a PostgreSQL database up to date: Alembic, then what depends on the configuration.

    schema          the revisions, for both dialects the same
    extension       pgvector, where vectors are kept
    table           of vectors
    index           HNSW, for each kind and the embedder's dimension
    words           in the language that is configured

One transaction under an advisory lock: two that migrate at once wait for one another, and what fails
leaves everything as it was.
"""

from collections.abc import Callable

from alembic import command
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, Connection, NullPool, func, inspect, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from backends.errors import StoreRejected
from backends.records import Kind, Needs
from backends.sql.errors import translated
from backends.sql.postgres import words
from backends.sql.postgres.dialect import WRITERS
from backends.sql.postgres.tables import HALF_BEYOND, LONGEST, VectorOf
from backends.sql.revisions import config, head, refuse_newer

Change = tuple[str, Callable[[Connection], object]]
"""What is to be done, in words and in deed."""


class Migration:
    """What one database needs."""

    def __init__(self, store: str, url: URL, needs: Needs, language: str) -> None:
        self._store = store
        self._url = url
        self._needs = needs
        self._language = language

    async def run(self, *, dry_run: bool) -> list[str]:
        """Make the changes, or only say them."""
        engine = create_async_engine(self._url, poolclass=NullPool)
        try:
            with translated(self._store):
                async with engine.connect() as connection:
                    done = await connection.run_sync(self._run, dry_run)
                    await connection.commit()
                    return done
        finally:
            await engine.dispose()

    def _run(self, connection: Connection, dry_run: bool) -> list[str]:
        if not dry_run:
            connection.execute(select(func.pg_advisory_xact_lock(WRITERS)))
        done: list[str] = []
        for find in (self._schema, self._extension, self._table, self._indexes, self._words):
            for change, make in find(connection):
                done.append(change)
                if not dry_run:
                    make(connection)
        return done

    def _schema(self, connection: Connection) -> list[Change]:
        revision = MigrationContext.configure(connection).get_current_revision()
        refuse_newer(self._store, "the database", revision)
        if revision == head():
            return []
        change = f"schema: {revision or 'none'} to {head()}"
        return [(change, lambda connection: command.upgrade(config(connection), "head"))]

    def _extension(self, connection: Connection) -> list[Change]:
        if not self._needs.vectors or _exists(connection, "pg_extension", "extname", "vector"):
            return []
        if not _exists(connection, "pg_available_extensions", "name", "vector"):
            raise StoreRejected(
                self._store,
                f"store {self._store}: the server has no pgvector, which vectors need; install it "
                "there (its package is called postgresql-…-pgvector), or assign [roles] vectors "
                "to another store",
            )
        return [("extension: vector", _running("CREATE EXTENSION vector"))]

    def _table(self, connection: Connection) -> list[Change]:
        if not self._needs.vectors or inspect(connection).has_table("search_vector"):
            return []
        return [("table: search_vector", _running(_VECTOR_TABLE))]

    def _indexes(self, connection: Connection) -> list[Change]:
        dimension = self._needs.space.dimension
        if dimension > LONGEST:
            return []
        return [
            (f"index: {_index_name(kind, dimension)}", _running(_index(kind, dimension)))
            for kind in sorted(self._needs.vectors, key=lambda kind: kind.value)
            if not _exists(connection, "pg_class", "relname", _index_name(kind, dimension))
        ]

    def _words(self, connection: Connection) -> list[Change]:
        if not self._needs.keywords:
            return []
        language = self._language
        if not _exists(connection, "pg_ts_config", "cfgname", language):
            known = connection.scalars(text("SELECT cfgname FROM pg_ts_config ORDER BY 1"))
            raise StoreRejected(
                self._store,
                f"store {self._store}: the server has no text search configuration "
                f"{language!r}; it has {', '.join(known)}",
            )
        current = words.current_language(connection)
        if current == language:
            return []
        make = words.statements(connection, language)
        return [(f"words: {current or 'none'} to {language}", _running(*make))]


def _exists(connection: Connection, catalog: str, column: str, value: str) -> bool:
    statement = text(f"SELECT EXISTS (SELECT 1 FROM {catalog} WHERE {column} = :value)")
    return bool(connection.scalar(statement, {"value": value}))


def _running(*statements: str) -> Callable[[Connection], object]:
    def run(connection: Connection) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    return run


def _index_name(kind: Kind, dimension: int) -> str:
    return f"search_vector_{kind.value.lower()}_{dimension}"


def _index(kind: Kind, dimension: int) -> str:
    column = VectorOf(dimension).get_col_spec()
    operators = "halfvec_cosine_ops" if dimension > HALF_BEYOND else "vector_cosine_ops"
    return (
        f"CREATE INDEX {_index_name(kind, dimension)} ON search_vector "
        f"USING hnsw ((vector::{column}) {operators}) "
        f"WHERE kind = '{kind.value}' AND dimension = {dimension}"
    )


_VECTOR_TABLE = """
CREATE TABLE search_vector (
    entry_id bigint PRIMARY KEY REFERENCES search_entry (id) ON DELETE CASCADE,
    kind text COLLATE "C" NOT NULL,
    dimension integer NOT NULL,
    digest text COLLATE "C" NOT NULL,
    vector vector NOT NULL
)
"""
