"""Child side: weights that are not finite are refused by name, before anything is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeq.core.errors import InputError
from edgeq.graph.ir import Graph

HINT = "the training diverged: take an earlier checkpoint, or train it again"


def check_weights(model: Any) -> None:
    """Refuse a Keras model whose weights hold NaN or infinity.

    Raises:
        InputError: naming the layer and the weight.
    """
    for weight in model.weights:
        if not np.isfinite(np.asarray(weight.numpy(), np.float64)).all():
            raise InputError(f"layer {weight.path} holds NaN or infinity", hint=HINT)


def check_constants(graph: Graph) -> None:
    """Refuse a float graph with a constant that is not finite.

    Raises:
        InputError: naming the tensor.
    """
    for tensor in graph.tensors:
        data = tensor.data
        if data is not None and data.dtype.kind == "f" and not np.isfinite(data).all():
            raise InputError(f"{graph.name}: weight {tensor.name} holds NaN or infinity", hint=HINT)
