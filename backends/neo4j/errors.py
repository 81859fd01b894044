"""The driver's errors, translated in this one place."""

from collections.abc import Generator
from contextlib import contextmanager

from neo4j import exceptions as driver

from backends.errors import StoreError, StoreRejected, StoreTimeout, StoreUnavailable
from backends.neo4j.transport import lost

LONGEST = 400
"""Characters of a message that are told."""

_UNAVAILABLE = (
    driver.ServiceUnavailable,
    driver.SessionExpired,
    driver.DatabaseUnavailable,
    driver.NotALeader,
    driver.ForbiddenOnReadOnlyDatabase,
)
"""The server is not there, or not the one that can answer now."""

_TIMED_OUT = (
    "Neo.ClientError.Transaction.TransactionTimedOut",
    "Neo.ClientError.Transaction.TransactionTimedOutClientConfiguration",
    "Neo.TransientError.Transaction.BookmarkTimeout",
    "Neo.TransientError.Transaction.LockAcquisitionTimeout",
)


@contextmanager
def translated(store: str) -> Generator[None]:
    """Raise what the driver raises as the error of ours that fits it."""
    try:
        yield
    except (driver.DriverError, driver.Neo4jError) as error:
        raise _ours(store, error) from error
    except OSError as error:
        raise StoreUnavailable(store, f"store {store}: {error}") from error
    except RuntimeError as error:
        if not lost(error):
            raise
        raise StoreUnavailable(store, f"store {store}: the connection was lost") from error
    except (OverflowError, UnicodeError) as error:
        raise StoreRejected(store, f"store {store} cannot hold the value: {error}") from error


def _ours(store: str, error: driver.DriverError | driver.Neo4jError) -> StoreError:
    if isinstance(error, driver.ConnectionPoolError):
        return StoreTimeout(store, f"store {store}: no free connection in time")
    if isinstance(error, _UNAVAILABLE):
        return StoreUnavailable(store, f"store {store}: {_reason(error)}")
    if isinstance(error, driver.AuthError):
        message = f"store {store} refuses user and password: {_reason(error)}"
        return StoreRejected(store, message)
    if _from_server(error) and getattr(error, "code", None) in _TIMED_OUT:
        return StoreTimeout(store, f"store {store}: {_reason(error)}")
    return StoreRejected(store, f"store {store}: {_reason(error)}")


def _from_server(error: Exception) -> bool:
    """Whether the server said it: then it has a code and a message of its own, unless somebody else made
    the error, which then has neither."""
    return isinstance(error, driver.Neo4jError)


def _reason(error: driver.DriverError | driver.Neo4jError) -> str:
    """The error in one line, which a plan or a query in it does not make endless."""
    message: str | None = getattr(error, "message", None) if _from_server(error) else None
    return " ".join((message or str(error) or type(error).__name__).split())[:LONGEST]
