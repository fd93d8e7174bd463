"""CONV_2D and the like on cores with SMLAD that multiply codes as they read them.

They decode no weights into memory: an output may lie upon its input, as that of int8 may.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.arithmetic import weight_values
from edgeq.compile.layer import SCRATCH, Call, Layer, Ref, constant
from edgeq.compile.lower.codes import encode_rows, mark, without
from edgeq.compile.lower.dsp.convolution import window_order
from edgeq.compile.lower.dsp.tiles import PIXELS
from edgeq.compile.lower.groups import weight_multipliers, weight_window
from edgeq.graph.codebooks import find_codebook
from edgeq.graph.ir import Graph, Node
from edgeq.graph.oracle.fixed_point import quantize_multiplier

_STEPS = 4  # words of inputs that the kernel takes at once
_NONE, _ANY = -1, 0  # in an order of taps: nothing, and what may be anything
_TABLE = 1024  # bytes of what each byte of codes stands for


def is_multiplied(graph: Graph, node: Node) -> bool:
    """Return whether the kernel takes a layer that tiles take too.

    What needs weights of nought, as outputs do whose factor is nought and what fills up runs of
    the window, is left to tiles, unless nought is one of the values.
    """
    book, order = (
        find_codebook(weight_values(graph, node)),
        window_order(weight_window(graph, node)),
    )
    live = all(quantize_multiplier(m)[0] > 0 for m in weight_multipliers(graph, node))
    return book is not None and live and (0 in book.values or bool(np.all(order >= 0)))


def lower_multiplied(graph: Graph, node: Node, plain: Layer) -> Layer:
    """Return the layer of codes for `plain`, the layer of tiles."""
    conv, stream = plain.calls[0].fields, plain.constants[0].data
    matrix = conv["matrix"]
    used, outputs = int(matrix["steps"]), int(matrix["outputs"])
    words = stream.reshape(-(-outputs // 2), -1)
    weights = weight_values(graph, node).reshape(outputs, -1)
    book = find_codebook(weights)
    assert book is not None  # which is_multiplied has seen
    pairs = _order_pairs(weights, window_order(weight_window(graph, node)), book.bits)
    coded = encode_rows(pairs, paired=book.bits < 4)
    assert coded is not None
    rest = constant("rest", np.delete(words, np.s_[1 : used + 1], axis=1), np.int32)
    steps = -(-used // _STEPS) * _STEPS
    make = f"eq_coded_tile_{book.bits}"
    fields = {
        "conv": {**conv, "matrix": {**without(matrix, "stream"), "steps": steps}},
        "weights": coded.fields,
        "rest": rest.ref,
        "used": used,
        "make": Ref(make, shared=True),
    }
    kernel = "eq_coded_conv"
    operands = node.inputs[0], SCRATCH, node.outputs[0]
    layer = Layer(
        (Call(kernel, kernel, fields, operands),),
        (kernel, make, "eq_dsp_border", "eq_dsp_tile"),
        (*coded.constants, rest),
        hot=True,
        scratch=plain.scratch + PIXELS * 4 * (steps - used) + _TABLE * (book.bits > 1),
        overlaps=plain.overlaps,
    )
    return mark(node, layer, plain, coded.book, (4 * words.size, 0))


def _order_pairs(
    weights: NDArray[np.int8], order: NDArray[np.int64], bits: int
) -> NDArray[np.int8]:
    """Return a row for each pair of outputs, in the order of eq_coded_tile.h.

    Args:
        weights: [outputs, taps].
        order: of the taps, as they are widened; -1 has no weight.
        bits: of a code.
    """
    order = np.pad(order, (0, -len(order) % (2 * _STEPS)), constant_values=_ANY)
    taps = np.where(order == _NONE, 0, weights[:, np.maximum(order, 0)])
    full = np.pad(taps, ((0, len(taps) % 2), (0, 0)), mode="edge")
    steps = full.reshape(len(full) // 2, 2, -1, 2)  # pairs, their outputs, steps, halves
    ordered = steps.transpose(0, 2, 1, 3) if bits == 4 else steps.transpose(0, 2, 3, 1)
    return ordered.reshape(len(steps), -1)
