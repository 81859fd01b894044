"""`memory-gateway copy`: a memory from one federation into another, and both counted afterwards.

    source: scan ── whole records, by key ──────────────► Writer ──► target
            vectors ── by the digest of their text ─────►

A sort comes after those that its entries in the search index are made of: a chunk's source is its
document's, a fact's text may be its entities' names.  Written again, a record is found unchanged: so an
interrupted copy is run again, and goes on.
"""

import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import msgspec
from rich.console import Console
from rich.table import Table

from backends.errors import NotSupported, SchemaTooOld
from backends.federation import Federation, FederationConfig, StoreConfig
from backends.ingest.interchange import Loaded
from backends.ingest.writer import Tally, Writer
from backends.moment import ALL_TIME
from backends.records import (
    KIND_OF,
    ChunkFilter,
    DocumentFilter,
    EntityFilter,
    EpisodeFilter,
    FactFilter,
    Kind,
    Mention,
    Moment,
    Outcome,
    Scope,
)
from backends.roles import Vector
from gateway.migrating import some
from gateway.progress import JobProgress

BATCH = 1_000
"""Records that are read at once, and written in one transaction."""
COUNTED = 10_000
"""Mentions that are read at once to count them."""

Counts = Mapping[str, int]
"""How many records there are of each sort."""

_Scan = Callable[[Scope, Any, int], Awaitable[Sequence[Loaded]]]


class Memory(msgspec.Struct, frozen=True):
    """What a federation holds for one tenant."""

    federation: Federation
    scope: Scope


class Copied(msgspec.Struct, frozen=True, kw_only=True):
    """What a copy came to.  `before` is what the target held already; the counts of `source` and
    `target` are read from the stores when all is written; `vectors` were not made again."""

    tally: Tally
    vectors: int
    seconds: float
    before: Counts
    source: Counts
    target: Counts

    @property
    def complete(self) -> bool:
        """Whether the target has as many of each sort, or more where it was not empty."""
        return not any(self.missing(sort) or self.unexplained(sort) for sort in self.source)

    def missing(self, sort: str) -> int:
        """How many the target has too few."""
        return max(0, self.source[sort] - self.target[sort])

    def more(self, sort: str) -> int:
        """How many the target has beyond those of the source."""
        return max(0, self.target[sort] - self.source[sort])

    def unexplained(self, sort: str) -> bool:
        """Whether the target has more though it was empty."""
        return self.more(sort) > 0 and self.before[sort] == 0


async def copy(source: Memory, target: Memory, *, console: Console) -> Copied:
    """Copy everything.  Raises SchemaTooOld if the target has not been migrated."""
    await _check_migrated(target.federation)
    before = await count(target)
    total = sum((await count(source)).values())
    writer, vectors = Writer(target.federation, target.scope), _Vectors(source, target)
    tally: Tally = Counter()
    taken, started = 0, time.monotonic()
    with JobProgress(console, "copy", total) as progress:
        async for sort, records in _records(source):
            known = await vectors.of(records)
            taken += len(known)
            writer.know(known)
            tally += await writer.write(records)
            progress.reached(tally.total(), sort)
            progress.wrote(tally.total())
    return Copied(
        tally=tally,
        vectors=taken,
        seconds=time.monotonic() - started,
        before=before,
        source=await count(source),
        target=await count(target),
    )


def print_copied(copied: Copied, console: Console) -> None:
    """The comparison, and what was written."""
    table = Table(title="Copied")
    table.add_column("")
    for side in ("source", "target"):
        table.add_column(side, justify="right")
    table.add_column("")
    for sort, number in copied.source.items():
        table.add_row(sort, f"{number:,}", f"{copied.target[sort]:,}", _remark(copied, sort))
    console.print(table)
    written = ", ".join(
        f"{sum(count for (_, each), count in copied.tally.items() if each is outcome):,} "
        f"{outcome.value}"
        for outcome in Outcome
    )
    rate = copied.tally.total() / copied.seconds if copied.seconds else 0
    console.print(
        f"{copied.tally.total():,} records in {copied.seconds:.1f} s ({rate:,.0f} a second): "
        f"{written}; {copied.vectors:,} vectors taken over",
        soft_wrap=True,
    )


async def count(memory: Memory) -> dict[str, int]:
    """How many records of each sort a memory has, whether their ends are loaded or not."""
    federation, scope = memory.federation, memory.scope
    ever, whole = Moment(ALL_TIME, ALL_TIME), FactFilter(include_invalidated=True)
    return {
        "document": await _or_zero(federation.documents.count(scope, DocumentFilter())),
        "chunk": await _or_zero(federation.chunks.count(scope, ChunkFilter())),
        "entity": await _or_zero(federation.entities.count(scope, EntityFilter())),
        "fact": await _or_zero(federation.facts.count(scope, whole, ever)),
        "episode": await _or_zero(federation.episodes.count(scope, EpisodeFilter(), ALL_TIME)),
        "mention": await _count_mentions(memory),
    }


def same_place(one: FederationConfig, other: FederationConfig) -> bool:
    """Whether every role of both is played at the same address, as far as the settings tell.

    The roles are to name stores that exist, as those of a `Federation` do.
    """
    return _places(one) == _places(other)


class _Vectors:
    """The vectors of the source that the target's embedder would make again."""

    def __init__(self, source: Memory, target: Memory) -> None:
        self._source = source
        self._wanted = target.federation.vectors.keys() - {Kind.DOCUMENT}
        """A document's vector is made of its chunks'."""
        self._space = target.federation.embedder.space

    async def of(self, records: Sequence[Loaded]) -> dict[str, Vector]:
        """The vectors of these records, by the digest of the text that each was made from."""
        kind = KIND_OF.get(cast("Any", type(records[0])))
        role = self._source.federation.vectors.get(kind) if kind in self._wanted else None
        if kind is None or role is None:
            return {}
        scope, keys = self._source.scope, [cast("Any", record).key for record in records]
        try:
            if (await role.spaces(scope)).get(kind) != self._space:
                return {}
        except NotSupported:
            return {}
        digests = await role.digests(scope, kind, keys)
        vectors = await role.get_many(scope, kind, keys)
        return {
            digest: vector
            for digest, vector in zip(digests, vectors, strict=True)
            if digest is not None and vector is not None
        }


async def _check_migrated(target: Federation) -> None:
    for name, store in target.stores.items():
        if changes := await store.migrate(target.needs_of(name), dry_run=True):
            raise SchemaTooOld(
                name,
                f"store {name}: the target has not been migrated ({some(changes)}); run "
                "`memory-gateway migrate` with its configuration first",
            )


async def _records(memory: Memory) -> AsyncGenerator[tuple[str, Sequence[Loaded]]]:
    """Batches of each sort, in the order in which they are to be written."""
    federation = memory.federation
    scans: dict[str, _Scan] = {
        "documents": federation.documents.scan,
        "entities": federation.entities.scan,
        "chunks": federation.chunks.scan,
        "episodes": federation.episodes.scan,
        "facts": federation.facts.scan,
        "mentions": federation.mentions.scan,
    }
    for sort, scan in scans.items():
        async for batch in _batches(scan, memory.scope, BATCH):
            yield sort, batch


async def _batches(scan: _Scan, scope: Scope, limit: int) -> AsyncGenerator[Sequence[Loaded]]:
    """All that a role holds, by key; nothing where the store does not play it."""
    after: Any = None
    try:
        while batch := await scan(scope, after, limit):
            yield batch
            last: Any = batch[-1]
            after = last if isinstance(last, Mention) else last.key
    except NotSupported:
        return


async def _count_mentions(memory: Memory) -> int:
    batches = _batches(memory.federation.mentions.scan, memory.scope, COUNTED)
    return sum([len(batch) async for batch in batches])


async def _or_zero(counting: Awaitable[int]) -> int:
    """The number, 0 where the store does not play the role."""
    try:
        return await counting
    except NotSupported:
        return 0


def _remark(copied: Copied, sort: str) -> str:
    if missing := copied.missing(sort):
        return f"{missing:,} missing"
    if copied.unexplained(sort):
        return f"{copied.more(sort):,} more, though the target was empty"
    if more := copied.more(sort):
        return f"{more:,} more: the target was not empty"
    return "same"


def _places(config: FederationConfig) -> dict[str, tuple[object, ...]]:
    """Where each role's data is."""
    roles = config.roles
    players = {"texts": roles.texts, "graph": roles.graph}
    for role in ("keywords", "vectors"):
        players |= {f"{role}.{kind.value}": name for kind, name in getattr(roles, role).items()}
    return {role: _address(config.stores[name]) for role, name in players.items()}


def _address(store: StoreConfig) -> tuple[object, ...]:
    """Where a store's data is, whoever asks for it."""
    options = store.options
    url = urlsplit(str(options.get("url", "")))
    file = options.get("path") or (url.path[1:] if not url.netloc and not url.query else "")
    if file:
        return (Path(str(file)).resolve(),)
    parts = [options.get(name) for name in ("database", "prefix")]
    scheme = url.scheme.partition("+")[0]
    return (store.kind, scheme, url.hostname, url.port, url.path, url.query, *parts)
