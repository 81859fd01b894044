"""`memory-gateway load`: files into a memory, with progress, and a table of what became of them."""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import BinaryIO

import msgspec
from rich.console import Console
from rich.table import Table

from backends.federation import Federation
from backends.ingest.interchange import Loaded
from backends.ingest.reader import Item, Rejection, Source, read
from backends.ingest.writer import Tally, Writer
from backends.records import Document, Outcome, Scope
from gateway.progress import JobProgress

BATCH = 1_000
"""Records of one transaction."""
SORTS = ("document", "chunk", "entity", "fact", "episode", "mention")
MOST_SHOWN = 50
"""Rejected lines that the report names; their number is always whole."""


class Report(msgspec.Struct):
    """What a load came to."""

    tally: Tally
    rejected: list[Rejection]
    rejected_count: int
    seconds: float

    @property
    def records(self) -> int:
        """Records that were read and written or found unchanged."""
        return self.tally.total()


class _Batch:
    """Records waiting to be written together."""

    def __init__(self) -> None:
        self.records: list[Loaded] = []
        self.whole_documents: list[str] = []

    def add(self, item: Item) -> None:
        self.records += item.records
        if item.whole_document:
            self.whole_documents += [
                each.key for each in item.records if isinstance(each, Document)
            ]


async def load(
    federation: Federation,
    scope: Scope,
    files: Sequence[Source],
    *,
    console: Console,
    stdin: BinaryIO | None = None,
) -> Report:
    """Load files in batches.  Stopped at any instant, it has lost nothing that it reported, and the same
    load again goes on from there."""
    writer = Writer(federation, scope)
    tally: Tally = Counter()
    rejected: list[Rejection] = []
    count, started, batch = 0, time.monotonic(), _Batch()
    with JobProgress(console, "load", sum(source.size for source in files)) as progress:
        for item in _items(files, stdin or sys.stdin.buffer, progress):
            if isinstance(item, Rejection):
                count += 1
                rejected += [item][: MOST_SHOWN - len(rejected)]
                continue
            batch.add(item)
            if len(batch.records) >= BATCH:
                tally += await writer.write(batch.records, batch.whole_documents)
                batch = _Batch()
                progress.wrote(tally.total())
        if batch.records:
            tally += await writer.write(batch.records, batch.whole_documents)
            progress.wrote(tally.total())
    return Report(tally, rejected, count, time.monotonic() - started)


def print_report(report: Report, console: Console) -> None:
    """The table, and each rejected line with its reason."""
    table = Table(title="Loaded" if report.records else "Nothing loaded")
    table.add_column("")
    for outcome in Outcome:
        table.add_column(outcome.value, justify="right")
    for sort in SORTS:
        counts = [report.tally[sort, outcome] for outcome in Outcome]
        if any(counts):
            table.add_row(sort, *(f"{count:,}" for count in counts))
    console.print(table)
    rate = report.records / report.seconds if report.seconds else 0
    console.print(f"{report.records:,} records in {report.seconds:.1f} s ({rate:,.0f} a second)")
    if report.rejected_count:
        console.print(f"rejected: {report.rejected_count:,}", style="bold red")
    for each in report.rejected:
        file = each.file.encode(errors="replace").decode()  # a name may be no UTF-8
        place = f"{file}:{each.line}" if each.line else file
        console.print(f"  {place}: {each.reason}", markup=False, highlight=False, soft_wrap=True)
    if report.rejected_count > len(report.rejected):
        console.print(f"  … and {report.rejected_count - len(report.rejected):,} more")


def _items(
    files: Sequence[Source], stdin: BinaryIO, progress: JobProgress
) -> Iterable[Item | Rejection]:
    behind = 0
    for source in files:
        for item in read(source, stdin):
            progress.reached(behind + item.read, source.path.name)
            yield item
        behind += source.size
