"""Redis as a cache."""
