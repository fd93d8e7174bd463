"""Windows, medians and accuracies are what their definitions say."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.bench.gating import Span
from edgeq.bench.mlperf.accuracy import Scored, mean_results, score
from edgeq.bench.mlperf.energy import energy_samples, gate_windows
from edgeq.bench.mlperf.submission import accuracy_lines
from edgeq.bench.mlperf.windows import check_windows, enlarge, median_throughput
from edgeq.core.errors import DeviceError
from edgeq.core.records.mlperf import MlperfWindow
from edgeq.device.meters.trace import Mark, Trace


def window(seconds, inferences=100):
    return MlperfWindow(
        file="f",
        inferences=inferences,
        warmups=0,
        duration_s=seconds,
        host_s=seconds,
        answer_s=seconds,
    )


@given(st.integers(1, 10_000), st.floats(1e-6, 100.0))
def test_enough_inferences_fill_a_window_and_no_more_than_needed(count, seconds):
    chosen = enlarge(count, seconds)
    per = seconds / count
    assert chosen >= count
    if chosen < 1_000_000_000:
        assert chosen * per >= 10.0 * (1 - 1e-9)
    if chosen > count:
        assert (chosen - 1) * per <= 10.2 * (1 + 1e-9)


def test_a_clock_that_stands_still_asks_for_more():
    assert enlarge(1, 0.0) == 10


def test_exactly_five_windows_of_ten_seconds_are_valid():
    def broken(windows):
        return [r.rule for r in check_windows(windows, where=".") if not r.passed]

    assert broken([window(10.0)] * 5) == []
    assert len(broken([window(9.999)] + [window(10.0)] * 4)) == 1
    assert len(broken([window(10.0)] * 4)) == 1
    assert len(broken([])) == 2
    assert median_throughput([window(s) for s in (10, 20, 10, 40, 50)]) == pytest.approx(5.0)
    assert median_throughput([]) is None


def files(values, labels, classes):
    pairs = zip(values, labels, strict=True)
    return [Scored(f"f{i}", label, classes, tuple(v)) for i, (v, label) in enumerate(pairs)]


def test_one_value_a_file_is_a_score_of_an_anomaly():
    found = score(files([[0.1], [0.4], [0.35], [0.8]], [0, 0, 1, 1], 2))
    assert found.auc == pytest.approx(0.75)
    assert found.top1 is None
    assert found.classes == ()


def test_two_classes_have_both_figures():
    found = score(files([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]], [0, 0, 1, 1], 2))
    assert found.top1 == pytest.approx(75.0)
    assert found.auc == pytest.approx(0.75)


def test_a_class_without_a_file_leaves_no_area():
    found = score(files([[1, 0, 0], [0, 1, 0]], [0, 1], 3))
    assert found.auc is None
    assert [c.files for c in found.classes] == [1, 1, 0]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_top1_is_the_share_of_files_that_were_told_right(pairs):
    values = [[float(c == said) for c in range(4)] for said, _ in pairs]
    found = score(files(values, [label for _, label in pairs], 4))
    right = sum(said == label for said, label in pairs)
    assert found.top1 == pytest.approx(100 * right / len(pairs))
    assert sum(c.correct for c in found.classes) == right
    assert sum(c.files for c in found.classes) == len(pairs)


def test_results_of_another_length_are_refused():
    with pytest.raises(DeviceError, match="3 results, the dataset has 2"):
        score(files([[1, 0, 0]], [0], 2))
    with pytest.raises(DeviceError, match="different lengths"):
        mean_results([(1.0,), (1.0, 2.0)])
    assert mean_results([(1.0, 2.0), (3.0, 4.0)]) == (2.0, 3.0)


@pytest.mark.parametrize(("correct", "said"), [(57, "57.0"), (999, "99.9"), (849, "84.9")])
def test_a_figure_is_never_rounded_up(correct, said):
    count = 100 if correct < 100 else 1000
    labels = [0] * correct + [1] * (count - correct)
    lines = accuracy_lines(score(files([[1.0, 0.0]] * count, labels, 2)))
    assert f"Top 1% = {said}" in lines
    almost = accuracy_lines(score(files([[1.0, 0.0]] * 2000, [0] * 1699 + [1] * 301, 2)))
    assert "Top 1% = 84.9" in almost  # 84.95
    assert re.search(r"AUC = 0\.500", almost[-1])


def make_trace(marks):
    count = 3000
    time_s = np.arange(count) / 1000.0
    return Trace(
        meter="simulated meter", period_s=1e-3, voltage_v=2.0, time_s=time_s,
        current_a=np.full(count, 0.5), power_w=np.linspace(0.0, 3.0, count),
        clipped=np.zeros(count, np.bool_), marks=tuple(marks),
    )  # fmt: skip


def host(name, at):
    return Mark(at, name, "marker", 0.01)


def fall(at, channel="d7"):
    return Mark(at, channel, "falling", 0.0)


def test_a_window_lies_between_the_last_two_edges_of_its_inference():
    marks = [
        host("window 0 begin", 0.5), fall(0.1), fall(0.6), fall(0.7), fall(1.2),
        host("window 0 end", 1.19), host("window 1 begin", 1.5), fall(1.6), fall(2.0),
        host("window 1 end", 1.9),
    ]  # fmt: skip
    first, second = gate_windows(make_trace(marks), 2)
    assert (first.span.start_s, first.span.end_s, first.edges) == (0.7, 1.2, 3)
    assert (second.span.start_s, second.span.end_s, second.edges) == (1.6, 2.0, 2)


@pytest.mark.parametrize(
    ("marks", "complaint"),
    [
        ([host("window 0 begin", 0.5), fall(0.6), host("window 0 end", 1.0)], "1 edges"),
        ([host("window 0 begin", 0.5), fall(0.6), fall(0.8)], "holds 0 of 1 windows"),
        ([host("window 0 begin", 0.5), fall(0.6), fall(0.8, "d3"), host("window 0 end", 1.0)],
         "edges on d3, d7"),
    ],
)  # fmt: skip
def test_a_window_without_its_edges_gives_no_energy(marks, complaint):
    with pytest.raises(DeviceError, match=complaint):
        gate_windows(make_trace(marks), 1)


def test_the_samples_of_a_window_add_up_to_its_energy():
    trace = make_trace([])
    samples = energy_samples(trace, Span(0.5, 1.75))
    assert len(samples) == 1250
    inside = (trace.time_s >= 0.5) & (trace.time_s < 1.75)
    assert sum(samples) == pytest.approx(float(trace.power_w[inside].sum()) * 1e-3, rel=1e-6)
