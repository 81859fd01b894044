"""The tables that only PostgreSQL has: vectors in pgvector's type, the words of an entry.

search_entry.words     tsvector, generated of title and body (the first migration)
search_vector          one column for all dimensions; an HNSW index a kind and dimension (migrate)
"""

from typing import Any

from sqlalchemy import (
    REAL,
    BigInteger,
    BindParameter,
    Column,
    ColumnElement,
    Integer,
    MetaData,
    Table,
    Text,
    cast,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import UserDefinedType

metadata = MetaData()

HALF_BEYOND = 2_000
"""Dimensions that an HNSW index holds in single precision; beyond them it holds halves."""
LONGEST = 4_000
"""Dimensions that one holds at all; beyond them vectors are compared without an index."""


class VectorOf(UserDefinedType[Any]):
    """pgvector's `vector(n)`, or `halfvec(n)` where only that can be indexed; without n, any vector."""

    cache_ok = True

    def __init__(self, dimension: int | None = None) -> None:
        self.dimension = dimension

    def bind_expression(self, bindvalue: BindParameter[Any]) -> ColumnElement[Any]:
        """A list of numbers, as an array of single precision."""
        return cast(type_coerce(bindvalue, ARRAY(REAL)), self)

    def get_col_spec(self, **_: Any) -> str:
        """As PostgreSQL writes it."""
        if self.dimension is None:
            return "vector"
        return f"{'halfvec' if self.dimension > HALF_BEYOND else 'vector'}({self.dimension})"


search_vector = Table(
    "search_vector",
    metadata,
    Column("entry_id", BigInteger, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("dimension", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("vector", VectorOf(), nullable=False),
)
