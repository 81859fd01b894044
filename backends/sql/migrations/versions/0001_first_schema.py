"""The first schema: records, mentions, tokens and the search index.

Full text is, in SQLite, an FTS5 table a kind whose content is `search_entry`; triggers keep it true.
In PostgreSQL full text and vectors depend on the configuration, and `postgres/migrate.py` makes them.
There text compares by code point (COLLATE "C"), times are times, and since a row of an index holds 2,704
bytes, none has more than two keys, and texts without bound are indexed by their first 200 characters.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KINDS = ("CHUNK", "DOCUMENT", "ENTITY", "EPISODE", "FACT")
TOKENIZER = "porter unicode61 remove_diacritics 2"


ROW_ID = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INSTANT = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
COUNT = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade() -> None:
    _create_tables()
    if op.get_bind().dialect.name == "postgresql":
        _bound_indexes()
        return
    _create_vectors()
    for kind in KINDS:
        _create_full_text(kind)


def downgrade() -> None:
    raise NotImplementedError("there is no schema before the first; delete the file instead")


def _create_full_text(kind: str) -> None:
    name = f"fts_{kind.lower()}"
    columns = "rowid, title, body"
    new = "VALUES (new.id, new.title, new.body)"
    gone = f"INSERT INTO {name} ({name}, {columns}) VALUES ('delete', old.id, old.title, old.body)"
    op.execute(
        f"CREATE VIRTUAL TABLE {name} USING fts5(title, body, "
        f"content='search_entry', content_rowid='id', tokenize='{TOKENIZER}')"
    )
    op.execute(
        f"CREATE TRIGGER {name}_insert AFTER INSERT ON search_entry WHEN new.kind = '{kind}' "
        f"BEGIN INSERT INTO {name} ({columns}) {new}; END"
    )
    op.execute(
        f"CREATE TRIGGER {name}_delete AFTER DELETE ON search_entry WHEN old.kind = '{kind}' "
        f"BEGIN {gone}; END"
    )
    op.execute(
        f"CREATE TRIGGER {name}_update AFTER UPDATE OF title, body ON search_entry "
        f"WHEN new.kind = '{kind}' AND (old.title <> new.title OR old.body <> new.body) "
        f"BEGIN {gone}; INSERT INTO {name} ({columns}) {new}; END"
    )


def _bound_indexes() -> None:
    """Make the indexes anew whose rows could be too long for PostgreSQL."""
    for name, table, columns in (
        ("document_by_source", "document", ["tenant", sa.text("left(source, 200)"), "key"]),
        (
            "episode_by_source",
            "episode",
            ["tenant", sa.text("left(source, 200)"), "occurred_at", "key"],
        ),
        ("mention_by_name", "mention", ["tenant", "kind", "key", "entity_name"]),
        ("mention_by_document", "mention", ["tenant", "document_key", "entity_name"]),
    ):
        op.drop_index(name, table)
        op.create_index(name, table, columns)


def _create_tables() -> None:
    op.create_table(
        "chunk",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("document_key", TEXT, nullable=True),
        sa.Column("position", COUNT, nullable=True),
        sa.Column("text", TEXT, nullable=False),
        sa.Column("token_count", COUNT, nullable=True),
        sa.Column("metadata", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "key"),
    )
    op.create_index(
        "chunk_by_document", "chunk", ["tenant", "document_key", "position", "key"], unique=False
    )
    op.create_table(
        "document",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("title", TEXT, nullable=True),
        sa.Column("title_sort", TEXT, nullable=True),
        sa.Column("uri", TEXT, nullable=True),
        sa.Column("source", TEXT, nullable=True),
        sa.Column("media_type", TEXT, nullable=True),
        sa.Column("text", TEXT, nullable=True),
        sa.Column("metadata", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=True),
        sa.Column("updated_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "key"),
    )
    op.create_index(
        "document_by_created", "document", ["tenant", "created_at", "key"], unique=False
    )
    op.create_index("document_by_source", "document", ["tenant", "source", "key"], unique=False)
    op.create_index("document_by_title", "document", ["tenant", "title_sort", "key"], unique=False)
    op.create_index(
        "document_by_updated", "document", ["tenant", "updated_at", "key"], unique=False
    )
    op.create_table(
        "entity",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("name_sort", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=True),
        sa.Column("labels", TEXT, nullable=False),
        sa.Column("summary", TEXT, nullable=True),
        sa.Column("attributes", TEXT, nullable=False),
        sa.Column("created_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "key"),
    )
    op.create_index("entity_by_created", "entity", ["tenant", "created_at", "key"], unique=False)
    op.create_index("entity_by_name", "entity", ["tenant", "name_sort", "key"], unique=False)
    op.create_table(
        "episode",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", TEXT, nullable=True),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("content", TEXT, nullable=True),
        sa.Column("source", TEXT, nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=True),
        sa.Column("document_key", TEXT, nullable=True),
        sa.Column("chunk_key", TEXT, nullable=True),
        sa.Column("metadata", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "key"),
    )
    op.create_index(
        "episode_by_chunk", "episode", ["tenant", "chunk_key", "occurred_at", "key"], unique=False
    )
    op.create_index(
        "episode_by_document",
        "episode",
        ["tenant", "document_key", "occurred_at", "key"],
        unique=False,
    )
    op.create_index(
        "episode_by_occurred", "episode", ["tenant", "occurred_at", "key"], unique=False
    )
    op.create_index(
        "episode_by_recorded", "episode", ["tenant", "recorded_at", "key"], unique=False
    )
    op.create_index(
        "episode_by_source", "episode", ["tenant", "source", "occurred_at", "key"], unique=False
    )
    op.create_table(
        "fact",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("subject_key", TEXT, nullable=False),
        sa.Column("predicate", TEXT, nullable=False),
        sa.Column("object_key", TEXT, nullable=False),
        sa.Column("statement", TEXT, nullable=True),
        sa.Column("attributes", TEXT, nullable=False),
        sa.Column("valid_from", INSTANT, nullable=True),
        sa.Column("valid_to", INSTANT, nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=True),
        sa.Column("retracted_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "key"),
    )
    op.create_index(
        "fact_by_ends", "fact", ["tenant", "subject_key", "object_key", "valid_from"], unique=False
    )
    op.create_index(
        "fact_by_ends_reversed",
        "fact",
        ["tenant", "object_key", "subject_key", "valid_from"],
        unique=False,
    )
    op.create_index(
        "fact_by_object", "fact", ["tenant", "object_key", "valid_from", "key"], unique=False
    )
    op.create_index("fact_by_recorded", "fact", ["tenant", "recorded_at", "key"], unique=False)
    op.create_index(
        "fact_by_subject", "fact", ["tenant", "subject_key", "valid_from", "key"], unique=False
    )
    op.create_index("fact_by_valid", "fact", ["tenant", "valid_from", "key"], unique=False)
    op.create_table(
        "fact_episode",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("fact_key", TEXT, nullable=False),
        sa.Column("episode_key", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "fact_key", "episode_key"),
    )
    op.create_index(
        "fact_episode_by_episode",
        "fact_episode",
        ["tenant", "episode_key", "fact_key"],
        unique=False,
    )
    op.create_table(
        "mention",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("entity_key", TEXT, nullable=False),
        sa.Column("document_key", TEXT, nullable=True),
        sa.Column("occurred_at", INSTANT, nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=True),
        sa.Column("loaded", sa.Integer(), nullable=False),
        sa.Column("entity_name", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "kind", "key", "entity_key"),
    )
    op.create_index(
        "mention_by_document",
        "mention",
        ["tenant", "document_key", "entity_name", "entity_key"],
        unique=False,
    )
    op.create_index(
        "mention_by_entity", "mention", ["tenant", "kind", "entity_key", "key"], unique=False
    )
    op.create_index(
        "mention_by_entity_document",
        "mention",
        ["tenant", "entity_key", "document_key"],
        unique=False,
    )
    op.create_index(
        "mention_by_entity_time",
        "mention",
        ["tenant", "kind", "entity_key", "occurred_at", "key"],
        unique=False,
    )
    op.create_index(
        "mention_by_name",
        "mention",
        ["tenant", "kind", "key", "entity_name", "entity_key"],
        unique=False,
    )
    op.create_table(
        "metadata_token",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("token", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "token", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "metadata_token_by_key", "metadata_token", ["tenant", "kind", "key", "token"], unique=False
    )
    op.create_table(
        "search_entry",
        sa.Column("id", ROW_ID, nullable=False),
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("body", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=True),
        sa.Column("document_key", TEXT, nullable=True),
        sa.Column("type", TEXT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=True),
        sa.Column("valid_from", INSTANT, nullable=True),
        sa.Column("valid_to", INSTANT, nullable=True),
        sa.Column("recorded_at", INSTANT, nullable=True),
        sa.Column("retracted_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "kind", "key"),
    )
    op.create_table(
        "stub",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("document_key", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "kind", "key"),
    )
    op.create_table(
        "vector_space",
        sa.Column("tenant", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind"),
    )


def _create_vectors() -> None:
    op.create_table(
        "search_vector",
        sa.Column("entry_id", ROW_ID, nullable=False),
        sa.Column("digest", TEXT, nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["search_entry.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("entry_id"),
    )
