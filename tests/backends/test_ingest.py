"""What `load` reads: interchange lines, Markdown and text, files in order, and times."""

import gzip
import io
import json
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.federation import Federation
from backends.ingest.interchange import parse_line
from backends.ingest.markdown import LARGEST_CHUNK, read_markdown, read_text
from backends.ingest.reader import Item, Rejection, Source, read, sources
from backends.records import (
    Chunk,
    Document,
    Entity,
    Episode,
    EpisodeKind,
    Fact,
    Kind,
    Mention,
    Scope,
)
from backends.times import format_instant, format_instants, parse_instant
from gateway.loading import Report, load
from gateway.settings import load_settings
from tests.support import QUIET, running

# Interchange lines

LEAST: dict[str, dict[str, Any]] = {
    "document": {"key": "k"},
    "chunk": {"key": "k", "text": "t"},
    "entity": {"key": "k", "name": "n"},
    "fact": {"key": "k", "subject": "s", "predicate": "p", "object": "o"},
    "episode": {"key": "k"},
    "mention": {"chunk": "c", "entity": "e"},
}
"""What a line of each sort needs, and no more."""
NEEDED = [(sort, name) for sort, values in LEAST.items() for name in values]


def line(sort: str, **values: Any) -> bytes:
    """A line of a sort with the least that it needs, and these values over it."""
    return json.dumps({"kind": sort} | LEAST[sort] | values).encode()


def refusal(data: bytes | str) -> str:
    """The reason that a line is rejected for."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_line(data if isinstance(data, bytes) else data.encode())
    return str(caught.value)


def test_a_line_with_the_least_it_needs_invents_nothing() -> None:
    assert parse_line(line("document")) == Document(
        key="k", title=None, uri=None, source=None, media_type=None, text=None,
        metadata={}, created_at=None, updated_at=None,
    )  # fmt: skip
    assert parse_line(line("chunk")) == Chunk(
        key="k", document_key=None, position=None, text="t", token_count=None, metadata={}
    )
    assert parse_line(line("entity")) == Entity(
        key="k", name="n", type=None, labels=(), summary=None, attributes={}, created_at=None
    )
    assert parse_line(line("fact")) == Fact(
        key="k", subject_key="s", predicate="p", object_key="o", statement=None, attributes={},
        valid_from=None, valid_to=None, recorded_at=None, retracted_at=None, episode_keys=(),
    )  # fmt: skip
    assert parse_line(line("episode")) == Episode(
        key="k", name=None, kind=EpisodeKind.TEXT, content=None, source=None, occurred_at=None,
        recorded_at=None, document_key=None, chunk_key=None, metadata={},
    )  # fmt: skip
    assert parse_line(line("mention")) == Mention(Kind.CHUNK, "c", "e")
    assert parse_line(b'{"kind": "mention", "episode": "p", "entity": "e"}') == Mention(
        Kind.EPISODE, "p", "e"
    )


@pytest.mark.parametrize("sort", LEAST)
def test_null_is_as_good_as_missing_where_a_value_may_be_missing(sort: str) -> None:
    optional = {
        "document": ["title", "uri", "source", "mediaType", "text", "createdAt", "updatedAt", "metadata"],
        "chunk": ["document", "position", "tokenCount", "metadata"],
        "entity": ["type", "labels", "summary", "attributes", "createdAt"],
        "fact": ["statement", "validFrom", "validTo", "recordedAt", "retractedAt", "episodes", "attributes"],
        "episode": ["name", "episodeKind", "content", "source", "occurredAt", "recordedAt", "document",
                    "chunk", "metadata"],
        "mention": ["episode"],
    }  # fmt: skip
    for name in optional[sort]:
        assert parse_line(line(sort, **{name: None})) == parse_line(line(sort))


@pytest.mark.parametrize(("sort", "name"), NEEDED)
def test_a_line_without_what_it_needs_is_rejected_by_name(sort: str, name: str) -> None:
    values = {"kind": sort} | LEAST[sort]
    del values[name]
    missing = refusal(json.dumps(values))
    null = refusal(line(sort, **{name: None}))
    if (sort, name) == ("mention", "chunk"):
        assert missing == null == "a mention names a chunk or an episode, one of the two"
    else:
        assert name in missing
        assert name in null


@pytest.mark.parametrize(("sort", "name"), NEEDED)
def test_a_value_of_another_type_is_rejected_by_name(sort: str, name: str) -> None:
    for value in (5, 1.5, True, ["k"], {"k": 1}):
        assert name in refusal(line(sort, **{name: value}))


def test_empty_strings_are_values_except_as_keys() -> None:
    assert parse_line(line("chunk", text="")).text == ""  # type: ignore[union-attr]
    assert parse_line(line("entity", name="")).name == ""  # type: ignore[union-attr]
    assert parse_line(line("fact", predicate="", statement="")).predicate == ""  # type: ignore[union-attr]
    for sort, name in (("document", "key"), ("fact", "subject"), ("fact", "object"),
                       ("mention", "entity"), ("mention", "chunk"), ("chunk", "document"),
                       ("episode", "document"), ("episode", "chunk")):  # fmt: skip
        assert refusal(line(sort, **{name: ""})).startswith(f"{name} is empty")
    assert "episodes is empty" in refusal(line("fact", episodes=["p", ""]))


def test_a_key_has_at_most_1000_bytes_and_a_predicate_200() -> None:
    assert parse_line(line("document", key="é" * 500)).key == "é" * 500  # type: ignore[union-attr]
    assert "key has 1,001 bytes" in refusal(line("document", key="é" * 500 + "x"))
    assert "subject has 1,001 bytes" in refusal(line("fact", subject="x" * 1_001))
    assert "episodes has 1,001 bytes" in refusal(line("fact", episodes=["x" * 1_001]))
    assert "entity has 1,001 bytes" in refusal(line("mention", entity="x" * 1_001))
    assert parse_line(line("fact", predicate="é" * 100))
    assert "predicate has 201 bytes" in refusal(line("fact", predicate="é" * 100 + "x"))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"nonsense", "JSON is malformed"),
        (b'{"kind": "entity", "key": "k", "name": "n"', "truncated"),
        (b'{"kind": "entity", "key": "k", "na', "truncated"),
        (b"{}", "kind"),
        (b"[]", "object"),
        (b"5", "object"),
        (b"null", "object"),
        (b'"x"', "object"),
        (b'{"key": "k"}', "kind"),
        (b'{"kind": "person", "key": "k"}', "person"),
        (b'{"kind": "Entity", "key": "k", "name": "n"}', "Entity"),
        (b'{"kind": 5, "key": "k"}', "kind"),
        (b'{"kind": null, "key": "k"}', "kind"),
        (line("document") + line("document"), "malformed"),
        ('{"kind": "entity", "key": "é", "name": "n"}'.encode("latin-1"), "not UTF-8: byte 0xe9 at 27"),
        ('{"kind": "document", "key": "k"}'.encode("utf-16"), "not UTF-8"),
        (b'{"kind": "document", "key": "\\ud800"}', "surrogate"),
        (b'{"kind": "document", "key": "k", "metadata": {"a": ["\\udfff"]}}', "surrogate"),
        (b'{"kind": "document", "key": "k", "metadata": {"\\ud83d": 1}}', "surrogate"),
        (
            # Whole but for its depth: a line that also ends early may be refused for that instead.
            b'{"kind": "document", "key": "k", "metadata": {"a": ' + b"[" * 5_000 + b"]" * 5_000 + b"}}",
            "nested too deeply",
        ),
        (b'{"kind": "document", "key": "k", "metadata": {"a": NaN}}', "malformed"),
        (b'{"kind": "document", "key": "k", "metadata": {"a": 1e999}}', "out of range"),
        (line("document", metadata=[1]), "metadata"),
        (line("document", metadata="x"), "metadata"),
        (line("entity", labels="x"), "labels"),
        (line("entity", labels=[None]), "labels"),
        (line("fact", episodes=["p", None]), "episodes"),
        (line("episode", episodeKind="text"), "text"),
        (line("chunk", position=2**31), "position"),
        (line("chunk", position=1.5), "position"),
        (line("chunk", tokenCount=-(2**31) - 1), "tokenCount"),
        (line("mention", episode="p"), "one of the two"),
        (line("document", createdAt="2012-06-01"), "createdAt: '2012-06-01' is not"),
        (line("document", updatedAt=5), "updatedAt"),
        (line("fact", validFrom="2012-06-01T00:00:00.0000001Z"), "validFrom: "),
        (line("fact", validTo="0000-01-01T00:00:00Z"), "validTo: "),
        (line("fact", recordedAt="10000-01-01T00:00:00Z"), "recordedAt: "),
        (line("episode", occurredAt="yesterday"), "occurredAt: 'yesterday'"),
    ],
)  # fmt: skip
def test_a_bad_line_is_rejected_with_its_reason(data: bytes, reason: str) -> None:
    assert reason.lower() in refusal(data).lower()


@pytest.mark.parametrize(
    "values",
    [
        {"key": "a\x00"},
        {"key": "\x00"},
        {"title": "a\x00b"},
        {"metadata": {"a\x00": 1}},
        {"metadata": {"a": {"b": ["\x00"]}}},
    ],
)
def test_u0000_is_rejected_wherever_it_stands(values: dict[str, Any]) -> None:
    assert "U+0000" in refusal(line("document", **values))


def test_what_only_looks_like_u0000_or_a_surrogate_is_kept() -> None:
    data = rb'{"kind": "document", "key": "\\u0000 \\ud800", "title": "\ud83d\udd11"}'
    record = parse_line(data)
    assert record.key == r"\u0000 \ud800"  # type: ignore[union-attr]
    assert record.title == "🔑"  # type: ignore[union-attr]


def test_a_time_without_an_offset_is_utc() -> None:
    record = parse_line(
        line("document", createdAt="2012-06-01T12:00:00", updatedAt="2012-06-01T12:00:00+02:00")
    )
    assert isinstance(record, Document)
    assert record.created_at == datetime(2012, 6, 1, 12, tzinfo=UTC)
    assert record.updated_at == datetime(2012, 6, 1, 10, tzinfo=UTC)


def test_fields_that_the_format_does_not_know_are_passed_over() -> None:
    assert parse_line(line("document", colour="red")) == parse_line(line("document"))


# Times


@settings(deadline=None)
@given(
    st.datetimes(
        timezones=st.sampled_from(
            [UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-11, minutes=-30))]
        )
    )
)
def test_a_time_survives_the_way_out_and_in(instant: datetime) -> None:
    try:
        expected = instant.astimezone(UTC)
    except OverflowError:  # its UTC is beyond the years that there are
        return
    text = format_instant(instant)
    assert text.endswith("Z")
    assert parse_instant(text, assume_utc=False) == expected
    assert parse_instant(text[:-1], assume_utc=True) == expected
    assert len(text) == (27 if instant.microsecond else 20)


@settings(deadline=None)
@given(
    st.lists(
        st.datetimes(
            timezones=st.sampled_from([UTC, UTC, UTC, timezone(timedelta(hours=14))])
        ).filter(lambda instant: 1 < instant.year < 9999),
        max_size=4,
    )
)
def test_times_are_written_together_as_one_by_one(instants: list[datetime]) -> None:
    assert format_instants(instants) == [format_instant(each) for each in instants]


@settings(deadline=None)
@given(
    st.text(max_size=40)
    | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", fullmatch=True)
)
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    try:
        instant = parse_instant(text, assume_utc=True)
    except ValueError:
        return
    assert parse_instant(format_instant(instant), assume_utc=False) == instant


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2012-06-01T00:00:00Z", "2012-06-01T00:00:00Z"),
        ("2012-06-01t00:00:00z", "2012-06-01T00:00:00Z"),
        ("2012-06-01T00:00:00-00:00", "2012-06-01T00:00:00Z"),
        ("2012-06-01T00:00:00+23:59", "2012-05-31T00:01:00Z"),
        ("2012-06-01T00:00:00.5Z", "2012-06-01T00:00:00.500000Z"),
        ("2012-06-01T00:00:00.1234560000Z", "2012-06-01T00:00:00.123456Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("0001-01-01T02:00:00+02:00", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"),
        ("2012-02-29T00:00:00Z", "2012-02-29T00:00:00Z"),
    ],
)
def test_a_time_is_read_to_the_microsecond_and_written_in_utc(text: str, expected: str) -> None:
    assert format_instant(parse_instant(text, assume_utc=False)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "2012", "2012-06-01", "2012-06-01T00:00Z", "2012-06-01 00:00:00Z", "2012-06-01T00:00:00 Z",
     "2012-06-01T00:00:00Z\n", " 2012-06-01T00:00:00Z", "2012-06-01T00:00:00.Z", "2012-06-01T00:00:00,5Z",
     "2012-06-01T00:00:00+0200", "2012-06-01T00:00:00+24:00", "2012-06-01T00:00:00+02:60",
     "2012-06-01T24:00:00Z", "2012-06-01T00:00:60Z", "2012-02-30T00:00:00Z", "2013-02-29T00:00:00Z",
     "2012-00-01T00:00:00Z", "0000-12-31T00:00:00Z", "12012-06-01T00:00:00Z", "-2012-06-01T00:00:00Z",
     "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "２０１２-06-01T00:00:00Z",
     "2012-06-01T00:00:00.0000001Z"],
)  # fmt: skip
def test_what_is_no_time_is_a_value_error_that_quotes_it(text: str) -> None:
    for assume_utc in (True, False):
        with pytest.raises(ValueError, match=r"is (not|finer)") as caught:
            parse_instant(text, assume_utc=assume_utc)
        assert repr(text)[:30] in str(caught.value)


def test_an_error_quotes_no_more_of_a_long_time_than_can_be_read() -> None:
    for text in (
        "x" * 100_000,
        "2012-06-01T00:00:00." + "0" * 100_000 + "1Z",
        "2012-06-01T00:00:00." + "0" * 100_000,
    ):
        with pytest.raises(ValueError, match=r".") as caught:
            parse_instant(text, assume_utc=False)
        assert len(str(caught.value)) < 500


# Markdown and text


def texts(chunks: Sequence[Chunk]) -> list[str]:
    return [chunk.text for chunk in chunks]


def words(parts: Sequence[str]) -> list[str]:
    return " ".join(parts).split()


def test_markdown_is_a_document_named_by_its_first_heading_with_chunks_under_headings() -> None:
    text = "Before.\n\n# One\n\nFirst.\n\n## Two\n\nSecond.\n\n# Three\n\nThird.\n"
    document, chunks = read_markdown("notes/a.md", text)
    assert (document.key, document.title, document.text) == ("notes/a.md", "One", text)
    assert document.media_type == "text/markdown"
    assert [(chunk.key, chunk.position, chunk.text, chunk.metadata) for chunk in chunks] == [
        ("notes/a.md#0000", 0, "Before.", {}),
        ("notes/a.md#0001", 1, "# One\n\nFirst.", {"headings": ["One"]}),
        ("notes/a.md#0002", 2, "## Two\n\nSecond.", {"headings": ["One", "Two"]}),
        ("notes/a.md#0003", 3, "# Three\n\nThird.", {"headings": ["Three"]}),
    ]
    assert {chunk.document_key for chunk in chunks} == {"notes/a.md"}


def test_a_heading_inside_a_code_fence_is_no_heading() -> None:
    text = "# Real\n\n```sh\n# a comment\n## another\n```\n\n~~~\n# third\n~~~\n\n    # indented\n"
    document, chunks = read_markdown("k", text)
    assert document.title == "Real"
    assert [chunk.metadata for chunk in chunks] == [{"headings": ["Real"]}]
    assert "# a comment\n## another" in chunks[0].text
    assert "# third" in chunks[0].text


def test_a_code_fence_that_never_closes_keeps_its_text() -> None:
    _, chunks = read_markdown("k", "# T\n\n```\n# not a heading\n\nlast\n")
    assert words(texts(chunks)) == words(["# T ``` # not a heading last"])


def test_headings_of_every_sort_are_headings() -> None:
    text = "Title\n=====\n\nintro\n\nSub\n---\n\nmore\n\n### Closed ###\n\nend\n"
    document, chunks = read_markdown("k", text)
    assert document.title == "Title"
    assert [chunk.metadata["headings"] for chunk in chunks] == [
        ["Title"],
        ["Title", "Sub"],
        ["Title", "Sub", "Closed"],
    ]


def test_a_smaller_heading_before_a_larger_one_is_not_its_parent() -> None:
    _, chunks = read_markdown("k", "### Deep\n\na\n\n# Top\n\nb\n\n### Under\n\nc\n")
    headings = [chunk.metadata["headings"] for chunk in chunks]
    assert headings == [["Deep"], ["Top"], ["Top", "Under"]]


@pytest.mark.parametrize("text", ["", "\n", "   \n\t\n", "\ufeff"])
def test_an_empty_text_is_a_document_without_chunks(text: str) -> None:
    for reader in (read_markdown, read_text):
        document, chunks = reader("k", text.removeprefix("\ufeff"))
        assert (document.title, chunks) == (None, [])


def test_a_text_without_a_heading_has_no_title_and_its_chunks_no_headings() -> None:
    document, chunks = read_markdown("k", "Just a paragraph.\n\nAnd one more.\n")
    assert document.title is None
    assert [(chunk.text, chunk.metadata) for chunk in chunks] == [
        ("Just a paragraph.\n\nAnd one more.", {})
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_way_lines_end_makes_no_difference_to_markdown(end: str) -> None:
    text = "# One\n\nFirst line\nsecond line.\n\n## Two\n\n- a\n- b\n"
    document, chunks = read_markdown("k", text.replace("\n", end))
    expected, expected_chunks = read_markdown("k", text)
    assert document.title == expected.title
    assert chunks == expected_chunks


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_paragraphs_of_plain_text_stay_whole_however_lines_end(end: str) -> None:
    paragraph = "A sentence. " * 70  # two fill a chunk, each alone fits
    text = f"{paragraph.strip()}\n\n{paragraph.strip()}\n\n{paragraph.strip()}\n"
    _, chunks = read_text("k", text.replace("\n", end))
    assert [part.strip() for part in texts(chunks)] == [paragraph.strip()] * 3


@pytest.mark.parametrize(
    "odd", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e"]
)
def test_no_text_is_lost_behind_a_character_that_only_python_takes_for_a_line_end(odd: str) -> None:
    text = f"# Title\n\na{odd}b\n\nmiddle\n\n## Last\n\nthe last paragraph\n"
    _, chunks = read_markdown("k", text)
    assert words(texts(chunks)) == words([text])
    assert chunks[-1].text == "## Last\n\nthe last paragraph"


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["# H", "## H", "word", "- item", "> quote", "```", "    code", "", "", "***", "| a | b |",
             "1. one", "<div>", "a\u2028b", "x" * 1_600, "w " * 900, "S. " * 700, "é🔑 " * 400]
        ),
        max_size=14,
    )
)  # fmt: skip
def test_chunks_hold_every_word_of_a_markdown_text_in_order(lines: list[str]) -> None:
    _, chunks = read_markdown("k", "\n".join(lines))
    assert "".join("".join(texts(chunks)).split()) == "".join("".join(lines).split())
    assert all(0 < len(chunk.text) <= LARGEST_CHUNK for chunk in chunks)
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3_000))
def test_chunks_hold_everything_of_a_plain_text(text: str) -> None:
    _, chunks = read_text("k", text)
    assert "".join("".join(texts(chunks)).split()) == "".join(text.split())
    assert all(chunk.text.strip() and len(chunk.text) <= LARGEST_CHUNK for chunk in chunks)


def test_a_huge_paragraph_is_cut_between_sentences_then_words_then_anywhere() -> None:
    for paragraph, whole in (
        ("This is one sentence of it. " * 400, r"sentence of it\.$"),
        ("word " * 2_000, "word$"),
        ("x" * 10_000, "x$"),
    ):
        for reader in (read_markdown, read_text):
            _, chunks = reader("k", paragraph)
            assert len(chunks) >= len(paragraph) // LARGEST_CHUNK
            assert all(len(chunk.text) <= LARGEST_CHUNK for chunk in chunks)
            for chunk in chunks:
                assert re.search(whole, chunk.text.strip())


def test_many_chunks_keep_their_order_by_key() -> None:
    _, chunks = read_text("k", "\n\n".join(f"{'p' * 1_000} {n}" for n in range(200)))
    keys = [chunk.key for chunk in chunks]
    assert len(keys) == 200
    assert keys == sorted(keys)


# Reading files


def entity(key: str, name: str = "n") -> str:
    return json.dumps({"kind": "entity", "key": key, "name": name})


def read_all(path: Path | str, stdin: bytes = b"") -> tuple[list[Any], list[tuple[int, str]]]:
    """The records of a path, and the line and reason of each rejection."""
    records: list[Any] = []
    rejected: list[tuple[int, str]] = []
    for source in sources([str(path)]):
        for each in read(source, io.BytesIO(stdin)):
            if isinstance(each, Rejection):
                assert each.file == str(source.path)
                rejected.append((each.line, each.reason))
            else:
                records += each.records
    return records, rejected


def keys(records: Sequence[Any]) -> list[str]:
    return [record.key for record in records]


def test_files_of_a_folder_are_read_records_before_what_names_them(tmp_path: Path) -> None:
    for name in ("mentions.jsonl", "facts.ndjson", "entities.jsonl.gz", "documents.jsonl", "chunks.jsonl",
                 "episodes.jsonl", "aaa.md", "zzz.txt", "b.markdown", "B/facts.jsonl", "B/deep/entities.jsonl",
                 ".hidden.md", ".git/config.md", "picture.png", "notes.json", "README"):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    found = sources([str(tmp_path)])
    assert [source.key for source in found] == [
        "documents.jsonl",
        "entities.jsonl.gz",
        "chunks.jsonl",
        "episodes.jsonl",
        "facts.ndjson",
        "mentions.jsonl",
        "aaa.md",
        "b.markdown",
        "zzz.txt",
        "B/facts.jsonl",
        "B/deep/entities.jsonl",
    ]


def test_a_document_is_known_by_its_path_in_the_folder_given(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    file = tmp_path / "sub" / "a b.md"
    file.write_text("# T")
    assert [source.key for source in sources([str(tmp_path)])] == ["sub/a b.md"]
    assert [source.key for source in sources([str(file)])] == ["a b.md"]
    assert [source.key for source in sources([f"{tmp_path}/sub/../sub/"])] == ["a b.md"]


def test_paths_are_read_in_the_order_given_and_twice_if_given_twice(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl"):
        (tmp_path / name).write_text(entity(name))
    given_paths = [str(tmp_path / name) for name in ("b.jsonl", "a.jsonl", "b.jsonl")]
    assert [source.path.name for source in sources(given_paths)] == [
        "b.jsonl",
        "a.jsonl",
        "b.jsonl",
    ]


def test_a_path_that_is_not_there_or_of_an_unknown_kind_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.jsonl does not exist"):
        sources([str(tmp_path / "nowhere.jsonl")])
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    with pytest.raises(ValueError, match=r"a\.pdf: do not know how to read it; known are \.jsonl"):
        sources([str(tmp_path / "a.pdf")])


def test_a_path_that_no_file_system_can_hold_is_named(tmp_path: Path) -> None:
    with pytest.raises((FileNotFoundError, ValueError), match="xxx"):
        sources([str(tmp_path / ("x" * 5_000 + ".jsonl"))])


@pytest.mark.parametrize("name", ["E.JSONL", "E.Jsonl", "E.NDJSON", "e.jsonl.GZ", "E.JSONL.GZ"])
def test_the_case_of_an_ending_makes_no_difference(tmp_path: Path, name: str) -> None:
    data = entity("e").encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.lower().endswith(".gz") else data)
    records, rejected = read_all(tmp_path / name)
    assert ([type(record) for record in records], rejected) == ([Entity], [])


@pytest.mark.parametrize("name", ["A.MD", "A.Markdown", "A.TXT"])
def test_the_case_of_a_text_s_ending_makes_no_difference(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("# Title\n\ntext\n")
    (document, *chunks), rejected = read_all(tmp_path / name)
    assert (document.title, len(chunks), rejected) == (None if "TXT" in name else "Title", 1, [])


def test_a_line_that_cannot_be_read_costs_itself_only(tmp_path: Path) -> None:
    file = tmp_path / "e.jsonl"
    file.write_bytes(
        b"\n".join(
            [
                entity("1").encode(),
                b"nonsense",
                b"",
                b"   ",
                entity("5").encode() + b"\r",
                '{"kind": "entity", "key": "é", "name": "n"}'.encode("latin-1"),
                b'{"kind": "entity", "key": "7"}',
                b"\x00",
                entity("9").encode(),
                entity("10").encode()[:-4],
            ]
        )
    )
    records, rejected = read_all(file)
    assert keys(records) == ["1", "5", "9"]
    assert [number for number, _ in rejected] == [2, 6, 7, 8, 10]


def test_a_byte_order_mark_is_no_part_of_the_first_line_or_text(tmp_path: Path) -> None:
    mark = b"\xef\xbb\xbf"
    (tmp_path / "e.jsonl").write_bytes(mark + entity("1").encode() + b"\n" + entity("2").encode())
    (tmp_path / "g.jsonl.gz").write_bytes(gzip.compress(mark + entity("3").encode()))
    (tmp_path / "t.md").write_bytes(mark + b"# Title\n\ntext\n")
    records, rejected = read_all(tmp_path)
    assert rejected == []
    assert keys(records) == ["1", "2", "3", "t.md", "t.md#0000"]
    assert records[-2].title == "Title"
    assert records[-1].text.startswith("#")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"])
def test_text_in_another_encoding_is_rejected_as_that(tmp_path: Path, encoding: str) -> None:
    text = '{"kind": "entity", "key": "é", "name": "n"}\n' * 2
    for name, content in (("e.jsonl", text), ("t.md", "# é\n\nü\n"), ("t.txt", "é")):
        (tmp_path / name).write_bytes(content.encode(encoding))
        records, rejected = read_all(tmp_path / name)
        assert records == []
        assert rejected
        assert any(
            sign in reason
            for _, reason in rejected
            for sign in ("UTF-16", "UTF-8", "U+0000", "JSON")
        )


def test_ascii_lines_of_utf_16_without_a_mark_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes((entity("e") + "\n").encode("utf-16-le"))
    records, rejected = read_all(tmp_path / "e.jsonl")
    assert records == []
    assert rejected


def test_a_damaged_gz_gives_what_came_before_the_damage(tmp_path: Path) -> None:
    lines = "".join(
        entity(
            f"{number}-{blake2b(bytes([number % 251, number // 251]), digest_size=40).hexdigest()}"
        )
        + "\n"
        for number in range(500)
    )
    packed = gzip.compress(lines.encode())
    whole = tmp_path / "whole.jsonl.gz"
    whole.write_bytes(packed)
    assert len(read_all(whole)[0]) == 500
    for name, data in (
        ("cut", packed[: len(packed) // 2]),
        ("flipped", packed[:20_000] + bytes([packed[20_000] ^ 255]) + packed[20_001:]),
        ("checksum", packed[:-8] + b"\0" * 8),
        ("tail", packed + b"garbage behind"),
        ("head only", packed[:10]),
    ):
        file = tmp_path / f"{name}.jsonl.gz"
        file.write_bytes(data)
        records, rejected = read_all(file)
        assert rejected, name
        reasons = [reason for _, reason in rejected]
        if name == "flipped":
            assert len(records) >= 1
        else:
            assert "damaged or cut short" in reasons[-1], (name, reasons)
            assert len(rejected) <= 2, name  # the cut line itself, and the damage
        assert len(records) == 500 if name in ("checksum", "tail") else len(records) < 500


@pytest.mark.parametrize("data", [b"plain text\n", b"\x1f", b"\x1f\x8b", b"PK\x03\x04zip", b"BZh9"])
def test_a_gz_that_is_not_gzip_is_rejected(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "e.jsonl.gz").write_bytes(data)
    records, rejected = read_all(tmp_path / "e.jsonl.gz")
    assert records == []
    assert len(rejected) == 1
    assert "damaged or cut short" in rejected[0][1]


def test_several_gz_members_are_one_file_and_an_empty_one_holds_nothing(tmp_path: Path) -> None:
    data = b"".join(gzip.compress((entity(key) + "\n").encode()) for key in "ab")
    (tmp_path / "e.jsonl.gz").write_bytes(data)
    assert keys(read_all(tmp_path / "e.jsonl.gz")[0]) == ["a", "b"]
    for name, content in (
        ("g.jsonl.gz", gzip.compress(b"")),
        ("n.jsonl.gz", b""),
        ("e.jsonl", b""),
    ):
        (tmp_path / name).write_bytes(content)
        assert read_all(tmp_path / name)[0] == []


def test_standard_input_is_read_as_lines(tmp_path: Path) -> None:
    records, rejected = read_all("-", (entity("1") + "\nnonsense\n" + entity("2")).encode())
    assert keys(records) == ["1", "2"]
    assert [number for number, _ in rejected] == [2]
    assert sources(["-"])[0].size == 0


def test_a_text_is_a_whole_document_and_lines_are_not(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# T\n\ntext")
    (tmp_path / "b.jsonl").write_text(entity("e"))
    items = [item for source in sources([str(tmp_path)]) for item in read(source, io.BytesIO())]
    assert [item.whole_document for item in items if isinstance(item, Item)] == [True, False]


def test_a_file_that_goes_away_or_is_a_folder_is_rejected_and_not_raised(tmp_path: Path) -> None:
    for name in ("gone.jsonl", "gone.md"):
        (rejection,) = read(Source(tmp_path / name, name), io.BytesIO())
        assert isinstance(rejection, Rejection)
        assert "No such file" in rejection.reason
    (tmp_path / "folder.md").mkdir()
    (rejection,) = read(Source(tmp_path / "folder.md", "folder.md"), io.BytesIO())
    assert isinstance(rejection, Rejection)


def test_a_link_that_leads_nowhere_in_a_folder_is_rejected_and_not_raised(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").symlink_to(tmp_path / "nowhere")
    (tmp_path / "good.jsonl").write_text(entity("good"))
    records, rejected = read_all(tmp_path)
    assert keys(records) == ["good"]
    assert all("No such file" in reason for _, reason in rejected)
    assert sum(source.size for source in sources([str(tmp_path)])) > 0


def test_a_name_that_is_not_utf_8_is_rejected_and_not_raised(tmp_path: Path) -> None:
    """Such a name is no key; its neighbours load."""
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")).write_text("# Café\n")
    except OSError:  # a file system that takes only UTF-8 has no such names
        return
    (tmp_path / "good.md").write_text("# Good\n")
    records, rejected = read_all(tmp_path)
    assert "good.md" in keys(records)
    assert len(rejected) == 1


def test_a_path_longer_than_a_key_is_rejected(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(5):
        folder = folder / ("f" * 240)
    folder.mkdir(parents=True)
    (folder / "a.md").write_text("# T")
    records, rejected = read_all(tmp_path)
    assert records == []
    assert "longer than a key" in rejected[0][1]


def test_u0000_in_a_text_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a\x00b")
    assert read_all(tmp_path / "a.txt") == ([], [(0, "U+0000 is not allowed in any string")])


# Loading


async def loaded(database: Path, *paths: Path | str, stdin: bytes = b"") -> Report:
    """The report of a load into an embedded file."""
    settings = load_settings(database=database)
    async with Federation(settings.federation) as federation:
        files = sources([str(path) for path in paths])
        return await load(
            federation, Scope("default"), files, console=QUIET, stdin=io.BytesIO(stdin)
        )


@pytest.mark.parametrize("depth", [100, 300, 600, 900, 950])
async def test_deeply_nested_metadata_is_loaded_or_rejected_and_costs_no_other_line(
    tmp_path: Path, depth: int
) -> None:
    lines = [
        entity("first"),
        '{"kind": "document", "key": "o", "metadata": {"a": '
        + '{"a": ' * depth
        + "1"
        + "}" * depth
        + "}}",
        '{"kind": "document", "key": "l", "metadata": {"a": '
        + "[" * depth
        + "1"
        + "]" * depth
        + "}}",
        '{"kind": "entity", "key": "e", "name": "n", "attributes": {"a": '
        + "[" * depth
        + "]" * depth
        + "}}",
        entity("last"),
    ]
    database = tmp_path / "memory.db"
    report = await loaded(database, "-", stdin="\n".join(lines).encode())
    assert report.records + report.rejected_count == len(lines)
    assert all("nested too deeply" in each.reason for each in report.rejected)
    async with running(database) as gateway:
        data = await gateway.data(
            '{ first: entity(key: "first") { key } last: entity(key: "last") { key } '
            "documents { nodes { key metadata } } entities { nodes { attributes } } }"
        )
    assert (data["first"], data["last"]) == ({"key": "first"}, {"key": "last"})
    assert report.records == len(data["documents"]["nodes"]) + len(data["entities"]["nodes"])


@pytest.mark.parametrize(
    "number", ["18446744073709551615", "18446744073709551616", "-9223372036854775809", "1" + "0" * 40,
               "1e308", "5e-324", "0.1", "-0.0", "9007199254740993"]
)  # fmt: skip
async def test_a_number_of_any_size_is_loaded_or_rejected_and_costs_no_other_line(
    tmp_path: Path, number: str
) -> None:
    lines = [
        entity("first"),
        f'{{"kind": "document", "key": "d", "metadata": {{"a": {number}}}}}',
        entity("last"),
    ]
    database = tmp_path / "memory.db"
    report = await loaded(database, "-", stdin="\n".join(lines).encode())
    assert report.records + report.rejected_count == 3
    async with running(database) as gateway:
        data = await gateway.data(
            '{ document(key: "d") { metadata } entities { totalCount } '
            f'found: documents(filter: {{metadata: [{{path: "a", equals: {number}}}]}}) {{ totalCount }} }}'
        )
    assert data["entities"]["totalCount"] == 2
    if report.rejected_count == 0:
        assert data["document"]["metadata"] == {"a": json.loads(number)}
        assert data["found"]["totalCount"] == 1


async def test_the_last_line_of_a_key_wins_within_and_across_loads(tmp_path: Path) -> None:
    database = tmp_path / "memory.db"
    for lines, expected in (
        ([entity("e", "one"), entity("e", "two"), entity("f"), entity("e", "three")], "three"),
        ([entity("e", "four")], "four"),
        ([entity("e", "five"), entity("e", "four")], "four"),
    ):
        await loaded(database, "-", stdin="\n".join(lines).encode())
        async with running(database) as gateway:
            data = await gateway.data(
                '{ entity(key: "e") { name } entities { totalCount } '
                f'search(query: "{expected}", kinds: [ENTITY], mode: KEYWORD) {{ nodes {{ ... on Entity {{ name }} }} }} }}'
            )
        assert data["entity"] == {"name": expected}
        assert data["entities"]["totalCount"] == 2
        assert data["search"]["nodes"] == [{"name": expected}]


async def test_a_text_loaded_again_replaces_its_chunks(tmp_path: Path) -> None:
    database, folder = tmp_path / "memory.db", tmp_path / "notes"
    folder.mkdir()
    file = folder / "a.md"
    query = (
        "{ documents { nodes { key title chunks { totalCount nodes { text } } } } chunks { totalCount } "
        'search(query: "zebra", mode: KEYWORD, kinds: [CHUNK]) { nodes { __typename } } }'
    )
    for text, count, hits in (
        ("# Old\n\nfirst\n\n# Two\n\nzebra\n\n# Three\n\nthird\n", 3, 1),
        ("# New\n\nfirst\n", 1, 0),
        ("", 0, 0),
        ("# Back\n\nzebra\n\n# Again\n\nx\n", 2, 1),
    ):
        file.write_text(text)
        assert (await loaded(database, folder)).rejected == []
        async with running(database) as gateway:
            data = await gateway.data(query)
        (document,) = data["documents"]["nodes"]
        assert document["key"] == "a.md"
        assert document["title"] == (text.partition("\n")[0].removeprefix("# ") or None)
        assert document["chunks"]["totalCount"] == data["chunks"]["totalCount"] == count
        assert len(data["search"]["nodes"]) == hits


async def test_a_fact_or_mention_of_what_never_comes_is_loaded(tmp_path: Path) -> None:
    lines = [
        json.dumps({"kind": "fact", "key": "f", "subject": "nobody", "predicate": "KNOWS", "object": "e",
                    "episodes": ["never"]}),
        entity("e"),
        json.dumps({"kind": "mention", "chunk": "never", "entity": "e"}),
        json.dumps({"kind": "mention", "episode": "never", "entity": "nobody"}),
        json.dumps({"kind": "chunk", "key": "c", "document": "never", "text": "t"}),
    ]  # fmt: skip
    database = tmp_path / "memory.db"
    report = await loaded(database, "-", stdin="\n".join(lines).encode())
    assert (report.records, report.rejected) == (5, [])
    async with running(database) as gateway:
        data = await gateway.data(
            "{ facts { nodes { subject { name attributes } episodes { totalCount } } } "
            'entity(key: "e") { chunks { totalCount } documents { totalCount } } '
            'chunk(key: "c") { document { key } } entities { totalCount } }'
        )
    assert data == {
        "facts": {
            "nodes": [
                {
                    "subject": {"name": "nobody", "attributes": {"missing": True}},
                    "episodes": {"totalCount": 0},
                }
            ]
        },
        "entity": {"chunks": {"totalCount": 0}, "documents": {"totalCount": 0}},
        "chunk": {"document": None},
        "entities": {"totalCount": 1},
    }


async def test_every_rejected_line_is_counted_and_the_first_fifty_are_named(tmp_path: Path) -> None:
    lines = ["nonsense"] * 70 + [entity("e")]
    report = await loaded(tmp_path / "memory.db", "-", stdin="\n".join(lines).encode())
    assert (report.records, report.rejected_count, len(report.rejected)) == (1, 70, 50)
    assert [each.line for each in report.rejected] == list(range(1, 51))


async def test_a_link_that_leads_nowhere_does_not_stop_a_load(tmp_path: Path) -> None:
    folder = tmp_path / "memory"
    folder.mkdir()
    (folder / "bad.jsonl").symlink_to(tmp_path / "nowhere")
    (folder / "good.jsonl").write_text(entity("good"))
    report = await loaded(tmp_path / "memory.db", folder)
    assert report.records == 1
    assert [Path(each.file).name for each in report.rejected] == ["bad.jsonl"]
