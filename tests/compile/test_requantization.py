"""A requantisation that is called proved is TFLite's, accumulator by accumulator."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgeq.compile.lower.dsp.requantization import Stage, prove
from edgeq.compile.lower.thresholds import thresholds
from edgeq.graph.oracle.fixed_point import multiply_by_quantized_multiplier, quantize_multiplier

_QUICK = settings(max_examples=40, deadline=None, derandomize=True)
_SCALE, _SHIFT = 256, 9


@st.composite
def stages(draw: st.DrawFn) -> Stage:
    """One channel of a layer, clamped at its zero point."""
    real = 2.0 ** draw(st.floats(-12, 1, allow_subnormal=False))
    low = draw(st.integers(-60_000, 60_000))
    high = low + draw(st.integers(0, 120_000))
    return Stage(*(np.array([v], np.int64) for v in (*quantize_multiplier(real), low, high)))


def accumulators_of(stage: Stage) -> NDArray[np.int64]:
    """Return every accumulator of the channel."""
    return np.arange(stage.low[0], stage.high[0] + 1)


def outputs_of(stage: Stage) -> NDArray[np.int64]:
    """Return TFLite's outputs for every accumulator."""
    accumulators = accumulators_of(stage)
    scaled = multiply_by_quantized_multiplier(accumulators, stage.multiplier, stage.shift)
    return np.clip(scaled - 128, -128, 127)


@_QUICK
@given(stages())
def test_what_is_proved_is_equal_everywhere(stage: Stage) -> None:
    affine = prove(stage, _SCALE, _SHIFT)
    sums = _SCALE * accumulators_of(stage) + affine.offset
    outputs = np.clip(sums * affine.multiplier >> (32 + _SHIFT), -128, 127)
    assert np.array_equal(outputs, outputs_of(stage)) or not affine.proved[0]
    assert not affine.proved[0] or np.abs(sums).max() < 1 << 31


def test_nearly_all_channels_are_proved() -> None:
    rng = np.random.default_rng(5)
    count = 200
    reals = 2.0 ** rng.uniform(-9, -5, count)
    pairs = np.array([quantize_multiplier(r) for r in reals], np.int64)
    low, high = (np.full(count, v, np.int64) for v in (-80_000, 80_000))
    assert prove(Stage(pairs[:, 0], pairs[:, 1], low, high), _SCALE, _SHIFT).proved.mean() > 0.97


@_QUICK
@given(stages())
def test_a_threshold_is_the_least_accumulator_of_its_output(stage: Stage) -> None:
    accumulators, outputs = accumulators_of(stage), outputs_of(stage)
    for output, at in zip(range(-127, 128), stage.thresholds()[0].tolist(), strict=True):
        reached = accumulators[outputs >= output]
        assert at == (reached[0] if len(reached) else stage.high[0] + 1)


@_QUICK
@given(st.integers(0, 2**31 - 1).filter(lambda m: m == 0 or m >= 1 << 30), st.integers(-31, 8))
def test_thresholds_hold_in_all_of_32_bits(multiplier: int, shift: int) -> None:
    largest = (1 << 31 - max(shift, 0)) - 1
    (at,) = thresholds(np.array([multiplier]), np.array([shift]), 255)
    levels = np.arange(1, 256)[at <= largest]
    at = at[at <= largest]
    reached = multiply_by_quantized_multiplier(at, multiplier, shift)
    missed = multiply_by_quantized_multiplier(at - 1, multiplier, shift)
    assert (reached >= levels).all()
    assert (missed < levels).all()
    top = multiply_by_quantized_multiplier(np.array([largest]), multiplier, shift)[0]
    assert len(levels) == min(top, 255)
