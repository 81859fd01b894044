"""Vectors at length 1, the only form that is kept and compared, and the space that they are of."""

import numpy as np
from numpy.typing import ArrayLike

from backends.errors import VectorSpaceMismatch
from backends.records import Kind, VectorSpace
from backends.roles import Vector


def unit(values: ArrayLike) -> Vector | None:
    """The vector at length 1, float32; `None` for one that has no length or is not finite."""
    vector = np.asarray(values)
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length == 0:
        return None
    return np.asarray(vector / length, dtype=np.float32)


def agree(store: str, kind: Kind, there: VectorSpace, asked: VectorSpace) -> None:
    """Raise VectorSpaceMismatch unless the space asked for is the one that filled a kind."""
    if there != asked:
        raise VectorSpaceMismatch(
            store,
            f"store {store}: the vectors of {kind.value} were made by {there.model} "
            f"({there.dimension} dimensions), not by {asked.model} ({asked.dimension}); configure "
            "that embedder, or load into an empty store",
        )
