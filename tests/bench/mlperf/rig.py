"""A rig around a fake board: datasets, sessions and a meter that sees the board's pin."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgeq.bench.mlperf.runs import Rig
from edgeq.bench.mlperf.tasks import find_task
from edgeq.device.meters.trace import Mark, Trace
from edgeq.device.mlperf.console import Console
from edgeq.device.mlperf.iomanager import IoManager, find_variant
from edgeq.device.mlperf.session import DutSession
from edgeq.device.mlperf.transcript import Transcript
from tests.device.mlperf.fake_board import FakeDut, FakeWire
from tests.support.io_manager import SimulatedIoManager

# Each task's window in bytes, where its files are cut.
WINDOWS = {"ad01": (2560, 512)}


def make_dataset(folder: Path, task: str, labels: list[int], *, windows: int = 3) -> Path:
    """Write a dataset whose files begin with their label; return the folder above it."""
    found = find_task(task)
    place = folder / found.dataset
    place.mkdir(parents=True)
    noise, rows = random.Random(7), []
    for index, label in enumerate(labels):
        size, stride = WINDOWS.get(task, (found.input_bytes, 0))
        count = size + stride * (windows - 1 if stride else 0)
        data = decibels(noise, count) if stride else bytes([label]) + noise.randbytes(count - 1)
        (place / f"f{index}.bin").write_bytes(data)
        cut = f",{size},{stride}" if stride else ""
        rows.append(f"f{index}.bin,{found.classes},{label}{cut}\n")
    (place / "y_labels.csv").write_text("".join(rows))
    return folder


def decibels(noise: random.Random, size: int) -> bytes:
    """Return a spectrogram of noise as anomaly detection has it: float32, in dB."""
    return np.array([noise.uniform(-60, 0) for _ in range(size // 4)], "<f4").tobytes()


def make_rig(dut: FakeDut, **options: object) -> Rig:
    """Return a rig that speaks to `dut` directly, on a clock that goes with the board's."""

    def open_session(log: Transcript) -> DutSession:
        return DutSession(Console(FakeWire(dut, tick_s=0.001), log))

    return Rig(open_session=open_session, **options)  # type: ignore[arg-type]


class PinMeter:
    """A meter of constant power with the board's pin on d7; its clock is the board's."""

    name = "pin meter (simulated)"
    gates = ("d7",)

    def __init__(self, dut: FakeDut, watts: float) -> None:
        self._dut, self._watts = dut, watts
        self._marks: list[Mark] = []
        self._first = 0
        self.closed = 0

    def start(self) -> None:
        """Begin at the board's present."""
        self._first, self._start = len(self._dut.edges), self._dut.clock_us

    def mark(self, name: str, *, at_s: float | None = None, uncertainty_s: float = 0.0) -> None:
        """Mark the board's present."""
        self._marks.append(Mark(self._now(), name, "marker", 1e-6))

    def stop(self) -> Trace:
        """Return a millisecond a sample, and a mark for each edge."""
        count = int(self._now() * 1000) + 1000
        edges = [
            Mark((us - self._start) / 1e6, "d7", "falling", 0.0)
            for us in self._dut.edges[self._first :]
        ]
        return Trace(
            meter=self.name,
            period_s=1e-3,
            voltage_v=2.0,
            time_s=np.arange(count) / 1000.0,
            current_a=np.full(count, self._watts / 2),
            power_w=np.full(count, self._watts),
            clipped=np.zeros(count, np.bool_),
            marks=tuple(sorted([*edges, *self._marks], key=lambda m: m.time_s)),
        )

    def close(self) -> None:
        """Count how often it is closed."""
        self.closed += 1

    def _now(self) -> float:
        return (self._dut.clock_us - self._start) / 1e6


def energy_rig(dut: FakeDut, watts: float = 0.01, *, managed: bool = True) -> Rig:
    """Return a rig with a meter, and an IO manager between host and board."""

    def open_session(log: Transcript) -> DutSession:
        other = SimulatedIoManager(dut) if managed else dut
        stream = FakeWire(other, tick_s=0.001)  # type: ignore[arg-type]
        console = Console(stream, log, clock=lambda: dut.clock_us / 1e6 + stream.now)
        if not managed:
            return DutSession(console, chunk=26)
        variant = find_variant("stm32h573i-dk")
        return DutSession(IoManager(console, dut_baud=9600, variant=variant), chunk=26)

    return Rig(open_session=open_session, open_meter=lambda: PinMeter(dut, watts), isolated=managed)


def by_first_byte(classes: int, wrong: Callable[[int], bool] = lambda label: False):
    """Return a model that tells the first byte of its input, but for labels that are `wrong`."""

    def results(data: bytes) -> list[float]:
        label = data[0] % classes
        said = (label + 1) % classes if wrong(label) else label
        return [0.9 if c == said else 0.1 / (classes - 1) for c in range(classes)]

    return results
