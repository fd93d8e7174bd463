"""The layers of a model as a search sees them."""

from __future__ import annotations

from typing import NamedTuple

from edgeq.core.records.sensitivity import SensitivityRecord


class Layers(NamedTuple):
    """Names of the layers with weights.

    Attributes:
        ranked: all of them, the least sensitive to int4 weights first.
        inner: neither the first nor the last in the graph's order: what codebooks are for.
    """

    ranked: tuple[str, ...]
    inner: tuple[str, ...]


def rank_layers(record: SensitivityRecord) -> Layers:
    """Return the layers of a record of int4 weights; one that cannot have them is not ranked."""
    able = [layer for layer in record.layers if layer.lowered is not None]
    order = [layer.layer for layer in sorted(record.layers, key=lambda layer: layer.place)]
    return Layers(tuple(layer.layer for layer in reversed(able)), tuple(order[1:-1]))
