"""Child side: what every layer of a Keras 3 model gives on a sample, in the order of the calls."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import numpy as np

from edgeq.convert.quantization.names import LayerCall
from edgeq.convert.samples import Inputs


def trace_layers(model: Any, inputs: Inputs) -> tuple[LayerCall, ...]:
    """Run `model` on one sample, (1, ...) for each input; return the calls of its layers.

    Nested models are looked into; a layer that is called twice is there twice.
    """
    import keras
    import tensorflow as tf

    found: list[LayerCall] = []
    made: dict[int, int] = {}
    kept: list[Any] = []  # so that no identity is given twice
    with ExitStack() as stack:
        for layer in model._flatten_layers(include_self=False, recursive=True):
            if not isinstance(layer, keras.Model):
                _listen(layer, _recorder(layer, found, made, kept), stack)
        arrays = [tf.constant(x) for x in inputs]
        model(arrays[0] if len(arrays) == 1 else arrays, training=False)
    return tuple(found)


def _listen(layer: Any, record: Callable[[Any, Any], None], stack: ExitStack) -> None:
    """Have `record` see the arguments and the result of each call of a layer."""
    call = layer.call

    def listen(*args: Any, **kwargs: Any) -> Any:
        result = call(*args, **kwargs)
        record((args, kwargs), result)
        return result

    object.__setattr__(layer, "call", listen)
    stack.callback(object.__delattr__, layer, "call")


def _recorder(
    layer: Any, found: list[LayerCall], made: dict[int, int], kept: list[Any]
) -> Callable[[Any, Any], None]:
    import tensorflow as tf

    def record(arguments: Any, result: Any) -> None:
        outputs = [t for t in tf.nest.flatten(result) if tf.is_tensor(t)]
        if not outputs:
            return
        given = [t for t in tf.nest.flatten(arguments) if tf.is_tensor(t)]
        sources = tuple(made.get(id(t), -1) for t in given)
        kept.extend((outputs, given))
        for output in outputs:
            made[id(output)] = len(found)
        value = np.asarray(outputs[0]).reshape(-1)
        weights = max((len(weight.shape) for weight in layer.weights), default=0)
        found.append(LayerCall(str(layer.name), sources, value, weights))

    return record
