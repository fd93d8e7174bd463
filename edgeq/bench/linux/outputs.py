"""What the board computed, against what this computer computes from the same inputs.

An interpreter's kernels round their own way: that a few elements differ by a step is no fault, so
the differences are counted, not judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgeq.bench.oracles import Outputs, checksum
from edgeq.core.records import DifferenceRecord, OutputRecord
from edgeq.graph.ir import DTYPES, Graph


class Expected(NamedTuple):
    """The bytes of every output as an oracle gives them."""

    oracle: str
    outputs: Outputs


def compare_outputs(graph: Graph, outputs: Outputs, expected: Sequence[Expected]) -> OutputRecord:
    """Return the record of the outputs; `bit_exact` is against the first oracle."""
    differences = tuple(_difference(graph, outputs, other) for other in expected)
    first = differences[0] if differences else None
    return OutputRecord(
        crc32=checksum(outputs),
        bit_exact=None if first is None else outputs == expected[0].outputs,
        oracle=None if first is None else first.oracle,
        differences=differences,
    )


def _difference(graph: Graph, outputs: Outputs, expected: Expected) -> DifferenceRecord:
    elements = differing = 0
    maximum = 0.0
    for index, got, wanted in zip(graph.outputs, outputs, expected.outputs, strict=True):
        dtype = DTYPES[graph.tensor(index).dtype]
        a, b = np.frombuffer(got, dtype), np.frombuffer(wanted, dtype)
        elements += a.size
        gaps = _gaps(a, b)
        differing += int(np.count_nonzero(gaps))
        maximum = max(maximum, float(gaps.max(initial=0.0)))
    return DifferenceRecord(
        oracle=expected.oracle, elements=elements, differing=differing, maximum=maximum
    )


def _gaps(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    """Return |a - b|; infinite where only one of the two is no number."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore"):
        gaps = np.where((x == y) | (np.isnan(x) & np.isnan(y)), 0.0, np.abs(x - y))
    return np.nan_to_num(gaps, nan=np.inf, posinf=np.inf)
