"""The interval of the energy covers the truth as often as it says: 1,000 simulated recordings."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.bench.energy import measure_energy
from edgeq.device.meters.trace import Mark, Trace
from tests.support.traces import edges, trace_of

RUNS = 1000
PERIOD_S = 1e-3
WINDOW, IDLE = 40, 20
ACTIVE_W, IDLE_W, NOISE_W, SPREAD, JITTER_S = 0.030, 0.002, 0.003, 0.02, 2e-4
TRUTH_J = ACTIVE_W * WINDOW * PERIOD_S
"""The median energy of a window: its factor is log-normal, with a median of 1."""


def _record(rng: np.random.Generator, windows: int) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """Return watts of each sample, and where the windows are."""
    step = WINDOW + IDLE
    power = np.full(windows * step + IDLE, IDLE_W)
    spans = []
    for index in range(windows):
        first = IDLE + index * step
        power[first : first + WINDOW] = ACTIVE_W * np.exp(rng.normal(0, SPREAD))
        spans.append((first * PERIOD_S, (first + WINDOW) * PERIOD_S))
    return power + rng.normal(0, NOISE_W, len(power)), spans


def _by_channel(rng: np.random.Generator, windows: int) -> Trace:
    power, spans = _record(rng, windows)
    return trace_of(power, marks=edges("d0", [t for span in spans for t in span]))


def _by_marker(rng: np.random.Generator, windows: int) -> Trace:
    """Markers are off by up to `JITTER_S`, either way, and say so."""
    power, spans = _record(rng, windows)
    marks = [
        Mark(t + rng.uniform(-JITTER_S, JITTER_S), f"window {i} {end}", "marker", JITTER_S)
        for i, span in enumerate(spans)
        for end, t in zip(("begin", "end"), span, strict=True)
    ]
    return trace_of(power, marks=marks)


@pytest.mark.parametrize("windows", [5, 7, 12])
@pytest.mark.parametrize("gate", ["d0", "marker"])
def test_the_interval_of_the_energy_covers_the_truth_in_93_to_97_percent_of_runs(
    gate: str, windows: int
) -> None:
    rng = np.random.default_rng(windows)
    draw = _by_channel if gate == "d0" else _by_marker
    covered = 0
    for _ in range(RUNS):
        record = measure_energy(draw(rng, windows), gate, inferences=1, windows=windows)
        assert record.low_j is not None
        assert record.high_j is not None
        covered += record.low_j <= TRUTH_J <= record.high_j
    assert 0.93 <= covered / RUNS <= 0.97
