"""Operators on int16 for cores with the DSP extension."""

from __future__ import annotations

from edgeq.compile.lower.dsp.int16_tiles import is_tiled, lower_tiles
from edgeq.compile.lower.variants import Variant

ROWS: dict[str, tuple[Variant, ...]] = {
    "CONV_2D": (Variant("int16 tiles", is_tiled, lower_tiles),),
    "FULLY_CONNECTED": (Variant("int16 tiles", is_tiled, lower_tiles),),
}
