"""Kernels for cores without SIMD: Cortex-M0+ and M3, and 32-bit RISC-V."""

from __future__ import annotations

from edgeq.compile.lower.small.binary import SUM
from edgeq.compile.lower.small.dense import is_small_dense, lower_small_dense
from edgeq.compile.lower.small.depthwise import is_paired_depthwise, lower_paired_depthwise
from edgeq.compile.lower.small.paired import is_paired, lower_paired
from edgeq.compile.lower.variants import Variant

ROWS: dict[str, tuple[Variant, ...]] = {
    "ADD": (SUM,),
    "SUB": (SUM,),
    "DEPTHWISE_CONV_2D": (Variant("paired", is_paired_depthwise, lower_paired_depthwise),),
    "FULLY_CONNECTED": (Variant("interleaved", is_small_dense, lower_small_dense),),
    "CONV_2D": (Variant("paired", is_paired, lower_paired),),
}
