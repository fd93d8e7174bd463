"""Metrics against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.convert import metrics
from edgeq.convert.judgement import METRICS, check_labels
from edgeq.core.errors import InputError


def test_sqnr_of_a_tenth_of_noise_is_20_db() -> None:
    assert metrics.sqnr_db(np.ones(8), np.full(8, 1.1)) == pytest.approx(20.0)


def test_sqnr_is_finite_at_its_ends() -> None:
    assert metrics.sqnr_db(np.ones(3), np.ones(3)) == 200.0
    assert metrics.sqnr_db(np.zeros(3), np.ones(3)) == -200.0


def test_top1_counts_the_largest() -> None:
    outputs = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])
    assert metrics.top1(outputs, np.array([1, 0, 0])) == pytest.approx(2 / 3)


def test_a_single_output_decides_at_one_half() -> None:
    assert metrics.decide(np.array([[0.4], [0.6]])).tolist() == [0, 1]


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=40))
def test_auc_is_the_share_of_ordered_pairs(samples: list[tuple[int, bool]]) -> None:
    scores = np.array([s for s, _ in samples], float)
    y = np.array([p for _, p in samples])
    if y.all() or not y.any():
        with pytest.raises(ValueError, match="positive"):
            metrics.auc(scores, y)
        return
    pairs = [(a > b) + (a == b) / 2 for a in scores[y] for b in scores[~y]]
    assert metrics.auc(scores, y) == pytest.approx(float(np.mean(pairs)))


def test_an_autoencoder_scores_by_its_error() -> None:
    x = np.array([[0.0, 0.0], [1.0, 1.0]])
    assert metrics.scores_of(x, np.zeros((2, 2))).tolist() == [0.0, 1.0]


def test_mae_is_the_mean_distance() -> None:
    assert metrics.mae(np.array([[1.0], [3.0]]), np.array([2.0, 5.0])) == 1.5


def test_cosine_is_that_of_all_outputs() -> None:
    r, v = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 2.5], [2.0, 4.0]])
    expected = np.sum(r * v) / np.sqrt(np.sum(r * r) * np.sum(v * v))
    assert metrics.cosine(r, v) == pytest.approx(expected)
    assert metrics.cosine(np.zeros(3), np.zeros(3)) == 1.0
    assert metrics.cosine(np.zeros(3), np.ones(3)) == 0.0


@given(st.integers(1, 30))
def test_sums_of_samples_give_the_same_sqnr(count: int) -> None:
    values = np.random.Generator(np.random.PCG64(count)).normal(size=(2, count, 3))
    sums = metrics.powers(values[0], values[1]).sum(axis=0)
    assert float(metrics.sqnr_of(sums)) == pytest.approx(metrics.sqnr_db(values[0], values[1]))


def test_average_precision_sums_precision_over_recall() -> None:
    scores, positive = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, False])
    assert metrics.average_precision(scores, positive) == pytest.approx((1 + 2 / 3) / 2)


def test_equal_scores_are_one_threshold() -> None:
    positive = np.array([True, False, False, False])
    assert metrics.average_precision(np.zeros(4), positive) == pytest.approx(0.25)


def test_mean_average_precision_takes_labels_and_sets_of_labels() -> None:
    outputs = np.array([[0.9, 0.1], [0.4, 0.6], [0.6, 0.4]])
    by_label = metrics.mean_average_precision(outputs, np.array([0, 1, 0]))
    by_set = metrics.mean_average_precision(outputs, np.array([[1, 0], [0, 1], [1, 0]]))
    assert by_label == by_set == 1.0


def test_a_class_without_positives_does_not_count() -> None:
    outputs = np.array([[0.9, 0.1, 0.5], [0.4, 0.6, 0.5]])
    assert metrics.mean_average_precision(outputs, np.array([0, 1])) == 1.0


def defined_precision(scores: metrics.Array, positive: metrics.Array) -> float:
    """Return the sum over falling thresholds of what recall gains, times the precision there."""
    total, recall, value = positive.sum(), 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        taken = scores >= threshold
        reached = positive[taken].sum() / total
        value += (reached - recall) * positive[taken].mean()
        recall = reached
    return float(value)


@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=40))
def test_average_precision_is_that_of_the_definition(samples: list[tuple[int, bool]]) -> None:
    scores = np.array([s for s, _ in samples], float)
    positive = np.array([p for _, p in samples])
    found = metrics.average_precision(scores, positive)
    if positive.any():
        assert found == pytest.approx(defined_precision(scores, positive))
    else:
        assert np.isnan(found)


def test_each_class_has_its_precision_and_its_positives() -> None:
    outputs = np.array([[0.9, 0.2, 0.1], [0.8, 0.3, 0.2], [0.1, 0.7, 0.3]])
    by_class = METRICS["map"].by_class
    assert by_class is not None
    found = by_class(outputs, np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0]]))
    assert [(f.label, f.positives, f.value) for f in found] == [
        (0, 2, pytest.approx((1 + 2 / 3) / 2)), (1, 2, 1.0), (2, 0, None)
    ]  # fmt: skip
    assert [(f.label, f.positives) for f in by_class(outputs[:, :1], np.array([0, 1, 1]))] == [
        (1, 2)
    ]


@pytest.mark.parametrize(
    ("metric", "y"),
    [
        ("auc", [1, 1]),
        ("map", [[0, 0, 0], [0, 0, 0]]),
        ("coco_map", [[[0, 0, 1, 1, 0, 1]], [[-1] * 6]]),
    ],
)
def test_labels_without_anything_to_find_are_told(metric: str, y: list[object]) -> None:
    outputs = np.zeros((2, 3))
    check_labels(metric, outputs, np.array(y))
    assert "needs" in METRICS[metric].lacks(outputs, np.array(y))


@pytest.mark.parametrize(
    "box",
    [
        [0, 0, 1, 1, 0],  # no sixth value
        [0, 0, 1, 1, 0.5, 0],  # half a class
        [0, 0, 1, 1, 0, 2],  # a crowd that is neither
        [0.5, 0, 0.4, 1, 0, 0],  # upside down
        [0, 0, float("inf"), 1, 0, 0],
        [0, 0, 1, 1, float("nan"), 0],
    ],
)
def test_labels_that_are_no_boxes_are_refused(box: list[float]) -> None:
    with pytest.raises(InputError, match="labels"):
        check_labels("coco_map", np.full((1, 1, 6), -1.0), np.array([[box]]))


FITTING = {
    "top1": [(3, [0, 1, 2]), (1, [0, 1]), (3, [0.0, 2.0])],
    "map": [(3, [0, 2]), (3, [[1, 0, 1], [0, 0, 0]]), (1, [1, 0])],
    "auc": [(3, [0, 7]), (1, [0.5, -1.0])],
    "mae": [(2, [[0.5, -9.0]]), (1, [3.5])],
}
UNFIT = {
    "top1": [(3, [0, 3]), (3, [-1, 0]), (1, [0, 2]), (3, [0.5]), (3, [[0, 1], [1, 0]])],
    "map": [(3, [0, 3]), (3, [[1, 0]]), (3, [[1, 0, 2]]), (3, [[1, 0, -1]]), (3, [[1, 0, 0.5]])],
    "auc": [(3, [[0, 1]])],
    "mae": [(3, [0.5]), (1, [[0.5, 1.0]])],
}


@pytest.mark.parametrize("metric", FITTING)
def test_labels_fit_a_metric_or_are_refused(metric: str) -> None:
    for outputs, y in FITTING[metric]:
        check_labels(metric, np.zeros((len(y), outputs)), np.array(y))
    for outputs, y in UNFIT[metric]:
        with pytest.raises(InputError, match="labels"):
            check_labels(metric, np.zeros((len(y), outputs)), np.array(y))
