"""Child side: structured pruning, whole channels removed from a model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from edgeq.convert.metrics import Array
from edgeq.convert.patterns import unmatched
from edgeq.convert.recipes.steps import PruneChannels, Schedule
from edgeq.convert.training.channel_groups import Channels, Work, trace_channels
from edgeq.convert.training.flattening import build, flatten
from edgeq.convert.training.kernels import kernel_of
from edgeq.convert.training.loop import train
from edgeq.convert.training.losses import choose_loss, run
from edgeq.convert.training.session import Session, Trained
from edgeq.core.errors import InputError

SETTLED = 0.5  # a cut model is no best one before this share of its epochs
BATCH, BATCHES = 16, 32  # of the samples that tell importance by gradients
Importance = NDArray[np.float64]  # (groups,)


def prune_channels(trained: Trained, session: Session, params: PruneChannels) -> Trained:
    """Remove channels, the least important first, until the share `macs` remains; train on.

    In `rounds`: each removes its part, judges importance anew and trains its share of the epochs.

    Raises:
        InputError: no layer matches, or the layers that match cannot give up so much.
    """
    model = build(flatten(trained.model))
    total = count_macs(model)
    schedule = _divide(params.schedule, params.rounds)
    for place in range(params.rounds):
        share = params.macs ** ((place + 1) / params.rounds)
        model = remove_channels(model, session, params, share * total)
        train(model, session, schedule, name=f"prune-channels-{place + 1}", settled=SETTLED)
    return Trained(model, trained.notes)


def count_macs(model: Any) -> float:
    """Return the multiply-accumulates of one inference in layers with weights."""
    traced = trace_channels(flatten(model))
    return _Budget(traced).macs()


def remove_channels(model: Any, session: Session, params: PruneChannels, macs: float) -> Any:
    """Return the model without its least important channels, of at most `macs`; untrained."""
    flat = flatten(model)
    if not any(re.fullmatch(params.layers, call.spec.name) for call in flat.calls):
        raise unmatched(session.step, "layer", params.layers, (c.spec.name for c in flat.calls))
    traced = trace_channels(flat, layers=params.layers)
    importance = CRITERIA[params.importance](model, traced, session)
    return build(traced.without(choose_groups(traced, importance, macs, params.multiple)))


def choose_groups(
    traced: Channels, importance: Importance, macs: float, multiple: int = 1
) -> NDArray[np.bool_]:
    """Return which groups (groups,) go: the least importance for each MAC saved, set by set.

    A layer of `2 * multiple` channels or more loses them in sets that leave a multiple of
    `multiple`, a smaller one singly; every layer keeps an eighth of its channels and at least one.

    Raises:
        InputError: `macs` cannot be reached.
    """
    budget = _Budget(traced, multiple)
    while budget.macs() > macs:
        price = importance / np.maximum(budget.saved(), 1e-12)
        sets = [found for family in budget.families if (found := budget.cheapest(family, price))]
        if not sets:
            raise InputError(
                f"step prune-channels: {budget.macs():.0f} MACs are left when all channels are "
                f"gone that may go; {macs:.0f} were asked for",
                hint="ask for a larger share, or let more layers take part",
            )
        budget.removed[min(sets, key=lambda groups: float(np.mean(price[groups])))] = True
    return budget.removed


class _Budget:
    """The MACs of a model while its groups go; rows are calls with weights, columns groups.

    `families` are the groups that are channels of the same layers.
    """

    def __init__(self, traced: Channels, multiple: int = 1) -> None:
        self.traced, self.multiple = traced, multiple
        works = traced.works
        self.rate = np.array([work.rate for work in works])
        self.inputs = np.array([_count(traced, work.inputs) for work in works])
        self.outputs = np.array([_count(traced, work.outputs) for work in works])
        self.single = np.array([work.inputs is None for work in works])
        self.inputs[self.single] = 0
        self.floor = np.maximum(1, np.ceil(self.outputs.sum(axis=1) / 8))
        self.removed = np.zeros(traced.groups, np.bool_)
        _, family = np.unique(self.outputs, axis=1, return_inverse=True)
        rows = [np.flatnonzero(family.ravel() == i) for i in range(int(family.max()) + 1)]
        self.families = [r for r in rows if self.outputs[:, r[0]].any()]

    def _left(self) -> tuple[Array, Array]:
        left = ~self.removed
        read = np.where(self.single, 1, self.inputs @ left)
        return read, self.outputs @ left

    def macs(self) -> float:
        read, written = self._left()
        return float(np.sum(self.rate * read * written))

    def saved(self) -> Array:
        """Return the MACs (groups,) that go with each group now."""
        read, written = self._left()
        both = self.inputs * written[:, None] + read[:, None] * self.outputs
        return np.asarray(self.rate @ (both - self.inputs * self.outputs))

    def cheapest(self, family: NDArray[np.intp], price: Importance) -> list[int]:
        """Return the groups of a family that would go next; none where no more may."""
        left = family[~self.removed[family]]
        whole = len(family) >= 2 * self.multiple
        count = (len(left) % self.multiple or self.multiple) if whole else 1
        free = left[~self.traced.locked[left]]
        used = self.outputs[:, family[0]]
        enough = (self._left()[1] - count * used >= self.floor)[used > 0].all()
        if not enough or len(free) < count:
            return []
        return [int(group) for group in free[np.argsort(price[free], kind="stable")[:count]]]


def _count(traced: Channels, ids: NDArray[np.intp] | None) -> Array:
    if ids is None:
        return np.zeros(traced.groups)
    return np.bincount(traced.group[ids], minlength=traced.groups).astype(np.float64)


def _divide(schedule: Schedule, rounds: int) -> Schedule:
    minutes = None if schedule.minutes is None else schedule.minutes / rounds
    epochs = max(1, round(schedule.epochs / rounds))
    return msgspec.structs.replace(schedule, epochs=epochs, minutes=minutes)


# --- importance ----------------------------------------------------------------------------------


def taylor_importance(model: Any, traced: Channels, session: Session) -> Importance:
    """Return how much the squared loss changes when a group goes, to first order.

    Molchanov et al. 2019, "Importance Estimation for Neural Network Pruning", eq. 8 for the
    weights of a channel, summed over the layers that write it; batch norms as at inference.
    """
    import tensorflow as tf

    kernels = {layer.name: kernel_of(layer) for layer in model.layers}
    writers = [work for work in traced.works if work.inputs is not None]
    variables = [kernels[work.name].variable for work in writers]  # type: ignore[union-attr]
    loss = session.loss or choose_loss(model, session)
    data, found = session.data, np.zeros(traced.groups)
    for start in range(0, min(len(data.x[0]), BATCH * BATCHES), BATCH):
        part = slice(start, start + BATCH)
        x = tuple(tf.convert_to_tensor(samples[part]) for samples in data.x)
        y = None if data.y is None else tf.convert_to_tensor(data.y[part])
        with tf.GradientTape() as tape:
            value = loss(x, y, run(model, x))
        for work, variable, slope in zip(
            writers, variables, tape.gradient(value, variables), strict=True
        ):
            if slope is not None:
                change = _by_channel(work, np.asarray(variable.numpy()) * np.asarray(slope)) ** 2
                np.add.at(found, traced.group[work.outputs], change)
    return found


def norm_importance(model: Any, traced: Channels, session: Session) -> Importance:
    """Return the norm of each group's weights, in units of the layer's root mean square."""
    kernels = {layer.name: kernel_of(layer) for layer in model.layers}
    found = np.zeros(traced.groups)
    for work in traced.works:
        kernel = kernels[work.name]
        if work.inputs is not None and kernel is not None:
            power = _by_channel(work, np.asarray(kernel.variable.numpy()) ** 2)
            np.add.at(found, traced.group[work.outputs], power / max(float(power.mean()), 1e-12))
    return np.asarray(np.sqrt(found))


def gamma_importance(model: Any, traced: Channels, session: Session) -> Importance:
    """Return the factors of each group's batch norms (Liu et al. 2017, "Network Slimming").

    Groups without a batch norm have the norm of their weights.
    """
    found = np.zeros(traced.groups)
    for name, ids in traced.norms:
        gamma = np.abs(np.asarray(model.get_layer(name).gamma.numpy(), np.float64))
        np.add.at(found, traced.group[ids], gamma / max(float(gamma.mean()), 1e-12))
    return np.where(found > 0, found, norm_importance(model, traced, session))


def _by_channel(work: Work, values: Array) -> Array:
    """Sum a kernel over all axes but that of the output channels."""
    axes = tuple(i for i in range(values.ndim) if i != work.output_axis % values.ndim)
    return np.asarray(values.astype(np.float64).sum(axis=axes))


CRITERIA: Mapping[str, Any] = {
    "taylor": taylor_importance,
    "norm": norm_importance,
    "gamma": gamma_importance,
}
