"""The first schema: records, mentions, tokens and the search index.

Full text is an FTS5 table a kind whose content is `search_entry`; triggers keep it true.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KINDS = ("CHUNK", "DOCUMENT", "ENTITY", "EPISODE", "FACT")
TOKENIZER = "porter unicode61 remove_diacritics 2"


def upgrade() -> None:
    _create_tables()
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


def _create_tables() -> None:
    op.create_table(
        "chunk",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("document_key", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("token_count", sa.Integer(), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "key"),
    )
    op.create_index(
        "chunk_by_document", "chunk", ["tenant", "document_key", "position", "key"], unique=False
    )
    op.create_table(
        "document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("title_sort", sa.Text(), nullable=True),
        sa.Column("uri", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=True),
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
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_sort", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("labels", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "key"),
    )
    op.create_index("entity_by_created", "entity", ["tenant", "created_at", "key"], unique=False)
    op.create_index("entity_by_name", "entity", ["tenant", "name_sort", "key"], unique=False)
    op.create_table(
        "episode",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=True),
        sa.Column("document_key", sa.Text(), nullable=True),
        sa.Column("chunk_key", sa.Text(), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=False),
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
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("subject_key", sa.Text(), nullable=False),
        sa.Column("predicate", sa.Text(), nullable=False),
        sa.Column("object_key", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_to", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=True),
        sa.Column("retracted_at", sa.BigInteger(), nullable=True),
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
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("fact_key", sa.Text(), nullable=False),
        sa.Column("episode_key", sa.Text(), nullable=False),
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
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("entity_key", sa.Text(), nullable=False),
        sa.Column("document_key", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=True),
        sa.Column("loaded", sa.Integer(), nullable=False),
        sa.Column("entity_name", sa.Text(), nullable=True),
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
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind", "token", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "metadata_token_by_key", "metadata_token", ["tenant", "kind", "key", "token"], unique=False
    )
    op.create_table(
        "search_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("document_key", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.BigInteger(), nullable=True),
        sa.Column("valid_to", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.BigInteger(), nullable=True),
        sa.Column("retracted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("tenant", "kind", "key"),
    )
    op.create_table(
        "stub",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("document_key", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "kind", "key"),
    )
    op.create_table(
        "vector_space",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kind"),
    )
    op.create_table(
        "search_vector",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["entry_id"], ["search_entry.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("entry_id"),
    )
