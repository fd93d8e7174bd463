"""Kernels for cores without SIMD: Cortex-M0+ and M3, and 32-bit RISC-V."""

from __future__ import annotations

from edgeq.compile.lower.small.paired import is_paired, lower_paired
from edgeq.compile.lower.variants import Variant

ROWS: dict[str, tuple[Variant, ...]] = {
    "CONV_2D": (Variant("paired", is_paired, lower_paired),),
}
