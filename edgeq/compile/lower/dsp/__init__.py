"""Kernels for cores with the DSP extension: Cortex-M4, M7 and M33."""

from __future__ import annotations

from edgeq.compile.lower.dsp.convolution import CONVOLUTIONS
from edgeq.compile.lower.variants import Variant

ROWS: dict[str, tuple[Variant, ...]] = {"CONV_2D": CONVOLUTIONS}
