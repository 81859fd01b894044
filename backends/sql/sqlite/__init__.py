"""What SQLite does in its own way: the embedded file, FTS5, vectors compared in numpy."""
