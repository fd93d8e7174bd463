"""What calibration data and chosen ranges look wrong: each finding is one sentence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgeq.convert.metrics import Array
from edgeq.convert.quantization.draft import Draft
from edgeq.convert.quantization.drift import measure_halves
from edgeq.convert.quantization.errors import clipped_share
from edgeq.convert.quantization.observation import owners
from edgeq.convert.samples import Inputs
from edgeq.core.records import DriftRecord, TensorDriftRecord
from edgeq.core.units import short_name

FEW_SAMPLES = 50
# Shares of all input values at one extreme: of images, black or white borders stay below.
PILED, PILED_AT_BOUND = 0.2, 0.9
UNUSED = 0.1  # part of the declared range below which values are of another scale
APART = 0.15  # distance of two sets that chance does not reach with FEW_SAMPLES
TWICE = 2.0  # such a distance must also be that of the calibration set's halves, this often
SATURATED = 0.01  # share of the second half's values outside the first half's range
LOST = 0.02  # share of a layer's values that its range clips
NAMED = 3  # layers that a finding names


def diagnose_samples(
    x: Inputs, low: float | None = None, high: float | None = None
) -> tuple[str, ...]:
    """Return what looks wrong about calibration samples, (N, ...) for each input.

    `low` and `high` are the range that the dataset declares. Integer inputs (indices) are taken
    as they are.
    """
    found = []
    if len(x[0]) < FEW_SAMPLES:
        found.append(f"calibrated by {len(x[0])} samples only; ranges may be too narrow")
    for place, values in enumerate(x):
        which = "calibration" if len(x) == 1 else f"calibration, input {place}:"
        if values.dtype.kind == "f" and values.size:
            found += _diagnose_values(values, which, low, high)
    return tuple(found)


def _diagnose_values(
    values: Array,
    which: str,
    low: float | None,
    high: float | None,
) -> Iterator[str]:
    least, most = float(values.min()), float(values.max())
    if least == most:
        yield f"{which}: all values are one constant, {least:g}"
        return
    if len(values) > 1 and np.array_equal(values, np.broadcast_to(values[:1], values.shape)):
        yield f"{which}: all samples are the same"
    for end, bound in ((least, low), (most, high)):
        share = float(np.mean(values == end))
        limit = PILED_AT_BOUND if end == bound else PILED
        if end != 0 and share >= limit:
            yield f"{which}: {share:.0%} of the values are {end:g}: clipped, or scaled wrongly?"
    if low is not None and high is not None and most - least < UNUSED * (high - low):
        yield (
            f"{which}: values from {least:g} to {most:g} use {(most - least) / (high - low):.1%} "
            f"of the dataset's range {low:g} to {high:g}: scaled twice?"
        )


def diagnose_ranges(draft: Draft) -> tuple[str, ...]:
    """Return what looks wrong about a calibrated draft: dead, unsettled and clipped layers."""
    observed = draft.observed
    if observed is None:
        return ()
    layers, found = owners(draft), []
    dead = [short_name(layers[t]) for t, s in observed.tensors.items() if s.low == s.high]
    if dead:
        found.append(f"{_named(dead)} give one constant on all calibration samples")
    halves = measure_halves(draft)
    if halves is not None and observed.samples >= FEW_SAMPLES:
        apart = [t for t in halves.tensors if t.distance > APART or t.saturated > SATURATED]
        if apart:
            found.append(f"the two halves of the calibration samples disagree: {_suffering(apart)}")
    lost = clipped_layers(draft)
    heavy = [f"{short_name(layers[t])} ({share:.1%})" for t, share in lost if share > LOST]
    if heavy:
        found.append(f"ranges clip much of the calibration values of {_named(heavy)}")
    return tuple(found)


def diagnose_drift(drift: DriftRecord, halves: DriftRecord | None) -> tuple[str, ...]:
    """Return whether samples are out of the distribution that calibrated.

    `halves` are the two halves of the calibration samples: what chance alone sets apart.
    """
    usual = {} if halves is None else {t.index: t.distance for t in halves.tensors}
    apart = [t for t in drift.tensors if t.distance > max(APART, TWICE * usual.get(t.index, 0.0))]
    if not apart:
        return ()
    return (
        f"the {drift.second} samples are unlike the {drift.first} samples: {_suffering(apart)}",
    )


def clipped_layers(draft: Draft) -> tuple[tuple[int, float], ...]:
    """Return (tensor, share of its calibration values outside its range), the largest first."""
    assert draft.observed is not None
    shares = [
        (tensor, clipped_share(statistics, draft.ranges[tensor]))
        for tensor, statistics in draft.observed.tensors.items()
        if tensor in draft.ranges
    ]
    return tuple(sorted(shares, key=lambda pair: (-pair[1], pair[0])))


def _suffering(tensors: list[TensorDriftRecord]) -> str:
    worst = sorted(tensors, key=lambda t: (-t.distance, t.index))
    words = "(distance {:.2f}, {:.1%} outside the range)"
    return _named([f"{short_name(t.layer)} {words.format(t.distance, t.saturated)}" for t in worst])


def _named(layers: list[str]) -> str:
    more = f" and {len(layers) - NAMED} more" if len(layers) > NAMED else ""
    return ", ".join(layers[:NAMED]) + more
