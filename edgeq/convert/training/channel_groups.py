"""Child side: which channels of a model can only go together, and the model without some of them.

Every channel that a layer makes has a number; numbers flow through the model along the last axis
of its values. Where values are added, the numbers of their channels are joined to one group.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.metrics import Array
from edgeq.convert.training.flattening import Call, Flat, LayerSpec

Ids = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """The multiply-accumulates of one call: rate * channels read * channels written.

    `inputs` is None for a depthwise convolution, whose rate says all; `output_axis` is that of
    the kernel.
    """

    name: str
    rate: float
    inputs: Ids | None
    outputs: Ids
    output_axis: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class Channels:
    """The channels of a flat model and the groups that they form.

    Attributes:
        flat: the model.
        ids: value -> numbers of its channels.
        group: number -> its group.
        locked: (groups,) that must stay: inputs, outputs, what an unknown layer reads or writes.
        works: the calls with weights.
        norms: names of batch norms and the numbers of their channels.
    """

    flat: Flat
    ids: Mapping[int, Ids]
    group: Ids
    locked: NDArray[np.bool_]
    works: tuple[Work, ...]
    norms: tuple[tuple[str, Ids], ...]

    @property
    def groups(self) -> int:
        """Number of groups."""
        return len(self.locked)

    def without(self, removed: NDArray[np.bool_]) -> Flat:
        """Return the model without the groups (groups,) that are marked."""
        made: dict[int, LayerSpec] = {}
        calls = []
        for call in self.flat.calls:
            if id(call.spec) not in made:
                read, written = (
                    ~removed[self.group[self.ids[values[0]]]]
                    for values in (call.inputs, call.outputs)
                )
                made[id(call.spec)] = _slice_spec(call.spec, read, written)
            calls.append(dataclasses.replace(call, spec=made[id(call.spec)]))
        return dataclasses.replace(self.flat, calls=tuple(calls))


def trace_channels(flat: Flat, *, layers: str = ".*") -> Channels:
    """Follow the channels of a model; only those of layers that match `layers` may go."""
    tracer = _Tracer(layers)
    for value, port in zip(flat.inputs, flat.ports, strict=True):
        tracer.ids[value] = tracer.create(int(port.shape[-1] or 1), locked=True)
    for call in flat.calls:
        tracer.visit(call)
    for value in flat.outputs:
        tracer.lock(tracer.ids[value])
    roots = np.array([tracer.root(i) for i in range(len(tracer.parents))])
    names, group = np.unique(roots, return_inverse=True)
    locked = np.zeros(len(names), np.bool_)
    np.logical_or.at(locked, group, np.asarray(tracer.locked))
    return Channels(
        flat, tracer.ids, group.astype(np.intp), locked, tuple(tracer.works), tuple(tracer.norms)
    )


@dataclass(slots=True, eq=False)
class _Tracer:
    """Channels found so far: a forest of joined numbers (Tarjan 1975)."""

    layers: str
    ids: dict[int, Ids] = field(default_factory=dict)
    parents: list[int] = field(default_factory=list)
    locked: list[bool] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)
    norms: list[tuple[str, Ids]] = field(default_factory=list)
    called: dict[int, tuple[Ids, Ids]] = field(default_factory=dict)

    def create(self, count: int, *, locked: bool) -> Ids:
        """Return new numbers."""
        first = len(self.parents)
        self.parents.extend(range(first, first + count))
        self.locked.extend([locked] * count)
        return np.arange(first, first + count)

    def root(self, number: int) -> int:
        while self.parents[number] != number:
            self.parents[number] = self.parents[self.parents[number]]
            number = self.parents[number]
        return number

    def join(self, one: Ids, two: Ids) -> None:
        """Join channels pairwise."""
        for a, b in zip(one.tolist(), two.tolist(), strict=True):
            self.parents[self.root(b)] = self.root(a)

    def lock(self, ids: Ids) -> None:
        for number in ids.tolist():
            self.locked[number] = True

    def visit(self, call: Call) -> None:
        """Give a call's outputs their numbers; calls of one layer share them."""
        read = [self.ids[value] for value in call.inputs]
        flow = next((f for kind, f in FLOWS.items() if call.spec.is_a(kind)), _stop)
        written = flow(self, call, read)
        if id(call.spec) in self.called and call.spec.weights:
            before = self.called[id(call.spec)]
            self.join(before[0], read[0])
            self.join(before[1], written)
        self.called[id(call.spec)] = read[0], written
        for value in call.outputs:
            self.ids[value] = written


def _pass(tracer: _Tracer, call: Call, read: list[Ids]) -> Ids:
    return read[0] if len(read[0]) == _width(call) else _stop(tracer, call, read)


def _stop(tracer: _Tracer, call: Call, read: list[Ids]) -> Ids:
    """What a layer that is not known reads and writes stays as it is."""
    for ids in read:
        tracer.lock(ids)
    return tracer.create(_width(call), locked=True)


def _multiply_axes(axis: int) -> Callable[[_Tracer, Call, list[Ids]], Ids]:
    """Return the flow through a layer that mixes channels; `axis` of the kernel holds its own."""

    def flow(tracer: _Tracer, call: Call, read: list[Ids]) -> Ids:
        config = call.spec.config
        if config.get("groups", 1) != 1 or config.get("data_format") == "channels_first":
            return _stop(tracer, call, read)
        fixed = re.fullmatch(tracer.layers, call.spec.name) is None
        written = tracer.create(_width(call), locked=fixed or _mixes(call.spec))
        taps = call.spec.weights[0].size / (len(read[0]) * len(written))
        positions = call.node.output_tensors[0] if axis == -1 else call.node.input_tensors[0]
        rate = taps * float(np.prod([n or 1 for n in positions.shape[1:-1]]))
        tracer.works.append(Work(call.spec.name, rate, read[0], written, axis))
        return written

    return flow


def _depthwise(tracer: _Tracer, call: Call, read: list[Ids]) -> Ids:
    if call.spec.config.get("data_format") == "channels_first":
        return _stop(tracer, call, read)
    written = np.repeat(read[0], _width(call) // len(read[0]))
    taps = call.spec.weights[0].size / len(written)
    positions = np.prod([n or 1 for n in call.node.output_tensors[0].shape[1:-1]])
    tracer.works.append(Work(call.spec.name, float(taps * positions), None, written))
    return written


def _normalize(tracer: _Tracer, call: Call, read: list[Ids]) -> Ids:
    if call.spec.config.get("axis", -1) not in (-1, len(call.node.input_tensors[0].shape) - 1):
        return _stop(tracer, call, read)
    if call.spec.config.get("scale", True):
        tracer.norms.append((call.spec.name, read[0]))
    return read[0]


def _activate(tracer: _Tracer, call: Call, read: list[Ids]) -> Ids:
    return _stop(tracer, call, read) if _mixes(call.spec) else _pass(tracer, call, read)


def _flatten(tracer: _Tracer, call: Call, read: list[Ids]) -> Ids:
    return np.tile(read[0], _width(call) // len(read[0]))


def _reshape(tracer: _Tracer, call: Call, read: list[Ids]) -> Ids:
    before, after = (t[0].shape for t in (call.node.input_tensors, call.node.output_tensors))
    if before[-1] == after[-1]:
        return read[0]
    if len(after) == 2:
        return _flatten(tracer, call, read)
    return _stop(tracer, call, read)


def _join_all(tracer: _Tracer, call: Call, read: list[Ids]) -> Ids:
    """The channels of all inputs stand and fall together; a single one for all must stay."""
    widest = max(read, key=len)
    for ids in read:
        if len(ids) == len(widest):
            tracer.join(widest, ids)
        else:
            tracer.lock(ids)
    return widest


def _concatenate(tracer: _Tracer, call: Call, read: list[Ids]) -> Ids:
    rank = len(call.node.output_tensors[0].shape)
    if call.spec.config.get("axis", -1) in (-1, rank - 1):
        return np.concatenate(read)
    return _join_all(tracer, call, read)


def _width(call: Call) -> int:
    return int(call.node.output_tensors[0].shape[-1] or 1)


def _mixes(spec: LayerSpec) -> bool:
    """Whether the layer's activation makes one channel depend on the others."""
    return "softmax" in str(spec.config.get("activation", ""))


# Class, or one above it -> the flow of channels through it; the first that fits is taken.
FLOWS: Mapping[str, Callable[[_Tracer, Call, list[Ids]], Ids]] = {
    "DepthwiseConv1D": _depthwise,
    "DepthwiseConv2D": _depthwise,
    "Conv1DTranspose": _multiply_axes(-2),
    "Conv2DTranspose": _multiply_axes(-2),
    "SeparableConv1D": _stop,
    "SeparableConv2D": _stop,
    "Conv1D": _multiply_axes(-1),
    "Conv2D": _multiply_axes(-1),
    "Dense": _multiply_axes(-1),
    "BatchNormalization": _normalize,
    "Softmax": _stop,
    "Activation": _activate,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Concatenate": _concatenate,
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), _join_all),
    **dict.fromkeys(("ReLU", "LeakyReLU", "PReLU", "ELU", "Dropout", "SpatialDropout1D"), _pass),
    **dict.fromkeys(("SpatialDropout2D", "GaussianNoise", "GaussianDropout", "Identity"), _pass),
    **dict.fromkeys(("BasePooling", "BaseGlobalPooling", "UpSampling1D", "UpSampling2D"), _pass),
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D"), _pass),
}


# --- surgery -------------------------------------------------------------------------------------


def _slice_spec(spec: LayerSpec, read: Array, written: Array) -> LayerSpec:
    """Return a layer that reads and writes only the channels that are marked."""
    if read.all() and written.all():
        return spec
    cut = next((c for kind, c in CUTS.items() if spec.is_a(kind)), None)
    config = dict(spec.config)
    if "units" in config:
        config["units"] = int(written.sum())
    if "filters" in config:
        config["filters"] = int(written.sum())
    if spec.is_a("Reshape"):
        config["target_shape"] = (*config["target_shape"][:-1], int(written.sum()))
    weights = cut(spec.weights, read, written) if cut else spec.weights
    return dataclasses.replace(spec, config=config, weights=tuple(weights))


def _cut_mixing(weights: tuple[Array, ...], read: Array, written: Array) -> list[Array]:
    return [weights[0][..., read, :][..., written], *(bias[written] for bias in weights[1:])]


def _cut_transposed(weights: tuple[Array, ...], read: Array, written: Array) -> list[Array]:
    return [
        weights[0][..., written, :][..., read],
        *(bias[written] for bias in weights[1:]),
    ]


def _cut_depthwise(weights: tuple[Array, ...], read: Array, written: Array) -> list[Array]:
    return [weights[0][..., read, :], *(bias[written] for bias in weights[1:])]


def _cut_last(weights: tuple[Array, ...], read: Array, written: Array) -> list[Array]:
    return [w[..., read] if w.shape[-1:] == read.shape else w for w in weights]


CUTS: Mapping[str, Callable[[tuple[Array, ...], Array, Array], list[Array]]] = {
    "DepthwiseConv1D": _cut_depthwise,
    "DepthwiseConv2D": _cut_depthwise,
    "Conv1DTranspose": _cut_transposed,
    "Conv2DTranspose": _cut_transposed,
    "Conv1D": _cut_mixing,
    "Conv2D": _cut_mixing,
    "Dense": _cut_mixing,
    "BatchNormalization": _cut_last,
    "PReLU": _cut_last,
}
