"""Seconds of runs become a latency record; warm-up is counted, said and left out."""

from __future__ import annotations

import pytest

from edgeq.bench.latency import explain_latency, summarise_latency
from edgeq.bench.measurement import Measurement, latency_record
from tests.support.bench_data import virtual_board

STEADY = [10.0, 10.01, 9.99, 10.0, 10.02, 9.98, 10.0, 10.01, 9.99, 10.0]


def test_warmup_is_in_no_figure_and_counted() -> None:
    record = summarise_latency([20.0, 15.0, *STEADY], "measured")
    assert (record.runs, record.warmup_runs) == (10, 2)
    assert record.samples_s == tuple(STEADY)
    assert record.maximum_s == 10.02
    assert record.mean_s == pytest.approx(10.0)


def test_the_interval_and_the_extremes_enclose_the_median() -> None:
    record = summarise_latency(STEADY, "measured")
    assert record.minimum_s is not None
    assert record.low_s is not None
    assert record.high_s is not None
    assert record.minimum_s <= record.low_s <= record.median_s <= record.high_s


def test_warmup_is_said_with_its_cost() -> None:
    (note,) = explain_latency([0.020, *(0.001 * s for s in STEADY)])
    assert note == ("the first run is warm-up and left out of the figures: 20 ms against 10 ms")
    (note,) = explain_latency([20.0, 15.0, *STEADY])
    assert note.startswith("the first 2 runs are warm-up")


def test_a_deterministic_board_has_intervals_of_no_width_and_warns_of_nothing() -> None:
    runs = tuple({"instructions": 1010, "cycles": 1210} for _ in range(10))
    measured = Measurement(runs, {"instructions": 10, "cycles": 10}, (b"",), stack_bytes=0)
    record = latency_record(measured, virtual_board(), 120_000_000)
    assert record.low_s == record.median_s == record.high_s == record.minimum_s
    assert (record.warmup_runs, record.outliers) == (0, 0)
    assert len(record.samples_s) == record.runs == 10
    assert explain_latency(record.samples_s) == ()


def test_counts_are_of_the_runs_that_are_no_warmup() -> None:
    runs = [{"instructions": 2000, "cycles": 3000}] * 4
    runs += [{"instructions": 1000, "cycles": 1200}] * 6
    measured = Measurement(tuple(runs), {}, (b"",), stack_bytes=0)
    record = latency_record(measured, virtual_board(), 120_000_000)
    assert record.warmup_runs == 4
    assert (record.instructions, record.cycles) == (1000, 1200)
