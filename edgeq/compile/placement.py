"""Constants in fast memory: those of the layers that read each byte most often.

A byte of a layer's constants is read about as often as the layer has output pixels, so that the
multiply-accumulates per byte rank what the wait states of the flash cost.
"""

from __future__ import annotations

from collections.abc import Sequence

from edgeq.compile.layer import Layer
from edgeq.compile.target import Target

_LEAST_REUSE = 4  # reads of each byte below which copying it at the start is no gain worth RAM


def fast_constants(
    layers: Sequence[Layer], macs: Sequence[int], target: Target, taken: int
) -> dict[str, int]:
    """Return the constants to place in fast memory, by their C names, with their bytes.

    Args:
        layers: with `macs`, the multiply-accumulates of each.
        taken: bytes of RAM that arena and inputs take already.
    """
    limits = [x for x in (target.room, target.options.ram_bytes) if x is not None]
    if target.options.goal != "speed" or not target.slow_flash or not limits:
        return {}
    left = min(limits) - taken
    found: dict[str, int] = {}
    for index, reuse in sorted(enumerate(map(_reuse, layers, macs)), key=lambda x: (-x[1], x[0])):
        own = {
            c.ref.in_layer(index): c.data.nbytes for c in layers[index].constants if not c.shared
        }
        if reuse >= _LEAST_REUSE and sum(own.values()) <= left:
            found |= own
            left -= sum(own.values())
    return found


def _reuse(layer: Layer, macs: int) -> float:
    size = sum(c.data.nbytes for c in layer.constants if not c.shared)
    return macs / size if size else 0.0
