"""Files, folders and standard input as records, in order, with what was wrong where.

*.jsonl *.ndjson (.gz)      interchange lines
*.md *.markdown *.txt       documents, with their chunks
-                           interchange lines on standard input
"""

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from backends.ingest.interchange import LONGEST_KEY, Loaded, parse_line
from backends.ingest.markdown import read_markdown, read_text

LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
MARKDOWN = (".md", ".markdown")
TEXT = (".txt",)
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of a line or of a text file."""
STDIN = "-"

_ORDER = ("documents", "entities", "chunks", "episodes", "facts", "mentions")


class Item(msgspec.Struct, frozen=True):
    """What one line, or one text file, holds.  `read` is how many bytes of the file are behind it."""

    records: Sequence[Loaded]
    read: int
    whole_document: bool = False
    """The records are a document and all the chunks that it is to have."""


class Rejection(msgspec.Struct, frozen=True):
    """A line that was not loaded, and why; line 0 is the file itself."""

    file: str
    line: int
    reason: str
    read: int = 0


class Source(msgspec.Struct, frozen=True):
    """A file to read, and the key that its document would have."""

    path: Path
    key: str

    @property
    def size(self) -> int:
        """Bytes on disk, 0 where that is not known."""
        try:
            return 0 if self.path.name == STDIN else self.path.stat().st_size
        except OSError:
            return 0  # reading it will say why


def sources(paths: Sequence[str]) -> list[Source]:
    """The files that these paths name.  Raises FileNotFoundError, and ValueError for a file of a kind
    that cannot be read; such files in a folder are passed over."""
    found: list[Source] = []
    for name in paths:
        path = Path(name)
        if name == STDIN:
            found.append(Source(path, STDIN))
            continue
        try:
            path.stat()
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{name} does not exist") from error
        except OSError as error:
            raise ValueError(f"{name[:200]}: {error.strerror}") from error
        if path.is_dir():
            found += sorted(_inside(path), key=_rank)
        elif not _readable(path):
            known = ", ".join((*LINES, *MARKDOWN, *TEXT))
            raise ValueError(f"{name}: do not know how to read it; known are {known}")
        else:
            found.append(Source(path, path.name))
    return found


def read(source: Source, stdin: BinaryIO) -> Iterator[Item | Rejection]:
    """What a file holds, line by line.  A line that cannot be read costs itself only."""
    name = str(source.path)
    try:
        if name == STDIN:
            yield from _read_lines(name, stdin, stdin)
        elif source.path.name.lower().endswith(LINES):
            with source.path.open("rb") as raw:
                packed = source.path.suffix.lower() == ".gz"
                stream = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if packed else raw
                yield from _read_lines(name, stream, raw)
        else:
            yield _read_document(source, name)
    except OSError as error:
        yield Rejection(name, 0, error.strerror or str(error))


def _inside(folder: Path) -> Iterator[Source]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        for file in files:
            path = Path(root, file)
            if not file.startswith(".") and _readable(path):
                yield Source(path, path.relative_to(folder).as_posix())


def _readable(path: Path) -> bool:
    return path.name.lower().endswith((*LINES, *MARKDOWN, *TEXT))


def _rank(source: Source) -> tuple[str, int, str]:
    """Files of one folder, records before what names them: any order loads, this one indexes once."""
    stem = source.path.name.split(".")[0]
    rank = _ORDER.index(stem) if stem in _ORDER else len(_ORDER)
    return (str(source.path.parent), rank, source.path.name)


def _read_lines(name: str, stream: BinaryIO, raw: BinaryIO) -> Iterator[Item | Rejection]:
    number = 0
    try:
        while line := stream.readline(LONGEST_LINE):
            number += 1
            place = _place(raw)
            if number == 1:
                if line.startswith((b"\xff\xfe", b"\xfe\xff")):
                    yield Rejection(name, 0, "UTF-16 text; save it as UTF-8", place)
                    return
                line = line.removeprefix(b"\xef\xbb\xbf")
            if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                _skip_line(stream)
                yield Rejection(name, number, f"longer than {LONGEST_LINE:,} bytes", place)
            elif line.strip():
                yield _parsed(name, number, line, place)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = f"damaged or cut short ({error}); the lines before are loaded"
        yield Rejection(name, number + 1, reason, _place(raw))


def _parsed(name: str, number: int, line: bytes, place: int) -> Item | Rejection:
    try:
        return Item([parse_line(line.strip())], place)
    except ValueError as error:
        return Rejection(name, number, str(error), place)


def _skip_line(stream: BinaryIO) -> None:
    while (rest := stream.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass


def _place(raw: BinaryIO) -> int:
    try:
        return raw.tell()
    except OSError:
        return 0  # a pipe


def _read_document(source: Source, name: str) -> Item | Rejection:
    size = source.size
    if size > LONGEST_LINE:
        return Rejection(name, 0, f"longer than {LONGEST_LINE:,} bytes", size)
    data = source.path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        reason = f"not UTF-8: byte {data[error.start]:#04x} at {error.start}"
        return Rejection(name, 0, reason, size)
    if "\0" in text:
        return Rejection(name, 0, "U+0000 is not allowed in any string", size)
    if any("\ud800" <= character <= "\udfff" for character in source.key):
        return Rejection(name, 0, "its name is not UTF-8, and a key must be", size)
    if len(source.key.encode()) > LONGEST_KEY - len("#0000"):
        return Rejection(
            name, 0, f"its path is longer than a key may be ({LONGEST_KEY} bytes)", size
        )
    markdown = source.path.name.lower().endswith(MARKDOWN)
    document, chunks = (read_markdown if markdown else read_text)(source.key, text)
    return Item([document, *chunks], size, whole_document=True)
