"""Summaries of repeated runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.bench.statistics import explain_spread, summarise

_values = st.lists(st.floats(0, 1e6), min_size=1, max_size=200)


@given(_values)
def test_a_summary_lies_between_its_extremes(values: list[float]) -> None:
    s = summarise(values)
    assert s.minimum <= s.median <= s.maximum
    assert s.minimum <= s.mean * (1 + 1e-9)
    assert s.mean <= s.maximum * (1 + 1e-9) + 1e-12
    assert s.runs == len(values)


@given(_values)
def test_the_95th_percentile_covers_95_percent_of_the_runs(values: list[float]) -> None:
    p95 = summarise(values).p95
    assert p95 in values
    assert sum(v <= p95 for v in values) >= 0.95 * len(values)


def test_the_median_ignores_one_slow_run() -> None:
    assert summarise([1.0, 1.0, 1.0, 1.0, 100.0]).median == 1.0


def test_a_slow_first_run_and_a_wide_spread_are_said() -> None:
    assert explain_spread([10.0, 10.0, 10.0]) == ()
    assert "first run" in explain_spread([20.0, 10.0, 10.0, 10.0])[0]
    assert "spread" in explain_spread([8.0, 12.0, 10.0, 9.0, 11.0])[0]
    assert explain_spread([1.0, 2.0]) == ()


def test_nothing_to_summarise_is_an_error() -> None:
    with pytest.raises(ValueError, match="no median"):
        summarise([])
