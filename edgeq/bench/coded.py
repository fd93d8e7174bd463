"""What weights kept as codes cost: their kernel of a byte for each weight, and decoding them.

Until benchmarks/fit_costs.py has rows for kernels that decode, theirs are made of those of the
kernels that they call, which do all else.
"""

from __future__ import annotations

from collections.abc import Mapping

from edgeq.core.records import PlannedLayer
from edgeq.graph.ir import Graph, Node

# Kernels that decode, and those that they call: of several the first that a core has.
BASES: Mapping[str, tuple[str, ...]] = {
    "eq_coded_tiles": ("eq_dsp_conv",),
    "eq_coded_tiles 1x1": ("eq_dsp_pointwise",),
    "eq_coded_dense": ("eq_dense_quads",),
    "eq_coded_quads": ("eq_dense_quads",),
    "eq_coded_plane": ("eq_plane_stride1",),
    "eq_coded_plane stride 2": ("eq_plane_stride2",),
    "eq_coded_plane_any": ("eq_plane_any",),
    "eq_coded_paired": ("eq_paired_biased", "eq_paired"),
    "eq_coded_paired_depthwise": ("eq_paired_depthwise",),
    "eq_coded_small_dense": ("eq_small_dense",),
    "eq_coded_small_row": ("eq_small_dense",),
    "eq_coded_mve_conv": ("eq_mve_conv",),
    "eq_coded_mve_pointwise": ("eq_mve_pointwise",),
    "eq_coded_mve_steps": ("eq_mve_pointwise",),
    "eq_coded_mve_windows": ("eq_mve_conv",),
    "eq_coded_mve_row": ("eq_mve_dense",),
    "eq_coded_mve_depthwise": ("eq_mve_depthwise",),
    "eq_coded_mve_blocks": ("eq_mve_depthwise",),
    "eq_coded_rows": ("eq_int4",),
}
# Instructions that decode a weight, by the bits of its code: counted with benchmarks/packed.py.
_SCALAR: Mapping[int, float] = {4: 6.0, 2: 5.0, 1: 4.0}
_QUADS: Mapping[int, float] = {4: 2.4, 2: 2.4, 1: 1.2}  # by a table of whole bytes, or of pairs
# The same where codes are multiplied as they are read: what that takes more than bytes do.
_DENSE: Mapping[int, float] = {4: 0.72, 2: 0.5}
_TABLES: Mapping[str, Mapping[int, float]] = {"eq_coded_quads": _QUADS, "eq_coded_dense": _DENSE}
_VECTOR = 0.6
# The factor, less one, that such an estimate may be off.
TOLERANCE = 0.4


def base_kernels(graph: Graph, layer: PlannedLayer) -> tuple[str, ...]:
    """Return the kernels that a layer's decodes weights for; none where it decodes none."""
    kernel, node = layer.kernel, _node(graph, layer)
    if kernel == "eq_coded_tiles" and graph.tensor(node.inputs[1]).shape[1:-1] in ((), (1, 1)):
        kernel = "eq_coded_tiles 1x1"
    if kernel == "eq_coded_plane" and node.options.get("stride_h", 1) == 2:
        kernel = "eq_coded_plane stride 2"
    return BASES.get(kernel, ())


def decoding_cost(graph: Graph, layer: PlannedLayer) -> float:
    """Return the instructions that decode a layer's weights once."""
    weights = graph.tensor(_node(graph, layer).inputs[1]).elements
    if "_mve_" in layer.kernel:
        return weights * _VECTOR
    return weights * _TABLES.get(layer.kernel, _SCALAR)[layer.weight_bits or 4]


def _node(graph: Graph, layer: PlannedLayer) -> Node:
    return next(node for node in graph.nodes if node.index == layer.nodes[-1])
