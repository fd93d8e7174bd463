"""How near a layer's output may come to an input that dies there, from the order of its accesses.

A kernel walks in steps. The output lies far enough below the input if nothing that a step writes
is read after it (Blacker, Bridges and Hadfield, arXiv 2010.01668: diagonal memory optimisation).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def least_distance(reads: ArrayLike, writes: ArrayLike) -> int:
    """Return how many bytes below the input's start the output must start.

    Args:
        reads: of each step, the first byte of the input that it reads.
        writes: of each step, the end of the output's bytes that are written when it reads last.
    """
    first: NDArray[np.int64] = np.asarray(reads, np.int64).reshape(-1)
    ends = np.asarray(writes, np.int64).reshape(-1)
    later = np.minimum.accumulate(first[::-1])[::-1]
    return int((ends - later).max(initial=-(1 << 40)))
