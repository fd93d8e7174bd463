"""A requantisation that is called proved is TFLite's, accumulator by accumulator."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.compile.lower.sums import SHIFT, fit_plane
from edgeq.compile.thresholds import Stage, prove, thresholds
from edgeq.graph.oracle.fixed_point import quantize_multiplier

_QUICK = settings(max_examples=40, deadline=None, derandomize=True)
_SCALE, _SHIFT = 256, 9
_BYTES = np.arange(-128, 128, dtype=np.int64)


@st.composite
def stages(draw: st.DrawFn, zero_point: st.SearchStrategy[int]) -> Stage:
    """One channel of a layer, clamped at its zero point or not at all."""
    real = 2.0 ** draw(st.floats(-12, 1, allow_subnormal=False))
    multiplier, shift = quantize_multiplier(real)
    low = draw(st.integers(-60_000, 60_000))
    high = low + draw(st.integers(0, 120_000))
    zero = draw(zero_point)
    fields = (np.array([v], np.int64) for v in (multiplier, shift, low, high))
    return Stage(*fields, zero, -128 if zero > -128 else zero, 127)


def _all(stage: Stage) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.arange(stage.low[0], stage.high[0] + 1)[None, :]


@_QUICK
@given(stages(st.integers(-128, 127)))
def test_what_is_proved_is_equal_everywhere(stage: Stage) -> None:
    affine = prove(stage, _SCALE, _SHIFT)
    accumulators = _all(stage)
    sums = _SCALE * accumulators + affine.offset[:, None]
    outputs = np.clip(sums * affine.multiplier[:, None] >> (32 + _SHIFT), -128, 127)
    equal = np.array_equal(outputs, stage.outputs(accumulators))
    assert equal or not affine.proved[0]
    assert not affine.proved[0] or np.abs(sums).max() < 1 << 31


def test_nearly_all_rectified_channels_are_proved() -> None:
    rng = np.random.default_rng(5)
    count = 200
    reals = 2.0 ** rng.uniform(-9, -5, count)
    pairs = np.array([quantize_multiplier(r) for r in reals], np.int64)
    low, high = (np.full(count, v, np.int64) for v in (-80_000, 80_000))
    stage = Stage(pairs[:, 0], pairs[:, 1], low, high, -128, -128, 127)
    assert prove(stage, _SCALE, _SHIFT).proved.mean() > 0.97


@_QUICK
@given(stages(st.just(-128)))
def test_a_threshold_is_the_least_accumulator_of_its_output(stage: Stage) -> None:
    accumulators = _all(stage)[0]
    outputs = stage.outputs(accumulators[None, :])[0]
    for output, at in zip(range(-127, 128), thresholds(stage)[0].tolist(), strict=True):
        reached = accumulators[outputs >= output]
        assert at == (reached[0] if len(reached) else stage.high[0] + 1)


def test_a_plane_is_its_table() -> None:
    a, b = 0.71234567, 0.40765432
    outputs = np.clip(np.floor(_BYTES[:, None] * a + _BYTES * b + 3.54321), -128, 127)
    plane = fit_plane(outputs.astype(np.int8), a, b)
    assert plane is not None
    left, right = _BYTES * plane.left >> 8, _BYTES * plane.right >> 8
    sums = left[:, None] + right + plane.offset
    np.testing.assert_array_equal(np.clip(sums >> SHIFT, -128, 127), outputs)


def test_what_is_no_plane_has_none() -> None:
    assert fit_plane(np.maximum(_BYTES[:, None], _BYTES).astype(np.int8), 0.5, 0.5) is None
