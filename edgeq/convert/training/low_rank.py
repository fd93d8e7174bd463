"""Child side: low-rank factorisation, layers replaced by several smaller ones in a row."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from edgeq.convert.metrics import Array
from edgeq.convert.patterns import unmatched
from edgeq.convert.recipes.steps import LowRank
from edgeq.convert.training.factor_layers import chain_cp, chain_matrix, chain_tucker
from edgeq.convert.training.factors import (
    Factored,
    factor_cp,
    factor_matrix,
    factor_tucker,
    mode_bases,
    singular_values,
)
from edgeq.convert.training.flattening import (
    Call,
    Flat,
    LayerSpec,
    build,
    chain_calls,
    flatten,
    replace_call,
)
from edgeq.convert.training.holding import held
from edgeq.convert.training.loop import train
from edgeq.convert.training.losses import run, structured
from edgeq.convert.training.session import Session, Trained
from edgeq.core.errors import InputError

OBSERVED, BATCH = 2048, 128
GRID = 16  # ranks tried in each mode of a convolution
HALVINGS = 60
CP_RANKS = 8


class Choice(NamedTuple):
    """One way to have a layer: its weights, its relative error, its ranks (none: as it is)."""

    weights: int
    error: float
    ranks: tuple[int, ...]


class Reading(NamedTuple):
    """Mean (n,) and covariance (n, n) of what a layer reads; of the plain moment without bias."""

    mean: Array
    moment: Array


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A layer that may be factored: its spec, how, and what it reads where that is known."""

    spec: LayerSpec
    method: str
    inputs: Reading | None

    @property
    def kernel(self) -> Array:
        """The kernel as a matrix (inputs, outputs) or as (height, width, inputs, outputs)."""
        kernel = np.asarray(self.spec.weights[0], np.float64)
        if self.method == "matrix":
            return kernel.reshape(kernel.shape[-2:])
        return kernel[None] if kernel.ndim == 3 else kernel


def factorize(trained: Trained, session: Session, params: LowRank) -> Trained:
    """Factor Dense by SVD and Conv by Tucker-2 or CP until `weights` remain; train on.

    Ranks are chosen over all layers at once, for the least sum of their relative errors; the
    errors of Dense and 1x1 convolutions are those of their outputs on the training samples. What
    earlier steps decided about the weights of a factored layer is given up.

    Raises:
        InputError: no layer can be factored, or the share of weights cannot be reached.
    """
    flat = flatten(trained.model)
    plans = _plan(flat, trained.model, session, params)
    total = count_weights(flat)
    choices = [_choices(plan) for plan in plans]
    chosen = choose_ranks(choices, total, params.weights)
    if session.rehearses:
        chosen = [_split(*pair) for pair in zip(chosen, choices, strict=True)]
    gone = set()
    for plan, choice in zip(plans, chosen, strict=True):
        if choice.ranks:
            flat = _replace(flat, plan, choice.ranks)
            gone.add(plan.spec.name)
    model = build(flat)
    notes = {name: note for name, note in trained.notes.items() if name not in gone}
    with held(model, notes):
        train(model, session, params.schedule, name="low-rank")
    return Trained(model, notes)


def count_weights(flat: Flat) -> int:
    """Return the number of weights in kernels; biases and batch norms aside."""
    specs = {id(call.spec): call.spec for call in flat.calls}.values()
    return sum(s.weights[0].size for s in specs if s.weights and s.weights[0].ndim > 1)


def choose_ranks(choices: Sequence[Sequence[Choice]], total: int, share: float) -> list[Choice]:
    """Return one choice a layer: the least total error of at most `share` of all weights.

    Lagrange multipliers (Everett 1963): at a price for each weight every layer chooses alone;
    the price is found by bisection.

    Raises:
        InputError: even the smallest choices have too many weights.
    """
    whole = sum(layer[0].weights for layer in choices)
    limit = share * total - (total - whole)
    least = sum(min(choice.weights for choice in layer) for layer in choices)
    if least > limit:
        raise InputError(
            f"step low-rank: {total - whole + least} of {total} weights are left at rank 1, "
            f"{share * total:.0f} were asked for",
            hint="ask for a larger share, or let more layers take part",
        )
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        price = (low + high) / 2
        enough = sum(c.weights for c in _at_price(choices, price)) <= limit
        low, high = (low, price) if enough else (price, high)
    return _at_price(choices, high)


def _split(chosen: Choice, choices: Sequence[Choice]) -> Choice:
    """Return factors even where the layer may stay whole: a rehearsal shows every possible name.

    What trains before this step may change which layers it factors.
    """
    factored = [choice for choice in choices if choice.ranks]
    return chosen if chosen.ranks or not factored else max(factored)


def _at_price(choices: Sequence[Sequence[Choice]], price: float) -> list[Choice]:
    return [min(layer, key=lambda c: (c.error + price * c.weights, c.weights)) for layer in choices]


# --- which layers, and what they read ------------------------------------------------------------


def _plan(flat: Flat, model: Any, session: Session, params: LowRank) -> list[Plan]:
    found: dict[int, tuple[LayerSpec, str]] = {}
    for call in flat.calls:
        method = _method(call, params.convolutions)
        if method and re.fullmatch(params.layers, call.spec.name):
            found.setdefault(id(call.spec), (call.spec, method))
    if not found:
        known = (call.spec.name for call in flat.calls if _method(call, params.convolutions))
        raise unmatched(session.step, "Dense layer or convolution", params.layers, known)
    matrices = [spec for spec, method in found.values() if method == "matrix"]
    read = observe_inputs(build(flat), matrices, session)
    return [Plan(spec, method, read.get(spec.name)) for spec, method in found.values()]


def _method(call: Call, convolutions: str) -> str | None:
    """Return how a layer may be factored: matrix, tucker, cp; None if not at all."""
    spec = call.spec
    if spec.is_a("Dense"):
        return "matrix"
    if not spec.is_a("Conv1D", "Conv2D") or spec.config.get("groups", 1) != 1:
        return None
    if spec.config.get("data_format") == "channels_first" or spec.is_a("BaseSeparableConv"):
        return None
    if spec.weights[0].size == np.prod(spec.weights[0].shape[-2:]):
        return "matrix"
    if convolutions == "none":
        return None
    strides, dilation = spec.config["strides"], spec.config["dilation_rate"]
    square = len(set(strides)) == 1 and (max(strides) == 1 or max(dilation) == 1)
    if convolutions == "cp" and spec.is_a("Conv2D"):
        return "cp" if square else None
    return "tucker"


def observe_inputs(
    model: Any, specs: Sequence[LayerSpec], session: Session
) -> Mapping[str, Reading]:
    """Return mean and covariance of what each layer reads, over at most 2,048 samples.

    A layer without bias cannot take a mean up: its moment is about zero.
    """
    import keras

    if not specs:
        return {}
    ports = [model.get_layer(spec.name)._inbound_nodes[0].input_tensors[0] for spec in specs]
    reader = keras.Model(structured(model.inputs), ports)
    sums = [np.zeros(port.shape[-1]) for port in ports]
    squares = [np.zeros((port.shape[-1],) * 2) for port in ports]
    counts = [0] * len(ports)
    for start in range(0, min(OBSERVED, len(session.data.x[0])), BATCH):
        part = [samples[start : start + BATCH] for samples in session.data.x]
        for place, value in enumerate(run(reader, part)):
            rows = np.asarray(value, np.float64).reshape(-1, value.shape[-1])
            sums[place] += rows.sum(axis=0)
            squares[place] += rows.T @ rows
            counts[place] += len(rows)
    found = {}
    for spec, total, square, count in zip(specs, sums, squares, counts, strict=True):
        mean = total / count if spec.config.get("use_bias", True) else np.zeros_like(total)
        found[spec.name] = Reading(mean, square / count - np.outer(mean, mean))
    return found


# --- choices and their layers --------------------------------------------------------------------


def _choices(plan: Plan) -> list[Choice]:
    """Return the layer as it is, and every smaller one."""
    whole = Choice(plan.spec.weights[0].size, 0.0, ())
    smaller = {"matrix": _matrix_choices, "tucker": _tucker_choices, "cp": _cp_choices}
    return [whole, *(c for c in smaller[plan.method](plan) if c.weights < whole.weights)]


def _matrix_choices(plan: Plan) -> list[Choice]:
    rows, columns = plan.kernel.shape
    power = singular_values(plan.kernel, plan.inputs.moment if plan.inputs else None) ** 2
    lost = 1 - np.cumsum(power) / max(float(power.sum()), 1e-30)
    return [
        Choice(rank * (rows + columns), max(0.0, float(lost[rank - 1])), (rank,))
        for rank in range(1, len(power) + 1)
    ]


def _tucker_choices(plan: Plan) -> list[Choice]:
    """Errors are those of the higher-order SVD, which the iteration behind it only lowers."""
    kernel = plan.kernel
    height, width, inputs, outputs = kernel.shape
    core = mode_bases(kernel)[2]
    kept = np.cumsum(np.cumsum(np.sum(core**2, axis=(0, 1)), axis=0), axis=1)
    found = []
    for a in _grid(inputs):
        for b in _grid(outputs):
            weights = inputs * a + height * width * a * b + b * outputs
            error = 1 - kept[a - 1, b - 1] / max(float(kept[-1, -1]), 1e-30)
            found.append(Choice(weights, max(0.0, float(error)), (a, b)))
    return found


def _cp_choices(plan: Plan) -> list[Choice]:
    kernel = plan.kernel
    most = kernel.size // sum(kernel.shape)
    ranks = np.unique(np.geomspace(1, max(1, most), CP_RANKS).astype(int))
    made = [(int(rank), factor_cp(kernel, int(rank))) for rank in ranks]
    return [Choice(factored.weights, factored.error, (rank,)) for rank, factored in made]


def _grid(channels: int) -> list[int]:
    places = np.linspace(1, channels, min(GRID, channels)).round().astype(int)
    return [int(n) for n in np.unique(places)]


def _replace(flat: Flat, plan: Plan, ranks: tuple[int, ...]) -> Flat:
    """Return the model with every call of the layer replaced by calls of its factors."""
    calls = [call for call in flat.calls if call.spec is plan.spec]
    specs = _chain(plan, ranks, calls[0])
    for call in calls:
        flat = replace_call(flat, call, chain_calls(flat, call, specs))
    return flat


def _chain(plan: Plan, ranks: tuple[int, ...], call: Call) -> tuple[LayerSpec, ...]:
    if plan.method == "matrix":
        moment = plan.inputs.moment if plan.inputs else None
        factored = factor_matrix(plan.kernel, ranks[0], moment)
        return chain_matrix(plan.spec, factored, _mean_shift(plan, factored))
    if plan.method == "tucker":
        return chain_tucker(plan.spec, factor_tucker(plan.kernel, *ranks))
    size = call.node.input_tensors[0].shape[1:3]
    return chain_cp(plan.spec, factor_cp(plan.kernel, ranks[0]), size)


def _mean_shift(plan: Plan, factored: Factored) -> Array:
    """Return what the mean input gives less through the factors (outputs,): the bias gets it."""
    first, second = factored.kernels
    mean = np.zeros(len(first)) if plan.inputs is None else plan.inputs.mean
    return np.asarray(mean @ plan.kernel - mean @ first @ second)
