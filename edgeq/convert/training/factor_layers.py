"""Child side: the layers of a factored kernel. The last keeps name, bias and activation."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgeq.convert.metrics import Array
from edgeq.convert.training.factors import Factored
from edgeq.convert.training.flattening import LayerSpec

# What of a layer's config says how it is trained from the start; a factor needs none of it.
FORGOTTEN = ("initializer", "regularizer", "constraint")


def chain_matrix(spec: LayerSpec, factored: Factored, shift: Array) -> tuple[LayerSpec, ...]:
    """Return two Dense layers, or two 1x1 convolutions of which the first has the strides.

    `shift` (outputs,) is added to the bias.
    """
    first, second = factored.kernels
    units = {"units" if spec.is_a("Dense") else "filters": first.shape[1]}
    bias = [np.asarray(b + shift, np.float32) for b in spec.weights[1:]]
    lead = spec.weights[0].shape[:-2]
    return (
        _linear(spec, "_factor", first.reshape(*lead, *first.shape), **units),
        _last(spec, second.reshape(*lead, *second.shape), bias, **_unit_stride(spec)),
    )


def chain_tucker(spec: LayerSpec, factored: Factored) -> tuple[LayerSpec, ...]:
    """Return a 1x1 convolution, the core with the layer's strides and padding, and a 1x1."""
    first, core, last = (_fit_rank(spec, kernel) for kernel in factored.kernels)
    single = {**_unit_stride(spec), **_single_tap(spec)}
    return (
        _linear(spec, "_reduce", first, **single, filters=first.shape[-1]),
        _linear(spec, "_core", core, filters=core.shape[-1]),
        _last(spec, last, list(spec.weights[1:]), **single),
    )


def chain_cp(spec: LayerSpec, factored: Factored, size: tuple[int, int]) -> tuple[LayerSpec, ...]:
    """Return a 1x1 convolution, depthwise ones h x 1 and 1 x w, and a 1x1.

    The second depthwise convolution has the strides. With strides, what "same" pads depends on
    them: then zeros are padded by a layer of their own. `size` is that of the input.
    """
    import keras

    first, rows, columns, last = factored.kernels
    single = {**_unit_stride(spec), **_single_tap(spec)}
    strided = max(spec.config["strides"]) > 1
    padded = strided and spec.config["padding"] == "same"
    padding = "valid" if padded else spec.config["padding"]
    chain = [_linear(spec, "_reduce", first, **single, filters=first.shape[-1])]
    if padded:
        name = f"{spec.name}_pad"
        config = {"name": name, "padding": _same_padding(spec, size)}
        chain.append(LayerSpec(name, keras.layers.ZeroPadding2D, config, ()))
    for ending, kernel in (("_rows", rows), ("_columns", columns)):
        strides = spec.config["strides"] if ending == "_columns" else (1, 1)
        chain.append(_depthwise(spec, ending, kernel, padding=padding, strides=strides))
    return (*chain, _last(spec, last, list(spec.weights[1:]), **single))


def _linear(spec: LayerSpec, ending: str, kernel: Array, **changes: Any) -> LayerSpec:
    """Return a layer of the same class without bias and activation."""
    name = spec.name + ending
    config = {**_plain(spec), "activation": "linear", "use_bias": False, **changes, "name": name}
    return LayerSpec(name, spec.kind, config, (np.asarray(kernel, np.float32),))


def _last(spec: LayerSpec, kernel: Array, bias: list[Array], **changes: Any) -> LayerSpec:
    weights = (np.asarray(kernel, np.float32), *bias)
    return dataclasses.replace(spec, config={**spec.config, **changes}, weights=weights)


def _depthwise(spec: LayerSpec, ending: str, kernel: Array, **changes: Any) -> LayerSpec:
    import keras

    config = {
        "name": spec.name + ending,
        "kernel_size": kernel.shape[:2],
        "dilation_rate": spec.config["dilation_rate"],
        "use_bias": False,
        **changes,
    }
    weights = (np.asarray(kernel, np.float32),)
    return LayerSpec(config["name"], keras.layers.DepthwiseConv2D, config, weights)


def _plain(spec: LayerSpec) -> Mapping[str, Any]:
    return {k: v for k, v in spec.config.items() if not k.endswith(FORGOTTEN)}


def _unit_stride(spec: LayerSpec) -> dict[str, Any]:
    return {} if spec.is_a("Dense") else {"strides": (1,) * len(spec.config["strides"])}


def _single_tap(spec: LayerSpec) -> dict[str, Any]:
    ones = (1,) * len(spec.config["strides"])
    return {"kernel_size": ones, "dilation_rate": ones, "padding": "valid"}


def _fit_rank(spec: LayerSpec, kernel: Array) -> Array:
    """Return a kernel (h, w, in, out) as the layer's class has it: without h for Conv1D."""
    return kernel[0] if spec.weights[0].ndim == 3 else kernel


def _same_padding(spec: LayerSpec, size: tuple[int, int]) -> tuple[tuple[int, int], ...]:
    """Return the zeros before and after each axis that "same" means (TensorFlow's rule)."""
    taps, strides = spec.weights[0].shape[:2], spec.config["strides"]
    found = []
    for n, k, s, d in zip(size, taps, strides, spec.config["dilation_rate"], strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        found.append((total // 2, total - total // 2))
    return tuple(found)
