"""Host clock to meter clock: within the stated uncertainty, whatever drift and delay there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.device.meters.clock import fit_clock, place_marks
from edgeq.device.meters.trace import Mark


@settings(deadline=None)
@given(
    seed=st.integers(0, 1000),
    skew=st.floats(-5e-3, 5e-3),
    span=st.floats(0.05, 600),
    jitter=st.floats(1e-5, 0.05),
)
def test_the_truth_lies_within_the_stated_uncertainty(
    seed: int, skew: float, span: float, jitter: float
) -> None:
    random = np.random.default_rng(seed)
    meter = np.sort(random.uniform(0, span, 400))
    host = 1000 + meter * (1 + skew) + 5e-4 + random.exponential(jitter, 400)
    clock = fit_clock(meter, host)
    moment = random.uniform(0, span, 50)
    found = np.array([clock.to_meter(1000 + m * (1 + skew)) for m in moment])
    assert np.abs(found - moment).max() <= clock.uncertainty_s
    assert clock.uncertainty_s <= 1e-3 + 8 * jitter + abs(skew) * 1.1


def test_one_chunk_is_enough() -> None:
    clock = fit_clock(np.array([0.5]), np.array([100.5]))
    assert clock.to_meter(101.0) == pytest.approx(1.0)


def test_a_clock_that_no_meter_has_is_not_believed() -> None:
    meter = np.linspace(0, 10, 100)
    clock = fit_clock(meter, 50 + 2 * meter)
    assert clock.rate == 1.0
    assert clock.uncertainty_s > 9


def test_markers_get_the_uncertainties_of_all_their_parts() -> None:
    clock = fit_clock(np.array([0.0, 1.0]), np.array([10.0, 11.0]))
    (mark,) = place_marks(clock, (Mark(10.25, "begin", "marker", 0.5),), 0.125)
    assert mark.time_s == pytest.approx(0.25)
    assert mark.uncertainty_s == pytest.approx(0.5 + 0.125 + clock.uncertainty_s)
    assert place_marks(None, (mark,), 0.1) == ()
