"""Relational stores through SQLAlchemy Core: SQLite, which plays every role from one file."""
