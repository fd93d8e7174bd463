"""Each calibrator against its definition, computed from the values themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeq.convert.quantization.calibrators import CALIBRATORS, percentile
from edgeq.convert.quantization.draft import Range
from edgeq.convert.quantization.errors import (
    LEVELS,
    Levels,
    clipped_share,
    density_of,
    squared_errors,
)
from edgeq.convert.quantization.statistics import (
    TensorStatistics,
    add_samples,
    measure_samples,
)
from edgeq.convert.recipes.steps import Calibrate

Values = NDArray[np.float32]
INT8, INT16 = LEVELS["int8"], LEVELS["int16"]


def draw(seed: int, make: Callable[[np.random.Generator], NDArray[np.float64]]) -> Values:
    return make(np.random.default_rng(seed)).astype(np.float32)


DISTRIBUTIONS: dict[str, Values] = {
    "normal": draw(1, lambda r: r.normal(size=40_000)),
    "laplace": draw(2, lambda r: r.laplace(size=40_000)),
    "relu": draw(3, lambda r: np.maximum(r.normal(size=40_000), 0)),
    "relu6": draw(4, lambda r: np.clip(4 * r.normal(size=40_000), 0, 6)),
    "uniform": draw(5, lambda r: r.uniform(-1, 3, 40_000)),
    "outlier": draw(6, lambda r: np.append(r.normal(size=40_000), 60.0)),
    "negative": draw(7, lambda r: -np.abs(r.standard_t(3, 40_000))),
    "far": draw(8, lambda r: r.uniform(100, 101, 4_000)),
}


def calibrate(name: str, values: Values, levels: Levels = INT8, **params: float) -> Range:
    return CALIBRATORS[name](measure_samples(values[None]), Calibrate(**params), levels)


def quantize(values: NDArray[np.float64], kept: Range, levels: Levels) -> NDArray[np.float64]:
    """Plain affine quantisation, as the runtime does it."""
    if levels.symmetric:
        scale = max(-kept.low, kept.high) / (2 ** (levels.bits - 1) - 1)
        limit = 2 ** (levels.bits - 1) - 1
        return scale * np.clip(np.rint(values / scale), -limit, limit)
    scale = (kept.high - kept.low) / (2**levels.bits - 1)
    zero = round(-kept.low / scale)
    return scale * (np.clip(np.rint(values / scale) + zero, 0, 2**levels.bits - 1) - zero)


def error_of(values: Values, kept: Range, levels: Levels) -> float:
    exact = values.astype(np.float64)
    return float(np.sum((quantize(exact, kept, levels) - exact) ** 2))


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("method", CALIBRATORS)
@pytest.mark.parametrize("levels", [INT8, INT16, Levels(8, True)], ids=str)
def test_ranges_hold_zero_and_leave_the_extremes_never_behind(
    name: str, method: str, levels: Levels
) -> None:
    values = DISTRIBUTIONS[name]
    kept = calibrate(method, values, levels)
    assert min(0.0, float(values.min())) <= kept.low <= 0 <= kept.high
    assert kept.high <= max(0.0, float(values.max()))
    assert kept.low < kept.high


def test_min_max_keeps_the_extremes() -> None:
    values = DISTRIBUTIONS["normal"]
    assert calibrate("min-max", values) == Range(float(values.min()), float(values.max()))


def test_moving_average_follows_the_samples() -> None:
    samples = [np.array([-1.0, n], np.float32) for n in (10.0, 20.0, 20.0)]
    found = measure_samples(samples[0][None], 0.5)
    for sample in samples[1:]:
        found = add_samples(found, sample[None])
    params = Calibrate(method="moving-average", momentum=0.5)
    assert CALIBRATORS["moving-average"](found, params, INT8) == Range(-1.0, 17.5)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("share", [0.01, 0.1, 5.0, 50.0, 99.0, 99.9, 99.99, 100.0])
def test_percentiles_are_the_values_own_within_a_bin(name: str, share: float) -> None:
    values, found = DISTRIBUTIONS[name], measure_samples(DISTRIBUTIONS[name][None])
    rank = share / 100 * len(values)
    ordered = np.sort(values)
    low, high = ordered[max(int(rank) - 1, 0)], ordered[min(int(np.ceil(rank)), len(values) - 1)]
    width = found.histogram.width
    assert low - width <= percentile(found, share) <= high + width


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("levels", [INT8, INT16, Levels(8, True)], ids=str)
def test_expected_errors_are_what_quantising_costs(name: str, levels: Levels) -> None:
    values = DISTRIBUTIONS[name]
    whole = calibrate("min-max", values)
    density = density_of(measure_samples(values[None]))
    for share in (1.0, 0.7, 0.3, 0.05):
        kept = Range(share * whole.low, share * whole.high)
        low, high = np.array([kept.low]), np.array([kept.high])
        expected = float(squared_errors(density, low, high, levels)[0])
        assert expected == pytest.approx(error_of(values, kept, levels), rel=0.05)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("levels", [INT8, INT16, Levels(8, True)], ids=str)
def test_mse_is_as_good_as_trying_all_ranges(name: str, levels: Levels) -> None:
    values = DISTRIBUTIONS[name]
    whole = calibrate("min-max", values)
    shares = np.linspace(0.05, 1, 24)
    ends = [
        Range(a * whole.low, b * whole.high)
        for a in (shares if whole.low < 0 else [1.0])
        for b in (shares if whole.high > 0 else [1.0])
    ]
    best = min(error_of(values, kept, levels) for kept in ends)
    assert error_of(values, calibrate("mse", values, levels), levels) <= 1.01 * best


def divergence_by_hand(counts: NDArray[np.float64], window: int, levels: int) -> float:
    """KL of the first `window` bins against their quantised form, bin by bin (Migacz 2017)."""
    reference = [float(c) for c in counts[:window]]
    reference[-1] += float(counts[window:].sum())
    candidate = [0.0] * window
    for level in range(levels):
        group = [i for i in range(window) if i * levels // window == level]
        filled = [i for i in group if counts[i] > 0]
        for i in filled:
            candidate[i] = sum(float(counts[j]) for j in group) / len(filled)
    total_p, total_q, mix = sum(reference), sum(candidate), 1e-4
    found = 0.0
    for p, q in zip(reference, candidate, strict=True):
        p, q = (1 - mix) * p / total_p + mix / window, (1 - mix) * q / total_q + mix / window
        found += p * np.log(p / q)
    return found


def test_the_divergence_is_that_of_its_definition() -> None:
    from edgeq.convert.quantization.calibrators import _divergence

    counts = np.random.default_rng(0).poisson(np.exp(-np.arange(512) / 60) * 40).astype(float)
    for window in (256, 300, 444, 512):
        found = _divergence(counts, 0, (0, window), 256)
        assert found == pytest.approx(divergence_by_hand(counts, window, 256), rel=1e-9)


def test_entropy_takes_a_least_divergence_of_all_thresholds() -> None:
    from edgeq.convert.quantization.calibrators import _divergence, _find_window

    places = np.arange(2048)
    counts = 1000 * np.exp(-((places / 300.0) ** 2)) + 50 * np.exp(-(((places - 1900) / 20.0) ** 2))
    window = _find_window(counts, 0, 256)
    least = min(_divergence(counts, 0, (0, t), 256) for t in range(256, 2049))
    assert _divergence(counts, 0, window, 256) <= 1.05 * least


def test_entropy_keeps_a_uniform_distribution_whole() -> None:
    values = DISTRIBUTIONS["uniform"]
    kept = calibrate("entropy", values)
    assert kept.high == pytest.approx(3, rel=0.02)
    assert kept.low == pytest.approx(-1, rel=0.02)


def test_entropy_clips_a_lone_outlier_and_mse_by_its_weight() -> None:
    kept = calibrate("entropy", DISTRIBUTIONS["outlier"])
    assert 4 < kept.high < 30
    assert calibrate("mse", DISTRIBUTIONS["outlier"]).high > kept.high


def test_entropy_does_not_take_the_noise_of_few_values_for_information() -> None:
    """Unsmoothed, a threshold of one bin a level wins: nothing within it is ever lost."""
    values = draw(9, lambda r: np.abs(r.normal(size=600)))
    assert calibrate("entropy", values).high > 0.6 * values.max()


def test_entropy_leaves_16_bits_their_extremes() -> None:
    values = DISTRIBUTIONS["laplace"]
    assert calibrate("entropy", values, INT16) == calibrate("min-max", values, INT16)


def test_exact_zeros_move_neither_mse_nor_entropy() -> None:
    values = DISTRIBUTIONS["laplace"]
    more = np.concatenate([values, np.zeros(10 * len(values), np.float32)])
    assert calibrate("mse", more) == calibrate("mse", values)
    assert calibrate("entropy", more) == calibrate("entropy", values)


@pytest.mark.parametrize("method", CALIBRATORS)
@pytest.mark.parametrize("value", [0.0, 1.5, -2.5])
def test_a_constant_has_the_range_from_zero_to_itself(method: str, value: float) -> None:
    kept = calibrate(method, np.full(100, value, np.float32))
    assert kept.low == pytest.approx(min(value, 0.0), rel=1e-2)
    assert kept.high == pytest.approx(max(value, 0.0), rel=1e-2)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_clipped_share_is_that_of_the_values(name: str) -> None:
    values, found = DISTRIBUTIONS[name], measure_samples(DISTRIBUTIONS[name][None])
    for kept in (Range(-0.5, 0.5), Range(-2, 4), Range(-1e9, 1e9)):
        outside = float(np.mean((values < kept.low) | (values > kept.high)))
        assert clipped_share(found, kept) == pytest.approx(outside, abs=2e-3)


def test_calibrators_depend_on_statistics_alone() -> None:
    found: TensorStatistics = measure_samples(DISTRIBUTIONS["normal"][None])
    for choose in CALIBRATORS.values():
        assert choose(found, Calibrate(), INT8) == choose(replace(found), Calibrate(), INT8)
