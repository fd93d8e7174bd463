"""ADD and SUB as a plane over both operands, compared with TFLite's arithmetic everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.interpreter import prepare
from edgeq.graph.oracle.requantization import scale_of

SHIFT = 21  # as in kernels/dsp/eq_dsp_sum.h
_FACTOR_BITS = 8
_LIMIT = 1 << 31
_BYTES = np.arange(-128, 128, dtype=np.int64)
# Factors are tried in steps that move the sums of the largest bytes by some 2**-16 of an output.
_STEP, _STEPS = 48, range(-3, 4)
_SIGNS = {"ADD": 1, "SUB": -1}


@dataclass(frozen=True, slots=True)
class Plane:
    """saturate((a * left >> 8) + (b * right >> 8) + offset >> SHIFT)."""

    left: int
    right: int
    offset: int


def sum_plane(graph: Graph, node: Node) -> Plane | None:
    """Return ADD or SUB of equal shapes as a plane, None where the shapes differ or none fits."""
    a, b, y = (graph.tensor(i) for i in (*node.inputs[:2], node.outputs[0]))
    if not a.elements == b.elements == y.elements:
        return None
    bytes_ = np.arange(-128, 128).astype(np.int8)
    outputs = np.asarray(prepare(graph, node)(bytes_[:, None], bytes_[None, :]))
    left, right, unit = (float(scale_of(t)) for t in (a, b, y))
    return fit_plane(outputs, left / unit, _SIGNS[node.op] * right / unit)


def fit_plane(outputs: NDArray[np.int8], left: float, right: float) -> Plane | None:
    """Return a plane that gives exactly `outputs`, None where none is found.

    Args:
        outputs: int8 for each a and b from -128 to 127, [256, 256].
        left: how much an output rises with a; `right` with b.
    """
    a, b = (round(np.ldexp(v, SHIFT + _FACTOR_BITS)) for v in (left, right))
    tries = sorted((abs(i) + abs(j), i, j) for i in _STEPS for j in _STEPS)
    wanted = outputs.astype(np.int64)
    for _, i, j in tries:
        plane = _with_offset(wanted, a + i * _STEP, b + j * _STEP)
        if plane is not None:
            return plane
    return None


def _with_offset(outputs: NDArray[np.int64], left: int, right: int) -> Plane | None:
    if max(abs(left), abs(right)) >= _LIMIT:
        return None
    a, b = ((_BYTES * factor) >> _FACTOR_BITS for factor in (left, right))
    sums = a[:, None] + b
    above, below = outputs > -128, outputs < 127
    least = ((outputs[above] << SHIFT) - sums[above]).max(initial=-_LIMIT)
    most = ((outputs[below] + 1 << SHIFT) - 1 - sums[below]).min(initial=_LIMIT - 1)
    offset = int(least + most) >> 1
    largest = abs(offset) + int(np.abs(a).max() + np.abs(b).max())
    return Plane(left, right, offset) if least <= most and largest < _LIMIT else None
