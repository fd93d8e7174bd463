"""Child side: inputs that hold ids are integers, whatever type Keras gave them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeq.convert.rewriting import all_layers
from edgeq.core.errors import InputError


def use_integer_ids(model: Any, path: Path, custom_objects: Mapping[str, Any]) -> Any:
    """Return a Keras model whose embeddings read integers; a model without floats there as it is.

    Keras makes an Input float32 unless it is told otherwise, and casts in the embedding: int8
    could not hold such ids. An Input that embeddings alone read becomes int32.

    Raises:
        InputError: an embedding reads floats that something else reads or computes too.
    """
    inputs = _float_ids(model)
    if inputs:
        config = model.get_config()
        for layer in config["layers"]:
            if layer["config"]["name"] in inputs:
                layer["config"]["dtype"] = "int32"
        weights = model.get_weights()
        model = type(model).from_config(config, custom_objects=dict(custom_objects))
        model.set_weights(weights)
    for layer in _embeddings(model):
        if any(_is_float(tensor) for node in layer._inbound_nodes for tensor in node.input_tensors):
            raise InputError(
                f"{path}: the embedding '{layer.name}' reads floats, which int8 would change",
                hint="give it ids from an Input of its own with dtype='int32', and save it again",
            )
    return model


def _float_ids(model: Any) -> set[str]:
    """Return the names of the float Inputs that embeddings alone read."""
    from keras import layers

    network = getattr(model, "_functional", None) or model
    nodes = [node for row in getattr(network, "_nodes_by_depth", {}).values() for node in row]
    found = set()
    for tensor in getattr(network, "inputs", None) or ():
        readers = [
            node.operation
            for node in nodes
            if any(read is tensor for read in node.input_tensors) and not node.is_input
        ]
        alone = readers and all(isinstance(reader, layers.Embedding) for reader in readers)
        if alone and _is_float(tensor):
            found.add(str(tensor._keras_history.operation.name))
    return found


def _embeddings(model: Any) -> list[Any]:
    from keras import layers

    return [layer for layer in all_layers(model) if isinstance(layer, layers.Embedding)]


def _is_float(tensor: Any) -> bool:
    return "int" not in str(tensor.dtype)
