"""Kernels for Helium: Cortex-M55 and M85. Those of other types have rows in `int4` and `int16`."""

from __future__ import annotations

from edgeq.compile.lower.mve.binary import BINARY_ROWS
from edgeq.compile.lower.mve.depthwise import DEPTHWISE_ROWS
from edgeq.compile.lower.mve.elementwise import ELEMENTWISE_ROWS
from edgeq.compile.lower.mve.matrix import MATRIX_ROWS
from edgeq.compile.lower.variants import Variant

ROWS: dict[str, tuple[Variant, ...]] = {
    **MATRIX_ROWS,
    **DEPTHWISE_ROWS,
    **BINARY_ROWS,
    **ELEMENTWISE_ROWS,
}
