"""Operators on int16 for cores with the DSP extension."""

from __future__ import annotations

from edgeq.compile.lower.dsp import int16_binary as binary
from edgeq.compile.lower.dsp import int16_dense as dense
from edgeq.compile.lower.dsp import int16_planes as planes
from edgeq.compile.lower.dsp import int16_pooling as pooling
from edgeq.compile.lower.dsp import int16_tiles as tiles
from edgeq.compile.lower.variants import Variant

_POOLS = (Variant("int16 two channels", pooling.has_pairs, pooling.lower_pairs),)
_SUMS = (Variant("int16 sum", binary.is_sum, binary.lower_sum),)

ROWS: dict[str, tuple[Variant, ...]] = {
    "ADD": _SUMS,
    "AVERAGE_POOL_2D": _POOLS,
    "CONV_2D": (
        Variant("int16 tiles", tiles.is_tiled, tiles.lower_tiles),
        Variant("int16 tiles, sums of 64 bits", tiles.is_long, tiles.lower_long),
    ),
    "DEPTHWISE_CONV_2D": (
        Variant("int16 3x3", planes.is_3x3, planes.lower_3x3),
        Variant("int16 any window", planes.is_any, planes.lower_any),
        Variant("int16 four channels", planes.is_single, planes.lower_channels),
        Variant("int16 large plane", planes.is_large, planes.lower_any),
    ),
    "FULLY_CONNECTED": (
        Variant("int16 tiles", dense.has_tiles, tiles.lower_tiles),
        Variant("int16 quads", tiles.is_int16, dense.lower_quads),
    ),
    "MAX_POOL_2D": _POOLS,
    "MUL": (Variant("int16 product", binary.is_product, binary.lower_product),),
    "SUB": _SUMS,
}
