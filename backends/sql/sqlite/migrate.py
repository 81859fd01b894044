"""Bringing an embedded file's schema up to date: Alembic under an exclusive lock, a backup first."""

import asyncio
import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

from alembic import command
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, NullPool, create_engine, exc

from backends.errors import SchemaTooOld, StoreError, StoreRejected, StoreUnavailable
from backends.sql.revisions import config, head, refuse_newer

T = TypeVar("T")

log = logging.getLogger(__name__)


async def upgrade(store: str, path: Path) -> None:
    """Create the file, or bring it up to date; a file that has rows is copied beside itself before."""
    await asyncio.to_thread(_guarded, store, path, _upgrade)


async def check(store: str, path: Path) -> None:
    """Refuse a file that is missing, older or newer than this program."""
    await asyncio.to_thread(_guarded, store, path, _check)


async def pending(store: str, path: Path) -> list[str]:
    """What `upgrade` would do, a line each."""
    return await asyncio.to_thread(_guarded, store, path, _pending)


def _guarded(store: str, path: Path, work: Callable[[str, Path], T]) -> T:
    try:
        return work(store, path)
    except StoreError:
        raise
    except (exc.SQLAlchemyError, sqlite3.Error, OSError) as error:
        reason = getattr(error, "orig", None) or error
        raise StoreUnavailable(store, f"store {store}: {path}: {reason}") from error


def _check(store: str, path: Path) -> None:
    if not path.exists():
        raise StoreUnavailable(
            store, f"store {store}: {path} does not exist; `memory-gateway load` creates it"
        )
    revision = _revision(path)
    if revision != head():
        refuse_newer(store, str(path), revision)
        if revision is None:
            _refuse_foreign(store, path)
        raise SchemaTooOld(
            store,
            f"store {store}: {path} has schema {revision or 'none'}, this program works with "
            f"{head()}; `memory-gateway serve` or `load` upgrades it",
        )


def _upgrade(store: str, path: Path) -> None:
    with _locked(store, path):
        # Opened to write: what a killed process left half-made is rolled back here.
        revision = _revision(path, mode="rw") if path.exists() else None
        if revision == head():
            return
        refuse_newer(store, str(path), revision)
        if revision is not None:
            _back_up(path, revision)
        elif path.exists() and path.stat().st_size:
            _refuse_foreign(store, path)
        with _connected(path, mode="rwc") as connection:
            # The driver begins no transaction before DDL; without one a kill leaves half a schema.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            command.upgrade(config(connection), "head")
            connection.exec_driver_sql("COMMIT")
        log.info("%s: schema %s", path, head())


def _revision(path: Path, *, mode: str = "ro") -> str | None:
    """The schema of a file; `None` if it has none."""
    with _connected(path, mode=mode) as connection:
        return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _connected(path: Path, *, mode: str) -> Generator[Connection]:
    """A connection that commits each statement unless told to begin."""
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(file_uri(path, mode), uri=True),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
    )
    with engine.connect() as connection:
        yield connection


def file_uri(path: Path, mode: str) -> str:
    """SQLite's name for a file, whatever characters its own name has."""
    return f"{path.absolute().as_uri()}?mode={mode}"


def _pending(store: str, path: Path) -> list[str]:
    revision = _revision(path) if path.exists() else None
    refuse_newer(store, str(path), revision)
    return [] if revision == head() else [f"{path}: schema {revision or 'none'} to {head()}"]


def _refuse_foreign(store: str, path: Path) -> None:
    with closing(sqlite3.connect(file_uri(path, "ro"), uri=True)) as connection:
        row = connection.execute("SELECT name FROM sqlite_master LIMIT 1").fetchone()
    if row is not None:
        raise StoreRejected(
            store, f"store {store}: {path} is another program's database (it has {row[0]!r})"
        )


def _back_up(path: Path, revision: str) -> None:
    copy = path.with_name(f"{path.name}.{revision}.bak")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    log.info("%s: copied to %s before the upgrade", path, copy)


@contextmanager
def _locked(store: str, path: Path) -> Generator[None]:
    """One process at a time; the lock is a file beside the database, let go even by a killed process."""
    if not path.parent.is_dir():
        raise StoreUnavailable(store, f"store {store}: the folder {path.parent} does not exist")
    handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
