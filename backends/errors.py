"""What can go wrong between us and a store.

    MemoryGatewayError
    ├── ConfigurationError        the settings name something that is not there
    │   └── MissingExtra          an optional driver is not installed
    ├── LimitExceeded             a question larger than a setting allows
    └── StoreError                names the store
        ├── StoreUnavailable      no connection, or it was lost
        ├── StoreTimeout          no answer in time
        ├── StoreRejected         the store refused the request
        │   ├── SchemaTooNew      the data was written by a later version
        │   ├── SchemaTooOld      the data must be migrated first
        │   └── VectorSpaceMismatch  another model or dimension made the vectors
        └── NotSupported          the assigned store lacks the capability

Adapters raise only these, translated from their driver's errors in one place each.
"""

from typing import ClassVar


class MemoryGatewayError(Exception):
    """The root of our errors.  `code` is the `extensions.code` that a client sees."""

    code: ClassVar[str] = "INTERNAL"


class ConfigurationError(MemoryGatewayError):
    """The configuration names something that does not exist or does not fit."""


class MissingExtra(ConfigurationError):
    """An optional driver is not installed; the message names the extra to install."""


class LimitExceeded(MemoryGatewayError):
    """A question needs more work than a setting allows."""

    code = "LIMIT_EXCEEDED"


class StoreError(MemoryGatewayError):
    """A store did not do what it was asked.  `store` is its name in the configuration."""

    code = "STORE_REJECTED"

    def __init__(self, store: str, message: str) -> None:
        super().__init__(message)
        self.store = store


class StoreUnavailable(StoreError):
    """No connection to the store, or it was lost."""

    code = "STORE_UNAVAILABLE"


class StoreTimeout(StoreError):
    """The store did not answer within its time."""

    code = "STORE_TIMEOUT"


class StoreRejected(StoreError):
    """The store answered, and refused."""

    code = "STORE_REJECTED"


class SchemaTooNew(StoreRejected):
    """The data was written by a later version of this program."""


class SchemaTooOld(StoreRejected):
    """The data was written by an earlier version and has not been migrated."""


class VectorSpaceMismatch(StoreRejected):
    """The vectors of a kind were made by another model, or have another dimension."""


class NotSupported(StoreError):
    """The store that plays the role lacks the capability."""

    code = "NOT_SUPPORTED"
