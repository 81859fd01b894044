"""How records lie in the properties of nodes and relationships.

    Entity    name, type, labels, summary, attributes (JSON text), createdAt
    FACT      subject, predicate, object, statement, attributes, validFrom, validTo, recordedAt, retractedAt
    Episode   name, kind, content, source, occurredAt, recordedAt, documentKey, chunkKey, metadata

Each has `tenant`, `key`, `digest`, and beside them the `…Order` properties that lists are sorted by
(`keyOrder` always).  An entity that only facts or mentions name, and a chunk, document or episode that
only mentions name, is a node with a key and no more; `loaded` marks an episode and a chunk that are there.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from backends.digest import digest_of
from backends.errors import StoreRejected
from backends.neo4j import values
from backends.records import Entity, Episode, EpisodeKind, Fact, Fields, Record, Scope

R = TypeVar("R", Entity, Fact, Episode)


class Column(msgspec.Struct, frozen=True):
    """An attribute of a record and the property that holds it."""

    attribute: str
    property: str
    read: Callable[[Any], Any] = values.read_text
    write: Callable[[Any], Any] | None = None
    timed: bool = False

    def of(self, variable: str) -> str:
        """Cypher for the value as `read` takes it."""
        value = f"{variable}.{self.property}"
        return f"toStringOrNull({value})" if self.timed else value


class Shape(msgspec.Struct, Generic[R], frozen=True):
    """The properties of one type of record.  `orders` gives those that lists are sorted by."""

    record: type[R]
    name: str
    columns: tuple[Column, ...]
    orders: Callable[[R], Mapping[str, Any]]

    def chosen(self, fields: Fields) -> list[Column]:
        """The columns to read for these attributes, the key apart."""
        return [column for column in self.columns if column.attribute in fields]

    def projected(self, variable: str, columns: Sequence[Column]) -> str:
        """Cypher for a list of the key and these columns."""
        return f"[{', '.join([f'{variable}.key', *(each.of(variable) for each in columns)])}]"

    def build(self, store: str, columns: Sequence[Column], row: Sequence[Any]) -> R:
        """A record of a projected list.  Raises StoreRejected for what cannot be read."""
        content: dict[str, Any] = {}
        column = _KEY
        try:
            content["key"] = values.read_required(row[0])
            for column, value in zip(columns, row[1:], strict=True):
                content[column.attribute] = column.read(value)
        except ValueError as error:
            raise StoreRejected(
                store,
                f"store {store}: the {self.name} {row[0]!r} has for {column.property} {error}",
            ) from error
        if content.get("name", "") is None and self.record is Entity:
            content["name"] = content["key"]
        return self.record(**content)

    def written(self, scope: Scope, record: R) -> dict[str, Any]:
        """What `assigned` makes properties of; a property that is to go is null."""
        plain: dict[str, Any] = {
            "tenant": scope.tenant,
            "key": record.key,
            "keyOrder": values.ordered(record.key),
            "digest": digest_of(record).hex(),
            **self.orders(record),
        }
        times: dict[str, str | None] = {}
        for column in self.columns:
            value = getattr(record, column.attribute)
            if column.timed:
                times[column.property] = values.time_text(value)
            else:
                plain[column.property] = column.write(value) if column.write else value
        return {"key": record.key, "plain": plain, "times": times}

    def assigned(self, variable: str, row: str = "row") -> str:
        """Cypher that gives a node or relationship what `written` made, leaving other properties alone."""
        times = [
            f"{variable}.{column.property} = datetime({row}.times.{column.property})"
            for column in self.columns
            if column.timed
        ]
        return "SET " + ", ".join([f"{variable} += {row}.plain", *times])


def _time(attribute: str, name: str) -> Column:
    return Column(attribute, name, values.read_instant, timed=True)


def _json(attribute: str) -> Column:
    return Column(attribute, attribute, values.read_json, values.json_text)


def _kind_name(kind: EpisodeKind) -> str:
    return kind.value


_KEY = Column("key", "key", values.read_required)

ENTITY = Shape(
    Entity,
    "entity",
    (
        Column("name", "name"),
        Column("type", "type"),
        Column("labels", "labels", values.read_texts, list),
        Column("summary", "summary"),
        _json("attributes"),
        _time("created_at", "createdAt"),
    ),
    lambda record: {
        "nameOrder": values.name_order(record.name),
        "createdAtOrder": values.time_order(record.created_at),
    },
)

FACT = Shape(
    Fact,
    "fact",
    (
        Column("subject_key", "subject", values.read_required),
        Column("predicate", "predicate", values.read_required),
        Column("object_key", "object", values.read_required),
        Column("statement", "statement"),
        _json("attributes"),
        _time("valid_from", "validFrom"),
        _time("valid_to", "validTo"),
        _time("recorded_at", "recordedAt"),
        _time("retracted_at", "retractedAt"),
    ),
    lambda record: {
        "subjectOrder": values.ordered(record.subject_key),
        "objectOrder": values.ordered(record.object_key),
        "validFromOrder": values.time_order(record.valid_from),
        "recordedAtOrder": values.time_order(record.recorded_at),
    },
)

EPISODE = Shape(
    Episode,
    "episode",
    (
        Column("name", "name"),
        Column("kind", "kind", values.read_episode_kind, _kind_name),
        Column("content", "content"),
        Column("source", "source"),
        _time("occurred_at", "occurredAt"),
        _time("recorded_at", "recordedAt"),
        Column("document_key", "documentKey"),
        Column("chunk_key", "chunkKey"),
        _json("metadata"),
    ),
    lambda record: {
        "loaded": True,
        "line": episode_line(record),
        "occurredAtOrder": values.time_order(record.occurred_at),
        "recordedAtOrder": values.time_order(record.recorded_at),
    },
)


def episode_line(record: Episode) -> str | None:
    """The line that an episode stands in: of its document, else of those of its source without one."""
    if record.document_key is not None:
        return document_line(record.document_key)
    return None if record.source is None else f"source {values.short(record.source)}"


def document_line(key: str) -> str:
    """The line of a document's episodes."""
    return f"document {key}"


def every_field(record: type[Record]) -> Fields:
    """All attributes of a record type."""
    return frozenset(field.name for field in msgspec.structs.fields(record))
