"""Weights: rounded to nearest in a narrow range, codebooks found again, biases that fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.convert.quantization.weights import (
    fit_bias,
    fit_codebook,
    quantize_bias,
    quantize_weights,
    restore,
    spread,
)

SHAPE = (4, 3, 3, 5)


def _values(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    strength = rng.choice([0.0, 1e-4, 1.0], (4, 1, 1, 1))
    return np.asarray(rng.normal(0, 1, SHAPE) * strength, np.float32)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.sampled_from([8, 4]), st.sampled_from([0, 3]), st.booleans())
def test_every_weight_is_the_nearest_integer(
    seed: int, bits: int, axis: int, per_channel: bool
) -> None:
    values, limit = _values(seed), (1 << (bits - 1)) - 1
    weights = quantize_weights(values, bits, axis, per_channel)
    assert len(weights.scales) == (SHAPE[axis] if per_channel else 1)
    assert np.abs(weights.values.astype(int)).max() <= limit
    half = spread(weights.scales, 4, axis) / 2
    assert (np.abs(restore(weights) - values) <= half * (1 + 1e-5)).all()
    if values.any():
        assert np.abs(weights.values.astype(int)).max() == limit


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 999),
    st.sampled_from([(-127, 0, 127), (-127, 127), (-127, -50, -9, 0, 30, 88, 127), (-120, -7, 3)]),
    st.sampled_from([0, 3, None]),
)
def test_weights_of_a_codebook_are_found_again(
    seed: int, codebook: tuple[int, ...], axis: int | None
) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.choice(codebook, SHAPE)
    count = 1 if axis is None else SHAPE[axis]
    scales = rng.uniform(1e-3, 2.0, count).astype(np.float32)
    values = np.asarray(codes * spread(scales, 4, axis or 0), np.float32)
    found = fit_codebook(values, codebook, axis)
    assert np.isin(found.values, codebook).all()
    assert np.allclose(restore(found), values, rtol=1e-5, atol=1e-7)


def test_weights_beside_a_codebook_go_to_the_nearest_of_its_values() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0, 1, SHAPE)
    found = fit_codebook(values, (-127, 0, 127), 0)
    assert np.isin(found.values, (-127, 0, 127)).all()
    error = np.sum((restore(found) - values) ** 2)
    assert error < np.sum(values**2) / 2
    for factor in (0.9, 1.1):
        scales = (found.scales * factor).astype(np.float32)
        other = found.values * spread(scales, 4, 0)
        assert np.sum((other - values) ** 2) > error


def test_a_layer_without_weights_has_scales_that_can_be_computed_with() -> None:
    weights = quantize_weights(np.zeros(SHAPE, np.float32), 8, 0, True)
    assert (weights.scales > 0).all()
    assert not weights.values.any()
    assert not fit_codebook(np.zeros(SHAPE), (-127, 0, 127), 0).values.any()


@pytest.mark.parametrize(("dtype", "limit"), [("int32", 1 << 30), ("int64", 1 << 41)])
def test_a_bias_that_would_overflow_makes_its_channel_coarser(dtype: str, limit: int) -> None:
    values = np.ones((3, 4), np.float32) * np.array([[1.0], [1e-12], [1.0]], np.float32)
    bias = np.array([0.5, 1e3, -2.0], np.float32)
    before = quantize_weights(values, 8, 0, True)
    weights = fit_bias(before, values, bias, 1e-3, dtype)
    integers, scales = quantize_bias(bias, weights, 1e-3, dtype)
    assert np.abs(integers).max() <= limit
    assert np.allclose(integers * np.array(scales), bias, rtol=1e-4)
    assert list(weights.scales[[0, 2]]) == list(before.scales[[0, 2]])
    assert (np.abs(restore(weights) - values) <= weights.scales[:, None]).all()
