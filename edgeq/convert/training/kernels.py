"""Child side: which variable holds a layer's weights, and how those fall into channels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from edgeq.convert.metrics import Array
from edgeq.convert.patterns import unmatched
from edgeq.convert.quantization.scheme import Scheme
from edgeq.convert.training.flattening import build, flatten
from edgeq.convert.training.folding import fold_norms_into
from edgeq.core.errors import InputError


class Layout(NamedTuple):
    """Where a class of layers keeps its weights.

    `attributes` leads to the variable, the first that is there wins; `channels` counts the axes
    at the end that number the output channels, behind `order` (a permutation, or () for none).
    """

    attributes: tuple[str, ...]
    channels: int
    order: tuple[int, ...] = ()


# The table is looked up by the names of a layer's class and of its bases, nearest first.
LAYOUTS: dict[str, Layout] = {
    "Dense": Layout(("_kernel", "kernel"), 1),
    "Conv1D": Layout(("_kernel", "kernel"), 1),
    "Conv2D": Layout(("_kernel", "kernel"), 1),
    "Conv2DTranspose": Layout(("_kernel", "kernel"), 1, (0, 1, 3, 2)),
    "DepthwiseConv1D": Layout(("kernel",), 2),
    "DepthwiseConv2D": Layout(("kernel",), 2),
    "Embedding": Layout(("_embeddings", "embeddings"), 0),
}


@dataclass(frozen=True, slots=True)
class Kernel:
    """The weights of one layer, seen as columns (weights of a channel, channels).

    An Embedding is one column: its table has one scale.
    """

    layer: Any
    variable: Any
    layout: Layout

    @property
    def name(self) -> str:
        """The name of the layer."""
        return str(self.layer.name)

    def columns(self, values: Any, xp: Any = np) -> Any:
        """Return `values`, of the variable's shape, as (weights, channels); xp: numpy or ops."""
        if self.layout.order:
            values = xp.transpose(values, self.layout.order)
        return xp.reshape(values, (-1, self.channels))

    def restore(self, columns: Any, xp: Any = np) -> Any:
        """Undo `columns`."""
        if not self.layout.order:
            return xp.reshape(columns, self.shape)
        turned = xp.reshape(columns, tuple(self.shape[i] for i in self.layout.order))
        return xp.transpose(turned, np.argsort(self.layout.order).tolist())

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the variable."""
        return tuple(int(n) for n in self.variable.shape)

    @property
    def channels(self) -> int:
        """Number of output channels, each of which has a scale."""
        order = self.layout.order or tuple(range(len(self.shape)))
        last = order[len(order) - self.layout.channels :]
        return int(np.prod([self.shape[i] for i in last], dtype=np.int64))

    def as_one_column(self) -> Kernel:
        """Return the same weights with one scale for all."""
        return replace(self, layout=self.layout._replace(channels=0))

    def read(self) -> Array:
        """Return the weights as float32 columns."""
        return np.array(self.columns(np.asarray(self.variable.numpy(), np.float32)))

    def write(self, columns: Array) -> None:
        """Set the weights from columns."""
        self.variable.assign(self.restore(np.asarray(columns, np.float32)))


def kernel_of(layer: Any) -> Kernel | None:
    """Return the weights of a built layer, None where it has none that can be compressed."""
    for base in type(layer).__mro__:
        layout = LAYOUTS.get(base.__name__)
        if layout is None:
            continue
        for attribute in layout.attributes:
            variable = layer.__dict__.get(attribute)
            if variable is not None:
                return Kernel(layer, variable, layout)
    return None


def walk_layers(model: Any) -> Iterator[Any]:
    """Yield the layers of a model, those of nested models and wrappers in their place."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from walk_layers(layer)
        elif hasattr(layer, "layer"):
            yield layer.layer
        else:
            yield layer


def kernels_of(model: Any) -> dict[str, Kernel]:
    """Return every compressible layer's weights by the layer's name."""
    found = (kernel_of(layer) for layer in walk_layers(model))
    return {kernel.name: kernel for kernel in found if kernel is not None}


def copy_model(model: Any) -> Any:
    """Return a flat model of new layers with the same names and weights."""
    return build(flatten(model))


def choose_kernels(
    model: Any, layers: str, step: str, scheme: Scheme | None = None
) -> dict[str, Kernel]:
    """Return the weights of the layers whose name matches `layers` whole.

    `step` is what errors call the step that asks. Where `scheme` gives a layer one scale for all,
    its weights are one column.

    Raises:
        InputError: no layer with weights matches, or one holds NaN or infinity.
    """
    known = kernels_of(model)
    chosen = {name: kernel for name, kernel in known.items() if re.fullmatch(layers, name)}
    if not chosen:
        raise unmatched(step, "layer with weights", layers, known)
    for name, kernel in chosen.items():
        if not np.isfinite(kernel.read()).all():
            raise InputError(
                f"layer {name} holds NaN or infinity in its weights", hint="train it again"
            )
    return {name: _fit_scheme(kernel, scheme or Scheme()) for name, kernel in chosen.items()}


def choose_coded(
    model: Any, layers: str, step: str, scheme: Scheme
) -> tuple[Any, dict[str, Kernel]]:
    """Return a copy of the model and its kernels as `choose_kernels`, for weights of few values.

    Batch norms that would scale those weights when they are folded are folded before: those
    behind a layer with one scale for all its channels, and those before a Dense layer.
    """
    flat = flatten(model)
    kernels = choose_kernels(build(flat), layers, step, scheme)
    single = [name for name in kernels if not scheme.of(name).per_channel]
    copy = build(fold_norms_into(flat, behind=single, before=kernels))
    return copy, choose_kernels(copy, layers, step, scheme)


def _fit_scheme(kernel: Kernel, scheme: Scheme) -> Kernel:
    return kernel if scheme.of(kernel.name).per_channel else kernel.as_one_column()
