"""Cross-layer equalisation: channels are scaled so that no range is wasted.

Nagel et al. 2019, section 4.1, made for weights with a scale for each channel: there the rows of
the weights before an activation take factors for nothing, and what is gained is the activation's
own resolution (all channels reach as far as the widest), at the price of more uneven columns in
the weights behind it. As in SmoothQuant (Xiao et al. 2023, equation 4) the factors are
range^-a * column^b; here a and b are those that a noise model of the readers finds cheapest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product as pairs

import numpy as np
from numpy.typing import NDArray

from edgeq.convert.quantization.channel_groups import ChannelGroup, find_groups
from edgeq.convert.quantization.draft import Draft, Observer, Range
from edgeq.convert.quantization.observation import activations, owners
from edgeq.convert.quantization.products import (
    Product,
    float_bias,
    float_weights,
    give_biases,
    products_of,
)
from edgeq.convert.quantization.reconstruction import learned
from edgeq.convert.quantization.rules import rule_of
from edgeq.convert.quantization.scheme import WEIGHT_BITS
from edgeq.convert.recipes.steps import Equalize
from edgeq.graph.ir import Graph, frozen

SAMPLES = 256
EXPONENTS = np.linspace(0.0, 1.0, 9)
ROUNDS = 4
# A round that lowers no group's noise by more than this share is the last.
ENOUGH = 0.01
LIMIT = 1e3
# A channel that is widened ends at this share of the range: other samples may reach further.
HEADROOM = 0.5
# How much the noise of weights counts: it is the same for every sample, and adds up (tried).
WEIGHTS = 3.0
SIX = 6.0
_STEPS = {"int8": 255, "int16": 65534}

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """What the samples showed of a tensor: by channel peaks |x| and mean squares, and its ends."""

    peaks: Doubles
    powers: Doubles
    span: Range


@dataclass(frozen=True, slots=True, eq=False)
class Reader:
    """A layer that reads a group of C channels, as the noise model sees it.

    Attributes:
        peaks: largest weight of each column, (outputs, C); (C, 1) of a depthwise layer.
        squares: sums of squared weights, alike.
        powers: mean squares of the input's channels (C,).
        taps: weights in a column.
        limit: of the integers; nought where weights stay float.
        single: whether all outputs share a scale.
    """

    peaks: Doubles
    squares: Doubles
    powers: Doubles
    depthwise: bool
    taps: int
    limit: int
    single: bool

    def noise(self, factors: Doubles, variance: float) -> float:
        """Return the noise of the outputs over their power, channels being scaled by `factors`.

        Args:
            variance: of the rounding of the scaled input.
        """
        scale = factors[:, None] if self.depthwise else factors
        powers = self.powers[:, None] if self.depthwise else self.powers
        steps = np.max(self.peaks / scale, axis=1, keepdims=True) / max(self.limit, 1)
        steps = np.max(steps) if self.single else steps
        rounded = np.square(steps) / 12 * self.taps * powers * scale**2
        noise = variance * self.squares / scale**2 + WEIGHTS * rounded * bool(self.limit)
        signal = self.squares * powers
        if self.depthwise:  # each output has its own input
            live = signal > 0
            return float(np.mean(noise[live] / signal[live])) if live.any() else 0.0
        return float(noise.sum() / max(signal.sum(), 1e-300))


def equalize(draft: Draft, observe: Observer, params: Equalize) -> Draft:
    """Return the draft with equalised channels: the step `equalize`.

    Groups of tensors that sums join are scaled together, so residual networks take part. A fused
    RELU6 that no sample brings to 6 becomes RELU; one that reaches it keeps its channels as they
    are. What the graph computes on the samples does not change. Ranges that the draft had of
    scaled tensors become those of the samples; integers and biases that a step before it fixed
    for scaled layers are given up. Layers whose ranges or codes training decided stay as they are.
    """
    spreads = measure_spreads(draft.graph, observe)
    relu6 = _open_relu6(draft.graph, spreads)
    groups = _free_groups(draft, params.layers, relu6)
    touched = {p.node for group in groups for p in (*group.makers, *group.readers)}
    draft = give_biases(draft, sorted(touched))
    groups = _free_groups(draft, params.layers, relu6)
    factors = {group.tensors: np.ones(group.channels) for group in groups}
    for _ in range(ROUNDS):
        gains = [_improve(draft, group, factors, spreads) for group in groups]
        if max(gains, default=0.0) < ENOUGH:
            break
    chosen = {k: v for k, v in factors.items() if np.any(v != 1.0)}
    return _scaled(draft, chosen, spreads, relu6)


def _free_groups(draft: Draft, layers: str, relu6: frozenset[int]) -> list[ChannelGroup]:
    """Return the groups of whose layers training decided neither a range nor a codebook."""
    noted = draft.notes.items()
    decided = {name for name, note in noted if note.output is not None or note.codebook is not None}
    names = owners(draft)

    def touches(group: ChannelGroup) -> set[str]:
        return {*(names[i] for i in group.tensors), *(reader.name for reader in group.readers)}

    return [g for g in find_groups(draft, layers, relu6) if not decided & touches(g)]


def measure_spreads(graph: Graph, observe: Observer) -> dict[int, Spread]:
    """Return what the samples that may be learned from show of every float activation."""
    tensors = activations(graph)
    found: dict[int, Spread] = {}
    for count, (_, values) in enumerate(learned(observe, graph, tensors, SAMPLES), 1):
        for index, x in zip(tensors, values, strict=True):
            rows = np.asarray(x, np.float64).reshape(-1, x.shape[-1] if x.ndim else 1)
            peaks, powers = np.abs(rows).max(axis=0), np.square(rows).mean(axis=0)
            span = Range(float(rows.min()), float(rows.max()))
            found[index] = _joined(found.get(index), Spread(peaks, powers, span), count)
    return found


def _joined(old: Spread | None, new: Spread, count: int) -> Spread:
    if old is None:
        return new
    span = Range(min(old.span.low, new.span.low), max(old.span.high, new.span.high))
    powers = old.powers + (new.powers - old.powers) / count
    return Spread(np.maximum(old.peaks, new.peaks), powers, span)


def _open_relu6(graph: Graph, spreads: Mapping[int, Spread]) -> frozenset[int]:
    """Return the nodes with a fused RELU6 that stays below 6 on every sample."""
    return frozenset(
        node.index
        for node in graph.nodes
        if node.options.get("fused_activation_function") == "RELU6"
        and all(i in spreads and spreads[i].span.high < SIX for i in node.outputs)
    )


def _improve(
    draft: Draft,
    group: ChannelGroup,
    factors: dict[tuple[int, ...], Doubles],
    spreads: Mapping[int, Spread],
) -> float:
    """Multiply a group's factors by the best ones; return by which share its noise falls."""
    now = factors[group.tensors]
    peaks = {
        i: spreads[i].peaks.reshape(-1, group.channels).max(axis=0) * now for i in group.tensors
    }
    readers = [_reader(draft, p, group, factors, spreads) for p in group.readers]
    steps = _steps(draft, group)

    def noise(tried: Doubles) -> float:
        widths = [_width(spreads[i], float(np.max(p * tried))) for i, p in peaks.items()]
        variance = sum(w * w for w in widths) / 12 / steps**2 if steps else 0.0
        return sum(reader.noise(tried, variance) for reader in readers)

    before = noise(np.ones(group.channels))
    best, least = np.ones(group.channels), before
    for tried in _candidates(list(peaks.values()), readers):
        found = noise(tried)
        if found < least:
            best, least = tried, found
    if not before > 0 or least > (1 - ENOUGH) * before:
        return 0.0
    factors[group.tensors] = now * best
    return 1 - least / before


def _candidates(peaks: Sequence[Doubles], readers: Sequence[Reader]) -> Iterator[Doubles]:
    """Yield factors range^-a * column^b (C,); channels that are always nought keep theirs."""
    ranges = np.max([p / max(float(p.max()), 1e-300) for p in peaks], axis=0)
    columns = [r.peaks.max(axis=0) for r in readers if not r.depthwise]
    widest = np.max(columns, axis=0) if columns else np.ones_like(ranges)
    live = (ranges > 1 / LIMIT) & (widest > 0)
    if not live.any():
        return
    most = np.maximum(ranges, HEADROOM) / np.maximum(ranges, 1 / LIMIT)
    for a, b in pairs(EXPONENTS, EXPONENTS if columns else (0.0,)):
        tried = np.ones_like(ranges)
        tried[live] = np.minimum(ranges[live] ** -a * widest[live] ** b, most[live])
        tried[live] /= np.exp(np.mean(np.log(tried[live])))
        yield np.clip(tried, 1 / LIMIT, LIMIT)


def _width(spread: Spread, peak: float) -> float:
    """Return the range of a tensor whose largest magnitude is `peak`."""
    return peak * (2 if spread.span.low < 0 else 1)


def _steps(draft: Draft, group: ChannelGroup) -> int:
    """Return how many steps the integers of a group's tensors have; nought if they are float."""
    return min(_STEPS.get(draft.scheme.of(p.name).activations, 0) for p in group.readers)


def _reader(
    draft: Draft,
    product: Product,
    group: ChannelGroup,
    factors: Mapping[tuple[int, ...], Doubles],
    spreads: Mapping[int, Spread],
) -> Reader:
    scheme = draft.scheme.of(product.name)
    rule = rule_of(next(n for n in draft.graph.nodes if n.index == product.node))
    depthwise = product.groups > 1
    shape = (group.channels, -1, 1) if depthwise else (product.channels, -1, group.channels)
    columns = _scaled_weights(draft, product, factors).reshape(shape)
    powers = spreads[product.input].powers.reshape(-1, group.channels).mean(axis=0)
    bits = WEIGHT_BITS.get(scheme.weights, 0) if scheme.mode != "float" else 0
    return Reader(
        peaks=np.abs(columns).max(axis=1),
        squares=np.square(columns).sum(axis=1),
        powers=powers * np.square(factors[group.tensors]),
        depthwise=depthwise,
        taps=columns.shape[1],
        limit=(1 << (bits - 1)) - 1 if bits else 0,
        single=not scheme.per_channel or (rule is not None and scheme.weights in rule.single_scale),
    )


def _scaled_weights(
    draft: Draft, product: Product, factors: Mapping[tuple[int, ...], Doubles]
) -> Doubles:
    """Return weights as (G, M, K) with the factors of what the layer reads and makes."""
    weights = float_weights(draft, product).astype(np.float64)
    shape = weights.shape
    read, made = _factors_of(factors, product.input), _factors_of(factors, product.output)
    if read is not None and product.groups > 1:
        weights = weights / read[:, None, None]
    elif read is not None:
        weights = (weights.reshape(-1, len(read)) / read).reshape(shape)
    if made is not None:
        weights = (weights.reshape(product.channels, -1) * made[:, None]).reshape(shape)
    return weights


def _factors_of(factors: Mapping[tuple[int, ...], Doubles], tensor: int) -> Doubles | None:
    return next((values for tensors, values in factors.items() if tensor in tensors), None)


def _scaled(
    draft: Draft,
    factors: Mapping[tuple[int, ...], Doubles],
    spreads: Mapping[int, Spread],
    relu6: frozenset[int],
) -> Draft:
    """Return the draft with the factors in its weights, biases, ranges and activations."""
    if not factors:
        return draft
    tensors, nodes = list(draft.graph.tensors), list(draft.graph.nodes)
    weights, biases, ranges = dict(draft.weights), dict(draft.biases), dict(draft.ranges)
    for product in products_of(draft):
        made = _factors_of(factors, product.output)
        if made is None and _factors_of(factors, product.input) is None:
            continue
        matrix = _scaled_weights(draft, product, factors).astype(np.float32)
        data = frozen(product.layout(matrix))
        tensors[product.weights] = replace(tensors[product.weights], data=data)
        weights.pop(product.weights, None)
        biases.pop(product.bias, None)
        if made is not None:
            bias = float_bias(replace(draft, biases={}), product) * made
            data = frozen(bias.astype(np.float32))
            tensors[product.bias] = replace(tensors[product.bias], data=data)
    for place, node in enumerate(nodes):
        if node.index in relu6 and _factors_of(factors, node.outputs[0]) is not None:
            options = {**node.options, "fused_activation_function": "RELU"}
            nodes[place] = replace(node, options=options)
    for group, values in factors.items():
        ranges |= {i: _range(spreads[i], values) for i in group if i in ranges}
    graph = replace(draft.graph, tensors=tuple(tensors), nodes=tuple(nodes))
    return replace(draft, graph=graph, weights=weights, biases=biases, ranges=ranges, observed=None)


def _range(spread: Spread, factors: Doubles) -> Range:
    """Return the range of a scaled tensor, wide enough on the side that had values."""
    peak = float(np.max(spread.peaks.reshape(-1, len(factors)).max(axis=0) * factors))
    return Range(-peak if spread.span.low < 0 else 0.0, peak if spread.span.high > 0 else 0.0)
