"""redis-py's errors, translated in this one place."""

from collections.abc import Generator
from contextlib import contextmanager

from redis import exceptions

from backends.errors import StoreRejected, StoreTimeout, StoreUnavailable

REFUSALS = (exceptions.AuthenticationError, exceptions.AuthorizationError)
"""Told as lost connections, though the server answered and refused."""

LOST = (
    exceptions.ConnectionError,
    exceptions.ChildDeadlockedError,
    exceptions.ClusterDownError,
    exceptions.TryAgainError,
    OSError,
    EOFError,
    RuntimeError,  # uvloop's, for a write to a connection that was reset
)

OTHERS = (
    exceptions.RedisError,
    exceptions.RedisClusterException,
    exceptions.IncorrectPolicyType,
)


@contextmanager
def translated(store: str) -> Generator[None]:
    """Raise what the driver raises as the error of ours that fits it."""
    try:
        yield
    except exceptions.TimeoutError as error:
        raise StoreTimeout(store, f"store {store}: {error}") from error
    except REFUSALS as error:
        raise StoreRejected(store, f"store {store}: {error}") from error
    except LOST as error:
        if isinstance(error.__cause__, TimeoutError):  # what the pool says when nobody let one go
            message = f"store {store}: no free connection in time"
            raise StoreTimeout(store, message) from error
        raise StoreUnavailable(store, f"store {store}: {error}") from error
    except OTHERS as error:
        raise StoreRejected(store, f"store {store}: {error}") from error
