"""What PostgreSQL does in its own way: pools, tsvector, pgvector, migrations on a server."""
