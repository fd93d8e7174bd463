"""Child side: one flat model whose layers are those that an integer graph has.

Batch norms go into the layer before them, separable convolutions become two layers, and
activations that no integer kernel fuses become layers of their own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

from edgeq.convert.metrics import Array
from edgeq.convert.training.flattening import (
    Call,
    Flat,
    LayerSpec,
    chain_calls,
    flatten,
    replace_call,
)

FUSED = ("linear", "relu", "relu6")

# How a factor for each output channel lies on the kernel: class -> (kernel, factor) -> factor.
Spread = Callable[[Array, Array], Array]
_LAST: Spread = lambda kernel, factor: factor  # noqa: E731
_TRANSPOSED: Spread = lambda kernel, factor: factor[:, None]  # noqa: E731
_DEPTHWISE: Spread = lambda kernel, factor: factor.reshape(kernel.shape[-2:])  # noqa: E731
KERNELS: Mapping[str, Spread] = {
    "Dense": _LAST,
    "Conv1D": _LAST,
    "Conv2D": _LAST,
    "Conv1DTranspose": _TRANSPOSED,
    "Conv2DTranspose": _TRANSPOSED,
    "DepthwiseConv1D": _DEPTHWISE,
    "DepthwiseConv2D": _DEPTHWISE,
}


def fold_model(model: Any) -> Flat:
    """Return the calls of a model that computes the same, for inference, without batch norms.

    Layers keep their names. A batch norm behind no layer with weights becomes a depthwise
    convolution of one tap, or goes into the Dense layer behind it; where neither is possible
    it stays.

    Raises:
        InputError: the model has no graph of layers.
    """
    return fold_batch_norms(expand(flatten(model)))


def kernel_kind(spec: LayerSpec) -> str | None:
    """Return the name of the class with weights that a layer is, None for any other."""
    return next((name for name in KERNELS if spec.kind.__name__ == name), None)


# --- expansion -----------------------------------------------------------------------------------


def expand(flat: Flat) -> Flat:
    """Return the model with separable convolutions and unfused activations as layers."""
    parts: dict[int, tuple[LayerSpec, ...]] = {}
    for call in flat.calls:
        parts.setdefault(id(call.spec), _parts(call.spec))
    for call in flat.calls:
        several = parts[id(call.spec)]
        if several[0] is not call.spec:
            flat = replace_call(flat, call, chain_calls(flat, call, several))
    return flat


def _parts(spec: LayerSpec) -> tuple[LayerSpec, ...]:
    if spec.kind.__name__ in ("SeparableConv1D", "SeparableConv2D"):
        depthwise, pointwise = _separate(spec)
        return (depthwise, *_parts(pointwise))
    activation = spec.config.get("activation")
    if kernel_kind(spec) is None or activation is None or activation in FUSED:
        return (spec,)
    return _split_activation(spec)


def _split_activation(spec: LayerSpec) -> tuple[LayerSpec, LayerSpec]:
    import keras

    activation = spec.config["activation"]
    label = activation if isinstance(activation, str) else "activation"
    name = f"{spec.name}_{label}"
    linear = {**spec.config, "activation": "linear"}
    config = {"name": name, "activation": activation}
    return (
        dataclasses.replace(spec, config=linear),
        LayerSpec(name, keras.layers.Activation, config, ()),
    )


_SHARED_KEYS = ("strides", "padding", "data_format", "dilation_rate", "dtype")


def _separate(spec: LayerSpec) -> tuple[LayerSpec, LayerSpec]:
    """Return the depthwise and the pointwise layer of a separable convolution."""
    import keras

    rank = spec.kind.__name__[-2:]
    config, name = spec.config, f"{spec.name}_depthwise"
    depthwise = {key: config[key] for key in _SHARED_KEYS}
    depthwise |= {"name": name, "kernel_size": config["kernel_size"], "use_bias": False}
    depthwise["depth_multiplier"] = config["depth_multiplier"]
    keys = ("data_format", "dtype", "name", "filters", "use_bias", "activation")
    pointwise = {"kernel_size": 1, **{key: config[key] for key in keys}}
    kinds = getattr(keras.layers, f"DepthwiseConv{rank}"), getattr(keras.layers, f"Conv{rank}")
    return (
        LayerSpec(name, kinds[0], depthwise, spec.weights[:1]),
        LayerSpec(spec.name, kinds[1], pointwise, spec.weights[1:]),
    )


# --- batch norms ---------------------------------------------------------------------------------


def fold_batch_norms(flat: Flat) -> Flat:
    """Return the model with every batch norm folded that can be."""
    for norm in _norms(flat):
        for fold in (_fold_back, _fold_ahead, _as_depthwise):
            folded = fold(flat, norm)
            if folded is not None:
                flat = folded
                break
    return flat


def fold_norms_into(flat: Flat, *, behind: Collection[str], before: Collection[str]) -> Flat:
    """Return the model without the batch norms that folding brings into the layers named.

    A batch norm behind a layer scales its channels, one before a Dense layer its inputs.

    Args:
        behind: layers whose own channels must not be scaled later.
        before: layers whose inputs must not be.
    """
    for norm in _norms(flat):
        call = _calls(flat, norm)[0]
        back, ahead = _fold_back(flat, norm), _fold_ahead(flat, norm)
        if back is not None:
            flat = back if flat.producers()[call.inputs[0]].spec.name in behind else flat
        elif ahead is not None:
            flat = ahead if flat.consumers(call.outputs[0])[0].spec.name in before else flat
    return flat


def _norms(flat: Flat) -> list[LayerSpec]:
    """Return the batch norms that a factor and an addend for each channel stand for."""
    norms = {id(c.spec): c.spec for c in flat.calls if c.spec.is_a("BatchNormalization")}
    return [norm for norm in norms.values() if _on_channels(flat, norm)]


def affine_of(spec: LayerSpec) -> tuple[Array, Array]:
    """Return factor and addend (channels,) float64 of a batch norm at inference."""
    weights = [np.asarray(w, np.float64) for w in spec.weights]
    gamma = weights.pop(0) if spec.config["scale"] else np.ones(())
    beta = weights.pop(0) if spec.config["center"] else np.zeros(())
    mean, variance = weights
    factor = gamma / np.sqrt(variance + spec.config["epsilon"])
    return factor, beta - mean * factor


def _calls(flat: Flat, spec: LayerSpec) -> list[Call]:
    return [call for call in flat.calls if call.spec is spec]


def _on_channels(flat: Flat, norm: LayerSpec) -> bool:
    """Whether a batch norm is over the last axis, and has no argument but its input."""
    axis = norm.config["axis"]
    axis = axis[0] if isinstance(axis, list | tuple) else axis
    nodes = [call.node for call in _calls(flat, norm)]
    return all(
        node is not None
        and len(node.input_tensors) == 1
        and axis in (-1, len(node.input_tensors[0].shape) - 1)
        for node in nodes
    )


def _private(flat: Flat, value: int) -> bool:
    """Whether one call alone reads a value."""
    return len(flat.consumers(value)) == 1 and value not in flat.outputs


def _fold_back(flat: Flat, norm: LayerSpec) -> Flat | None:
    """Fold into the layer with weights before it; both may be called several times in a pair."""
    norms = _calls(flat, norm)
    producers = flat.producers()
    before = [producers.get(call.inputs[0]) for call in norms]
    first = before[0]
    if first is None or kernel_kind(first.spec) is None:
        return None
    paired = all(call is not None and call.spec is first.spec for call in before)
    alone = all(_private(flat, call.inputs[0]) for call in norms)
    linear = first.spec.config.get("activation") in (None, "linear")
    last = first.spec.config.get("data_format", "channels_last") == "channels_last"
    if not (paired and alone and linear and last and flat.calls_of(first.spec) == len(norms)):
        return None
    spec = _scaled(first.spec, *affine_of(norm))
    outputs = {call.inputs[0]: call.outputs for call in norms}
    kept = [call for call in flat.calls if call.spec is not norm]
    calls = [
        dataclasses.replace(c, spec=spec, outputs=outputs[c.outputs[0]])
        if c.spec is first.spec
        else c
        for c in kept
    ]
    return dataclasses.replace(flat, calls=tuple(calls))


def _scaled(spec: LayerSpec, factor: Array, addend: Array) -> LayerSpec:
    """Return a layer whose output is the old one's times a factor, plus an addend."""
    kernel = spec.weights[0].astype(np.float64)
    bias = spec.weights[1].astype(np.float64) if spec.config["use_bias"] else 0.0
    spread = KERNELS[spec.kind.__name__]
    weights = kernel * spread(kernel, factor), bias * factor + addend
    config = {**spec.config, "use_bias": True}
    floats = tuple(np.asarray(w, np.float32) for w in weights)
    return dataclasses.replace(spec, config=config, weights=floats)


def _fold_ahead(flat: Flat, norm: LayerSpec) -> Flat | None:
    """Fold into the Dense layer that alone reads the batch norm."""
    (call, *others), target = _calls(flat, norm), None
    if not others and _private(flat, call.outputs[0]):
        (target,) = flat.consumers(call.outputs[0])
    if target is None or kernel_kind(target.spec) != "Dense" or flat.calls_of(target.spec) != 1:
        return None
    spec = target.spec
    factor, addend = affine_of(norm)
    kernel = spec.weights[0].astype(np.float64)
    bias = spec.weights[1].astype(np.float64) if spec.config["use_bias"] else 0.0
    weights = kernel * factor[:, None], bias + addend @ kernel
    config = {**spec.config, "use_bias": True}
    floats = tuple(np.asarray(w, np.float32) for w in weights)
    folded = dataclasses.replace(spec, config=config, weights=floats)
    moved = Call(folded, call.inputs, target.outputs)
    return replace_call(replace_call(flat, target, [moved]), call, [])


def _as_depthwise(flat: Flat, norm: LayerSpec) -> Flat | None:
    """Write a batch norm as a depthwise convolution of one tap: exact scales in integers."""
    import keras

    calls = _calls(flat, norm)
    shapes = [call.node.input_tensors[0].shape for call in calls]
    rank, channels = len(shapes[0]), shapes[0][-1]
    if rank not in (3, 4) or any(len(shape) != rank for shape in shapes):
        return None
    factor, addend = (np.broadcast_to(part, channels) for part in affine_of(norm))
    kind = keras.layers.DepthwiseConv2D if rank == 4 else keras.layers.DepthwiseConv1D
    kernel = factor.reshape((1,) * (rank - 2) + (channels, 1))
    weights = tuple(np.asarray(w, np.float32) for w in (kernel, addend))
    spec = LayerSpec(norm.name, kind, {"name": norm.name, "kernel_size": 1}, weights)
    for call in calls:
        flat = replace_call(flat, call, [Call(spec, call.inputs, call.outputs)])
    return flat
