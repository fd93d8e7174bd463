"""Kernels for Helium: Cortex-M55 and M85."""

from __future__ import annotations

from edgeq.compile.lower.mve.matrix import MATRIX_ROWS
from edgeq.compile.lower.variants import Variant

ROWS: dict[str, tuple[Variant, ...]] = {**MATRIX_ROWS}
