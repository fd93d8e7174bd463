"""Kernels for cores with the DSP extension: Cortex-M4, M7 and M33."""

from __future__ import annotations

from edgeq.compile.lower.dsp.binary import SUMS
from edgeq.compile.lower.dsp.convolution import CONVOLUTIONS
from edgeq.compile.lower.dsp.dense import DENSE
from edgeq.compile.lower.dsp.depthwise import DEPTHWISE
from edgeq.compile.lower.variants import Variant

ROWS: dict[str, tuple[Variant, ...]] = {
    "ADD": SUMS,
    "SUB": SUMS,
    "CONV_2D": CONVOLUTIONS,
    "DEPTHWISE_CONV_2D": DEPTHWISE,
    "FULLY_CONNECTED": DENSE,
}
