"""SQLAlchemy's and the drivers' errors, translated in this one place.

SQLite says what went wrong in words, PostgreSQL in five characters of which the first two name a class
(SQLSTATE, PostgreSQL's documentation, appendix A).
"""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import exc

from backends.errors import SchemaTooOld, StoreError, StoreRejected, StoreTimeout, StoreUnavailable
from backends.sql.columns import Unreadable

_UNAVAILABLE = ("unable to open", "disk i/o error", "not a database", "malformed", "is closed")
_AWAY = ("08", "57P", "53300", "58")
"""No connection; the server stops, starts or has no connection left; its disk fails."""
_LATE = ("57014", "55P03", "40")
"""Cancelled, a lock not had in time, a transaction that lost against another."""
_UNMADE = ("42P01", "42703", "42704", "42883", "3F000")
"""A table, column, type or function that `migrate` makes."""


@contextmanager
def translated(store: str) -> Generator[None]:
    """Raise what the driver raises as the error of ours that fits it."""
    try:
        yield
    except exc.TimeoutError as error:
        raise StoreTimeout(store, f"store {store}: no free connection in time") from error
    except exc.DBAPIError as error:
        raise _translate(store, error) from error
    except exc.SQLAlchemyError as error:
        raise StoreRejected(store, f"store {store}: {error}") from error
    except Unreadable as error:
        raise StoreRejected(store, f"store {store}: {error}") from error
    except TimeoutError as error:
        raise StoreTimeout(store, f"store {store}: no connection in time") from error
    except OSError as error:
        raise StoreUnavailable(store, f"store {store}: {error}") from error
    except RuntimeError as error:
        if "closed" not in str(error):  # uvloop's word for a write to a connection that was reset
            raise
        raise StoreUnavailable(store, f"store {store}: {error}") from error


def _translate(store: str, error: exc.DBAPIError) -> StoreError:
    reason = _reason(error)
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return _by_state(store, state, reason)
    if "locked" in reason or "busy" in reason:
        message = f"store {store}: another process holds the lock on the database"
        return StoreTimeout(store, message)
    if error.connection_invalidated or any(sign in reason for sign in _UNAVAILABLE):
        return StoreUnavailable(store, f"store {store}: {reason}")
    return StoreRejected(store, f"store {store}: {reason}")


def _by_state(store: str, state: str, reason: str) -> StoreError:
    message = f"store {store}: {reason}"
    if state.startswith(_AWAY):
        return StoreUnavailable(store, message)
    if state.startswith(_LATE):
        return StoreTimeout(store, message)
    if state in _UNMADE:
        return SchemaTooOld(store, f"{message}; `memory-gateway migrate` makes what is missing")
    return StoreRejected(store, message)


def _reason(error: exc.DBAPIError) -> str:
    """What the driver said, without SQLAlchemy's and the driver's class names."""
    cause = getattr(error.orig, "__cause__", None) or error.orig
    return str(cause).strip()
