"""Raw model output as vectors to keep."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from backends.roles import Vector


def normalised(rows: Iterable[ArrayLike]) -> list[Vector | None]:
    """Each row at length 1, float32; `None` for one that has no length or is not finite."""
    vectors: list[Vector | None] = []
    for row in rows:
        values = np.asarray(row, dtype=np.float32)
        length = float(np.linalg.norm(values))
        usable = np.isfinite(length) and length > 0
        vectors.append(values / np.float32(length) if usable else None)
    return vectors
