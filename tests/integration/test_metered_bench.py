"""A virtual board benched with a simulated PPK2 on a serial port: bytes on the wire to joules."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.cli.app import run
from edgeq.device.meters.replay import read_trace
from edgeq.device.session import BoardSession
from edgeq.graph.writer import write_graph
from tests.support.meters.faults import CLEAN, Faults, Span
from tests.support.meters.ppk2 import Ppk2
from tests.support.meters.signals import Floats
from tests.support.meters.wire import Plug, plugged_in
from tests.support.small_cnn import small_cnn

ACTIVE_A, IDLE_A, VOLTS = 10e-3, 2e-3, 3.0


@dataclass
class Activity:
    """When the board was busy, on the host's clock; the last span may still be open.

    Moments are taken and read under one lock: whoever has read up to now has missed none.
    """

    spans: list[list[float]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    batches: list[int] = field(default_factory=list)
    on_begin: Callable[[int], None] = lambda times: None

    def begin(self, runs: int) -> None:
        """The board is busy from now on; `on_begin` hears how often with as many runs."""
        self.batches.append(runs)
        self.on_begin(self.batches.count(runs))
        with self.lock:
            self.spans.append([time.monotonic()])

    def end(self) -> None:
        """The board is idle from now on."""
        with self.lock:
            self.spans[-1].append(time.monotonic())

    def busy(self, moments: Floats) -> Floats:
        """Return for how much of the time between neighbouring moments it was busy, 0..1."""
        busy = np.zeros(len(moments) - 1)
        with self.lock:
            for first, *end in self.spans:
                last = end[0] if end else np.inf
                inside = np.minimum(moments[1:], last) - np.maximum(moments[:-1], first)
                busy += np.clip(inside, 0, None)
        return busy / np.diff(moments)


class LiveSignal:
    """The current that a board draws while it is watched; `started_at` is the meter's second 0."""

    end_s = 3600.0

    def __init__(self, activity: Activity) -> None:
        self.activity = activity
        self.started_at = 0.0

    def busy(self, edges_s: Floats) -> Floats:
        """Return for how much of the time between neighbouring edges the board was busy, 0..1."""
        return self.activity.busy(edges_s + self.started_at)

    def means(self, edges_s: Floats) -> Floats:
        """Return the mean current between neighbouring edges."""
        return IDLE_A + (ACTIVE_A - IDLE_A) * self.busy(edges_s)


class WatchingKit(Ppk2):
    """A PPK2 whose current and channel 0 follow what the board does, as it does it."""

    def __init__(self, activity: Activity, faults: Faults = CLEAN) -> None:
        self.live = LiveSignal(activity)
        super().__init__(self.live, faults, realtime=True)

    def begin(self) -> None:
        """Start a recording."""
        super().begin()
        self.live.started_at = self.started_at

    def await_sent(self) -> None:
        """Wait until all is sent that was to be seen up to now; a busy computer lets it wait."""
        now_s = time.monotonic() - self.started_at
        while self.position / self.true_rate_hz < now_s:
            time.sleep(0.01)

    def _digital(self, first: int, count: int) -> np.ndarray:
        edges = (first + np.arange(count + 1)) / self.true_rate_hz
        return (self.live.busy(edges) > 0.5).astype(np.int64)


@pytest.fixture
def activity(monkeypatch: pytest.MonkeyPatch) -> Activity:
    """Watch every batch of inferences of any board."""
    seen = Activity()
    invoke = BoardSession.invoke_quietly

    def watched(self: BoardSession, runs: int, *, timeout_s: float) -> None:
        if not runs:
            return invoke(self, runs, timeout_s=timeout_s)
        seen.begin(runs)
        invoke(self, runs, timeout_s=timeout_s)
        seen.end()
        return None

    monkeypatch.setattr(BoardSession, "invoke_quietly", watched)
    return seen


@pytest.fixture
def model(tmp_path: Path) -> str:
    pytest.importorskip("ziglang")
    path = tmp_path / "small.tflite"
    path.write_bytes(write_graph(small_cnn()))
    return str(path)


def bench(model: str, plug: Plug, folder: Path, *more: str) -> int:
    """Bench on the virtual board with five short windows."""
    short = ["--window-seconds", "0.2", "--idle-seconds", "0.2", "--no-layers"]
    meter = ["--meter", f"ppk2:{plug.path},voltage=3.0", "--keep-trace", str(folder / "kept.npz")]
    return run(["bench", model, "--board", "virt-m4", *meter, *short, "--format", "json", *more])


def read_energy(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)["energy"]
    return found


def truth(activity: Activity, inferences: int) -> float:
    """Return the median joules of an inference in the last five batches."""
    joules = sorted((b - a) * ACTIVE_A * VOLTS / inferences for a, b in activity.spans[-5:])
    return joules[2]


def test_marker_gating_finds_the_energy_within_what_it_says_it_may_be_wrong(
    model: str, activity: Activity, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with plugged_in(WatchingKit(activity)) as plug:
        assert bench(model, plug, tmp_path, "--gate", "marker") == 0
    energy = read_energy(capsys)
    (inferences,) = {w["inferences"] for w in energy["windows"]}
    assert energy["kind"] == "simulated"
    assert energy["source"].startswith("Nordic PPK2 (source mode) (simulated), host markers")
    assert abs(energy["per_inference_j"] - truth(activity, inferences)) <= energy["uncertainty_j"]
    if energy["idle_w"] is None:  # markers so uncertain on a busy computer say that of themselves
        assert "no idle window: the idle power is not known" in energy["warnings"]
    else:
        assert energy["idle_w"] == pytest.approx(IDLE_A * VOLTS, rel=1e-3)
    assert energy["meter"]["lost_samples"] == 0
    assert energy["complete"] is True


def test_a_gate_on_a_digital_channel_is_found_and_closer_to_the_truth(
    model: str, activity: Activity, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with plugged_in(WatchingKit(activity)) as plug:
        assert bench(model, plug, tmp_path) == 0
    energy = read_energy(capsys)
    (inferences,) = {w["inferences"] for w in energy["windows"]}
    assert energy["gating"] == "channel"
    assert "gate d0" in energy["source"]
    assert energy["per_inference_j"] == pytest.approx(truth(activity, inferences), rel=1e-3)
    assert energy["uncertainty_j"] < 1e-3 * energy["per_inference_j"]


def test_lost_and_clipped_samples_reach_the_result(
    model: str, activity: Activity, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    every = range(5_000, 1_000_000, 10_000)
    lost = tuple(Span(first, 30) for first in every)
    clipped = tuple(Span(first + 1_000, 5) for first in every)
    with plugged_in(WatchingKit(activity, Faults(lost=lost, clipped=clipped))) as plug:
        assert bench(model, plug, tmp_path) == 0
    energy = read_energy(capsys)
    gaps = energy["meter"]["gaps"]
    assert gaps >= 8
    # The counter of the kit tells a loss modulo 64; on a busy host the rest is a guess.
    assert energy["meter"]["lost_samples"] >= 30 * gaps
    assert (energy["meter"]["lost_samples"] - 30 * gaps) % 64 == 0
    assert abs(energy["meter"]["clipped_samples"] - 5 * gaps) <= 5
    for window in energy["windows"]:
        share = window["duration_s"] / 0.1
        assert window["lost_samples"] >= 30 * (share - 1)
        assert 5 * (share - 1) <= window["clipped_samples"] <= 5 * (share + 1)
    assert sum("lost" in w and "bridged" in w for w in energy["warnings"]) == 5
    assert any("are clipped: the energy is at least this" in w for w in energy["warnings"])


def test_a_kit_unplugged_in_mid_run_leaves_with_5_and_what_it_recorded(
    model: str, activity: Activity, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kit = WatchingKit(activity)
    with plugged_in(kit) as plug:

        def pull(times: int) -> None:
            # No trial has as many inferences three times: it is the third window.
            if times == 3:
                kit.await_sent()
                plug.pull()

        activity.on_begin = pull
        assert bench(model, plug, tmp_path) == 5
    out = capsys.readouterr()
    energy = json.loads(out.out)["energy"]
    assert energy["complete"] is False
    assert 1 <= len(energy["windows"]) <= 2
    assert "kept.npz" in out.err
    assert read_trace(tmp_path / "kept.npz").fault
