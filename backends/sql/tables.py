"""The tables.  Every row belongs to a tenant; `key` is unique in its table and tenant.

    document ──< chunk            texts
    entity ══ fact ──< fact_episode >── episode        graph
    mention                       chunk or episode → entity, with what its lists are sorted by
    stub                          which chunks and documents are loaded, for a graph without its texts
    metadata_token                tokens of metadata (backends.metadata)
    search_entry ── search_vector                      search, with vector_space per kind

Full text is made of `search_entry`: in SQLite an FTS5 table a kind, kept by triggers; in PostgreSQL a
generated column (see the first migration).  `search_vector` is SQLite's; PostgreSQL's is in
`postgres/vectors.py`.
`*_sort` holds the first 200 characters, which lists compare; `digest` tells whether a record changed.
"""

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from backends.records import EpisodeKind
from backends.sql.columns import EnumName, Instant, JsonText, RowId

SORT_LENGTH = 200
"""Characters of a name or title that lists compare (semantics.md, Order)."""

metadata = MetaData()


def _record_table(name: str, *columns: Column[object] | Index) -> Table:
    return Table(
        name,
        metadata,
        Column("id", RowId, primary_key=True),
        Column("tenant", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("digest", LargeBinary, nullable=False),
        *columns,
        UniqueConstraint("tenant", "key"),
    )


document = _record_table(
    "document",
    Column("title", Text),
    Column("title_sort", Text),
    Column("uri", Text),
    Column("source", Text),
    Column("media_type", Text),
    Column("text", Text),
    Column("metadata", JsonText, nullable=False),
    Column("created_at", Instant),
    Column("updated_at", Instant),
    Index("document_by_title", "tenant", "title_sort", "key"),
    Index("document_by_created", "tenant", "created_at", "key"),
    Index("document_by_updated", "tenant", "updated_at", "key"),
    Index("document_by_source", "tenant", "source", "key"),
)

chunk = _record_table(
    "chunk",
    Column("document_key", Text),
    Column("position", RowId),
    Column("text", Text, nullable=False),
    Column("token_count", RowId),
    Column("metadata", JsonText, nullable=False),
    Index("chunk_by_document", "tenant", "document_key", "position", "key"),
)

entity = _record_table(
    "entity",
    Column("name", Text, nullable=False),
    Column("name_sort", Text, nullable=False),
    Column("type", Text),
    Column("labels", JsonText, nullable=False),
    Column("summary", Text),
    Column("attributes", JsonText, nullable=False),
    Column("created_at", Instant),
    Index("entity_by_name", "tenant", "name_sort", "key"),
    Index("entity_by_created", "tenant", "created_at", "key"),
)

fact = _record_table(
    "fact",
    Column("subject_key", Text, nullable=False),
    Column("predicate", Text, nullable=False),
    Column("object_key", Text, nullable=False),
    Column("statement", Text),
    Column("attributes", JsonText, nullable=False),
    Column("valid_from", Instant),
    Column("valid_to", Instant),
    Column("recorded_at", Instant),
    Column("retracted_at", Instant),
    Index("fact_by_subject", "tenant", "subject_key", "valid_from", "key"),
    Index("fact_by_object", "tenant", "object_key", "valid_from", "key"),
    Index("fact_by_ends", "tenant", "subject_key", "object_key", "valid_from"),
    Index("fact_by_ends_reversed", "tenant", "object_key", "subject_key", "valid_from"),
    Index("fact_by_valid", "tenant", "valid_from", "key"),
    Index("fact_by_recorded", "tenant", "recorded_at", "key"),
)

fact_episode = Table(
    "fact_episode",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("fact_key", Text, nullable=False),
    Column("episode_key", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "fact_key", "episode_key"),
    Index("fact_episode_by_episode", "tenant", "episode_key", "fact_key"),
)

episode = _record_table(
    "episode",
    Column("name", Text),
    Column("kind", EnumName(EpisodeKind), nullable=False),
    Column("content", Text),
    Column("source", Text),
    Column("occurred_at", Instant),
    Column("recorded_at", Instant),
    Column("document_key", Text),
    Column("chunk_key", Text),
    Column("metadata", JsonText, nullable=False),
    Index("episode_by_occurred", "tenant", "occurred_at", "key"),
    Index("episode_by_recorded", "tenant", "recorded_at", "key"),
    Index("episode_by_document", "tenant", "document_key", "occurred_at", "key"),
    Index("episode_by_chunk", "tenant", "chunk_key", "occurred_at", "key"),
    Index("episode_by_source", "tenant", "source", "occurred_at", "key"),
)

mention = Table(
    "mention",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("entity_key", Text, nullable=False),
    Column("document_key", Text),  # of a chunk that is loaded
    Column("occurred_at", Instant),  # of an episode that is loaded
    Column("recorded_at", Instant),  # likewise
    Column("loaded", Integer, nullable=False),  # whether the chunk or episode is
    Column("entity_name", Text),  # its name_sort once the entity is loaded
    UniqueConstraint("tenant", "kind", "key", "entity_key"),
    Index("mention_by_name", "tenant", "kind", "key", "entity_name", "entity_key"),
    Index("mention_by_document", "tenant", "document_key", "entity_name", "entity_key"),
    Index("mention_by_entity", "tenant", "kind", "entity_key", "key"),
    Index("mention_by_entity_document", "tenant", "entity_key", "document_key"),
    Index("mention_by_entity_time", "tenant", "kind", "entity_key", "occurred_at", "key"),
)

stub = Table(
    "stub",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("document_key", Text),
    PrimaryKeyConstraint("tenant", "kind", "key"),
)

metadata_token = Table(
    "metadata_token",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("token", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "kind", "token", "key"),
    Index("metadata_token_by_key", "tenant", "kind", "key", "token"),
    sqlite_with_rowid=False,
)

search_entry = Table(
    "search_entry",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", LargeBinary),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("source", Text),
    Column("document_key", Text),
    Column("type", Text),
    Column("created_at", Instant),
    Column("valid_from", Instant),
    Column("valid_to", Instant),
    Column("recorded_at", Instant),
    Column("retracted_at", Instant),
    UniqueConstraint("tenant", "kind", "key"),
)

search_vector = Table(
    "search_vector",
    metadata,
    Column(
        "entry_id",
        RowId,
        ForeignKey("search_entry.id", ondelete="CASCADE"),
        primary_key=True,
    ),
    Column("digest", Text, nullable=False),
    Column("vector", LargeBinary, nullable=False),
)

vector_space = Table(
    "vector_space",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("revision", Integer, nullable=False),  # goes up with every write, for caches of vectors
    PrimaryKeyConstraint("tenant", "kind"),
)
