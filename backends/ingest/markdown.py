"""Markdown and plain text as documents, cut into chunks by headings and size."""

import re
from collections.abc import Iterator

import msgspec
from markdown_it import MarkdownIt

from backends.records import Chunk, Document

_LINE_END = re.compile(r"\r\n|\r|\n")
_BLANK_LINES = re.compile(r"(?:\r\n|\r|\n)(?:[ \t]*(?:\r\n|\r|\n))+")

LARGEST_CHUNK = 1_500
"""Characters that a chunk holds at most, unless a single word is longer."""


class Section(msgspec.Struct, frozen=True):
    """The blocks under one heading; `headings` from the outermost in."""

    headings: tuple[str, ...]
    blocks: tuple[str, ...]


def read_markdown(key: str, text: str) -> tuple[Document, list[Chunk]]:
    """A Markdown text as a document named by its first heading, and its chunks."""
    sections = list(_sections(text))
    title = next((section.headings[0] for section in sections if section.headings), None)
    return _document(key, title, text, "text/markdown"), _chunks(key, sections)


def read_text(key: str, text: str) -> tuple[Document, list[Chunk]]:
    """A plain text as a document without a title, and its chunks."""
    blocks = tuple(block for block in _BLANK_LINES.split(text) if block.strip())
    return _document(key, None, text, "text/plain"), _chunks(key, [Section((), blocks)])


def _document(key: str, title: str | None, text: str, media_type: str) -> Document:
    return Document(
        key=key,
        title=title,
        uri=None,
        source=None,
        media_type=media_type,
        text=text,
        metadata={},
        created_at=None,
        updated_at=None,
    )


def _chunks(key: str, sections: list[Section]) -> list[Chunk]:
    pieces = [(section, piece) for section in sections for piece in _pack(section.blocks)]
    return [
        Chunk(
            key=f"{key}#{position:04d}",
            document_key=key,
            position=position,
            text=piece,
            token_count=None,
            metadata={"headings": list(section.headings)} if section.headings else {},
        )
        for position, (section, piece) in enumerate(pieces)
    ]


def _sections(text: str) -> Iterator[Section]:
    """The text's sections in order; a heading belongs to the section that it opens."""
    lines = _LINE_END.split(text)  # as Markdown counts lines: str.splitlines knows more ends
    headings: dict[int, str] = {}
    blocks: list[str] = []
    tokens = MarkdownIt("commonmark").parse(text)
    for place, token in enumerate(tokens):
        if token.level or token.map is None or token.nesting < 0:
            continue
        if token.type == "heading_open":
            if blocks:
                yield Section(tuple(headings.values()), tuple(blocks))
            blocks = []
            level = int(token.tag[1:])
            headings = {kept: name for kept, name in headings.items() if kept < level}
            headings[level] = tokens[place + 1].content.strip()
        blocks.append("\n".join(lines[slice(*token.map)]).strip("\n"))
    if blocks:
        yield Section(tuple(headings.values()), tuple(blocks))


def _pack(blocks: tuple[str, ...]) -> Iterator[str]:
    """Blocks joined up to the size of a chunk; a larger block is cut between words."""
    packed = ""
    for block in (piece for whole in blocks for piece in _cut(whole)):
        joined = f"{packed}\n\n{block}" if packed else block
        if len(joined) > LARGEST_CHUNK:
            yield packed
            joined = block
        packed = joined
    if packed.strip():
        yield packed


def _cut(block: str) -> Iterator[str]:
    while len(block) > LARGEST_CHUNK:
        place = max(block.rfind(mark, 1, LARGEST_CHUNK) for mark in (". ", "\n"))
        if place < LARGEST_CHUNK // 2:
            place = block.rfind(" ", 1, LARGEST_CHUNK)
        if place < 1:
            place = LARGEST_CHUNK - 1
        yield block[: place + 1].rstrip()
        block = block[place + 1 :].lstrip()
    if block.strip():
        yield block
