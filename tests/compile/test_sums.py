"""A sum of two bytes that is called a plane is TFLite's, pair by pair."""

from __future__ import annotations

import numpy as np

from edgeq.compile.lower.sums import SHIFT, fit_plane

_BYTES = np.arange(-128, 128, dtype=np.int64)


def test_a_plane_is_its_table() -> None:
    a, b = 0.71234567, 0.40765432
    outputs = np.clip(np.floor(_BYTES[:, None] * a + _BYTES * b + 3.54321), -128, 127)
    plane = fit_plane(outputs.astype(np.int8), a, b)
    assert plane is not None
    left, right = _BYTES * plane.left >> 8, _BYTES * plane.right >> 8
    sums = left[:, None] + right + plane.offset
    np.testing.assert_array_equal(np.clip(sums >> SHIFT, -128, 127), outputs)


def test_what_is_no_plane_has_none() -> None:
    assert fit_plane(np.maximum(_BYTES[:, None], _BYTES).astype(np.int8), 0.5, 0.5) is None
