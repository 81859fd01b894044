"""Qdrant: plays `Vectors`, a collection a kind."""
