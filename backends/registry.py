"""Kinds of store by name, each imported when it is first used.

A kind is an entry point of the group `memory_gateway.backends` that names a class: built with a name
and an instance of its `Options` (a msgspec struct), it is a `backends.roles.Store`.
"""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol

import msgspec

from backends.errors import ConfigurationError, MissingExtra
from backends.roles import Store

GROUP = "memory_gateway.backends"
BUILT_IN = {
    "memory": "backends.memory.store:MemoryStore",
    "neo4j": "backends.neo4j.store:Neo4jStore",
    "qdrant": "backends.qdrant.store:QdrantStore",
    "redis": "backends.redis.store:RedisStore",
    "sql": "backends.sql.store:SqlStore",
}
"""Ours, so that a source tree works before it is installed."""


class StoreClass(Protocol):
    """What an entry point names."""

    Options: type[msgspec.Struct]

    def __call__(self, name: str, options: Any) -> Store:
        """Build the store; no I/O."""
        ...


def kinds() -> list[str]:
    """The kinds that are installed."""
    return sorted({*BUILT_IN, *entry_points(group=GROUP).names})


def create(kind: str, name: str, options: Mapping[str, object]) -> Store:
    """Build the store `name` of a kind from its options in the configuration."""
    store_class = load(kind, name)
    try:
        parsed = msgspec.convert(dict(options), store_class.Options, strict=False)
    except msgspec.ValidationError as error:
        known = ", ".join(field.name for field in msgspec.structs.fields(store_class.Options))
        raise ConfigurationError(
            f"[stores.{name}]: {error}; a store of kind {kind!r} takes {known}"
        ) from error
    return store_class(name, parsed)


def load(kind: str, name: str) -> StoreClass:
    """The class of a kind, for the store `name`.  Raises ConfigurationError or MissingExtra."""
    found = list(entry_points(group=GROUP, name=kind))
    if not found and kind in BUILT_IN:
        found = [EntryPoint(kind, BUILT_IN[kind], GROUP)]
    if not found:
        raise ConfigurationError(
            f"[stores.{name}]: unknown kind {kind!r}; installed are {', '.join(kinds())}"
        )
    try:
        return found[0].load()
    except ImportError as error:
        raise MissingExtra(
            f"[stores.{name}]: kind {kind!r} needs a driver that is not installed ({error}); "
            f"pip install 'memory-gateway[{kind}]'"
        ) from error
