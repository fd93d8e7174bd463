"""Operators on int16 for cores with the DSP extension."""

from __future__ import annotations

from edgeq.compile.lower.dsp.int16_binary import is_product, is_sum, lower_product, lower_sum
from edgeq.compile.lower.dsp.int16_dense import has_tiles, lower_quads
from edgeq.compile.lower.dsp.int16_planes import (
    is_3x3,
    is_any,
    is_single,
    lower_3x3,
    lower_any,
    lower_channels,
)
from edgeq.compile.lower.dsp.int16_pooling import has_pairs, lower_pairs
from edgeq.compile.lower.dsp.int16_tiles import (
    is_int16,
    is_long,
    is_tiled,
    lower_long,
    lower_tiles,
)
from edgeq.compile.lower.variants import Variant

_POOLS = (Variant("int16 two channels", has_pairs, lower_pairs),)
_SUMS = (Variant("int16 sum", is_sum, lower_sum),)

ROWS: dict[str, tuple[Variant, ...]] = {
    "ADD": _SUMS,
    "AVERAGE_POOL_2D": _POOLS,
    "CONV_2D": (
        Variant("int16 tiles", is_tiled, lower_tiles),
        Variant("int16 tiles, sums of 64 bits", is_long, lower_long),
    ),
    "DEPTHWISE_CONV_2D": (
        Variant("int16 3x3", is_3x3, lower_3x3),
        Variant("int16 any window", is_any, lower_any),
        Variant("int16 four channels", is_single, lower_channels),
    ),
    "MAX_POOL_2D": _POOLS,
    "MUL": (Variant("int16 product", is_product, lower_product),),
    "SUB": _SUMS,
    "FULLY_CONNECTED": (
        Variant("int16 tiles", has_tiles, lower_tiles),
        Variant("int16 quads", is_int16, lower_quads),
    ),
}
