"""SQLAlchemy's and the drivers' errors, translated in this one place."""

from collections.abc import Generator
from contextlib import contextmanager

from sqlalchemy import exc

from backends.errors import StoreRejected, StoreTimeout, StoreUnavailable

_UNAVAILABLE = ("unable to open", "disk i/o error", "not a database", "malformed", "is closed")


@contextmanager
def translated(store: str) -> Generator[None]:
    """Raise what the driver raises as the error of ours that fits it."""
    try:
        yield
    except exc.TimeoutError as error:
        raise StoreTimeout(store, f"store {store}: no free connection in time") from error
    except exc.DBAPIError as error:
        reason = str(error.orig).strip()
        if "locked" in reason or "busy" in reason:
            message = f"store {store}: another process holds the lock on the database"
            raise StoreTimeout(store, message) from error
        if error.connection_invalidated or any(sign in reason for sign in _UNAVAILABLE):
            raise StoreUnavailable(store, f"store {store}: {reason}") from error
        raise StoreRejected(store, f"store {store}: {reason}") from error
    except exc.SQLAlchemyError as error:
        raise StoreRejected(store, f"store {store}: {error}") from error
    except OSError as error:
        raise StoreUnavailable(store, f"store {store}: {error}") from error
