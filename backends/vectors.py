"""Vectors at length 1: the only form that is kept and compared."""

import numpy as np
from numpy.typing import ArrayLike

from backends.roles import Vector


def unit(values: ArrayLike) -> Vector | None:
    """The vector at length 1, float32; `None` for one that has no length or is not finite."""
    vector = np.asarray(values)
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length == 0:
        return None
    return np.asarray(vector / length, dtype=np.float32)
