"""Requantisation by two short multiplications is TFLite's, for every accumulator that can be."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edgeq.compile.lower.small.scaling import FRACTION, Step, find_steps
from edgeq.compile.lower.thresholds import thresholds
from edgeq.graph.oracle.fixed_point import multiply_by_quantized_multiplier, quantize_multiplier
from tests.support.properties import efforts

multipliers = st.floats(-13, -1.01).map(lambda power: quantize_multiplier(2.0**power))


def scaled(step: Step, low_bits: int, limit: int, offset: int, acc: np.ndarray) -> np.ndarray:
    """Return what kernels/eq_scale.h computes; every intermediate has to fit 32 bits."""
    a = np.clip(acc, 0, limit).astype(np.int64)
    low = a * (step.multiplier & ((1 << low_bits) - 1))
    total = a * (step.multiplier >> low_bits) + (low >> low_bits) + offset
    assert max(low.max(), total.max()) < 1 << 32
    return total >> FRACTION


def reference(multiplier: int, shift: int, levels: int, acc: np.ndarray) -> np.ndarray:
    """Return TFLite's output above the zero point, cut off at both ends."""
    return np.clip(multiply_by_quantized_multiplier(acc, multiplier, shift), 0, levels)


@efforts(60, 20_000)
def test_a_scale_has_the_steps_of_tflite(effort: settings) -> None:
    @effort
    @given(multipliers, st.integers(1, 255), st.integers(1, 22), st.integers(0, 2**32 - 1))
    @example(quantize_multiplier(2.0**-8), 255, 22, 0)
    @example(quantize_multiplier(2.0**-2), 1, 1, 0)
    def holds(pair: tuple[int, int], levels: int, bits: int, seed: int) -> None:
        bound = 1 << bits
        found = find_steps([pair], [bound], levels)
        if found is None:
            return
        low_bits, (step,) = found
        (edges,) = thresholds(*np.array(pair)[:, None], levels)
        rng = np.random.default_rng(seed)
        near = np.concatenate([edges + d for d in range(-2, 3)])
        acc = np.concatenate([near, rng.integers(-bound, bound + 1, 2000), [-bound, 0, bound]])
        acc = acc[np.abs(acc) <= bound]
        for limit in {step.top, step.limit}:
            for offset in {step.first, step.last}:
                ours = scaled(step, low_bits, limit, offset, acc)
                np.testing.assert_array_equal(ours, reference(*pair, levels, acc))

    holds()


def test_the_scales_of_common_layers_are_found() -> None:
    rng = np.random.default_rng(1)
    pairs = [quantize_multiplier(float(m)) for m in 2.0 ** rng.uniform(-10, -5, 200)]
    assert find_steps(pairs, [1 << 20] * len(pairs), 255) is not None
