"""A Nordic Power Profiler Kit II: opcodes in, metadata text and 100,000 samples a second out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from tests.support.meters.faults import CLEAN, Faults
from tests.support.meters.signals import Floats, Signal
from tests.support.meters.streaming import StreamingMeter, diffuse

RATE_HZ = 100_000
ADC_VOLT = 1.8 / 163840
FULL_SCALE = (1 << 14) - 1
RANGE_TOP_A = (50e-6, 500e-6, 5e-3, 60e-3)
"""The current above which the next range is used; the last range goes to 1 A."""
ARGUMENTS = {
    0x02: 1, 0x03: 2, 0x04: 2, 0x08: 1, 0x09: 1, 0x0C: 1, 0x0D: 2, 0x0E: 1, 0x0F: 1, 0x11: 1,
    0x12: 1, 0x25: 5,
}  # fmt: skip
"""Bytes that follow an opcode, where any do."""
START, STOP, POWER, REGULATOR, MODE, METADATA, RESET = 0x06, 0x07, 0x0C, 0x0D, 0x11, 0x19, 0x20


@dataclass(frozen=True)
class Calibration:
    """The constants of one kit, a value a range: resistance in ohm, gains, offsets.

    Not the defaults of a kit without calibration: a host that ignores the metadata is off by 1 %
    and more.
    """

    r: tuple[float, ...] = (1020.5, 102.75, 10.325, 0.9525, 0.04375)
    gs: tuple[float, ...] = (0.25, 0.5, 0.75, 0.0, 0.0)
    gi: tuple[float, ...] = (1.0125, 0.9875, 1.0, 1.015, 0.985)
    o: tuple[float, ...] = (112.5, 98.25, 87.75, 95.5, 110.0)
    s: tuple[float, ...] = (2e-8, 5e-8, 4e-7, 1.5e-6, 8e-5)
    i: tuple[float, ...] = (-1e-7, -2e-7, 1e-6, 1.25e-5, 2.5e-4)
    ug: tuple[float, ...] = (1.0, 1.01, 0.99, 1.0, 1.005)

    def current(self, code: np.ndarray, span: np.ndarray, vdd_mv: float) -> Floats:
        """Return the current that ADC codes (0..16383) of ranges `span` (0..4) stand for, A."""
        r, gs, gi, o, s, i, ug = (
            np.asarray(values)[span]
            for values in (self.r, self.gs, self.gi, self.o, self.s, self.i, self.ug)
        )
        linear = (4 * code - o) * ADC_VOLT / r
        return ug * (linear * (gs * linear + gi) + s * vdd_mv / 1000 + i)

    def level(self, current: Floats, span: int, vdd_mv: float) -> Floats:
        """Return the ADC level, not yet an integer, that a current gives in a range."""
        wanted = current / self.ug[span] - self.s[span] * vdd_mv / 1000 - self.i[span]
        gs, gi = self.gs[span], self.gi[span]
        linear = wanted / gi if gs == 0 else (np.sqrt(gi * gi + 4 * gs * wanted) - gi) / (2 * gs)
        return (linear * self.r[span] / ADC_VOLT + self.o[span]) / 4

    def step_a(self, span: int) -> float:
        """Return the current of one ADC step in a range, A."""
        return 4 * ADC_VOLT / self.r[span] * self.gi[span] * self.ug[span]

    def text(self, vdd_mv: int, mode: int) -> str:
        """Return the metadata: a `key: value` a line, then END."""
        rows: Sequence[tuple[str, Sequence[float]]] = (
            ("R", self.r), ("GS", self.gs), ("GI", self.gi), ("O", self.o), ("S", self.s),
            ("I", self.i), ("UG", self.ug),
        )  # fmt: skip
        lines = [
            f"{key}{n}: {value:.12f}" for key, values in rows for n, value in enumerate(values)
        ]
        head, tail = ["Calibrated: 0"], [f"VDD: {vdd_mv}", "HW: 9173", f"mode: {mode}", "IA: 56"]
        return "\n".join([*head, *lines, *tail, "END"]) + "\n"


@dataclass
class Settings:
    """What the host has set."""

    vdd_mv: int = 3000
    mode: int = 0
    powered: bool = False
    commands: list[bytes] = field(default_factory=list)


class Ppk2(StreamingMeter):
    """The kit. `gates`: digital channel (0..7) -> spans (start s, end s) in which it is high.

    The signal flows while the host has the DUT's power on; else the meter sees nothing.
    """

    def __init__(
        self,
        signal: Signal,
        faults: Faults = CLEAN,
        *,
        realtime: bool = False,
        gates: Mapping[int, Sequence[tuple[float, float]]] | None = None,
        calibration: Calibration | None = None,
        metadata: bytes | None = None,
    ) -> None:
        super().__init__(signal, RATE_HZ, faults, realtime)
        self.calibration = calibration or Calibration()
        self.set = Settings()
        self._gates = dict(gates or {})
        self._metadata = metadata
        self._heard = b""
        self._carry = 0.0

    def hear(self, data: bytes) -> bytes:
        """Obey opcodes; a PPK2 answers to 0x19 alone."""
        self._heard += data
        answer = b""
        while self._heard and len(self._heard) > ARGUMENTS.get(self._heard[0], 0):
            size = 1 + ARGUMENTS.get(self._heard[0], 0)
            command, self._heard = self._heard[:size], self._heard[size:]
            answer += self._obey(command)
        return answer

    def _obey(self, command: bytes) -> bytes:
        self.set.commands.append(command)
        opcode = command[0]
        if opcode == START:
            self._carry = 0.0
            self.begin()
        elif opcode in (STOP, RESET):
            self.halt()
        elif opcode == POWER:
            self.set.powered = command[1] == 1
        elif opcode == REGULATOR:
            self.set.vdd_mv = 800 - 32 + (command[1] - 3) * 256 + command[2]
        elif opcode == MODE:
            self.set.mode = command[1]
        elif opcode == METADATA:
            text = self.calibration.text(self.set.vdd_mv, self.set.mode).encode()
            return text if self._metadata is None else self._metadata
        return b""

    def encode(self, first: int, current: Floats, kept: np.ndarray, clipped: np.ndarray) -> bytes:
        """Return 4 bytes a sample: ADC 0-13, range 14-16, counter 18-23, digital 24-31."""
        code, span = self.quantise(current * self.set.powered)
        code = np.where(clipped, FULL_SCALE, code)
        counter = (first + np.arange(len(code))) % 64
        word = code | span << 14 | counter << 18 | self._digital(first, len(code)) << 24
        return word[kept].astype("<u4").tobytes()

    def quantise(self, current: Floats) -> tuple[np.ndarray, np.ndarray]:
        """Return the ADC codes and the ranges of a current, each of shape (n,)."""
        # A kit does not change its range for a rounding error.
        span = np.searchsorted(RANGE_TOP_A, current * (1 - 1e-9), side="left")
        code = np.zeros(len(current), dtype=np.int64)
        edges = np.flatnonzero(np.diff(span, prepend=-1, append=-1))
        for start, end in pairwise(edges.tolist()):
            here = slice(start, end)
            levels = self.calibration.level(current[here], int(span[start]), self.set.vdd_mv)
            code[here], self._carry = diffuse(levels, self._carry if start == 0 else 0.0)
        return np.clip(code, 0, FULL_SCALE), span

    def _digital(self, first: int, count: int) -> np.ndarray:
        times = (first + np.arange(count)) / self.true_rate_hz
        bits = np.zeros(count, dtype=np.int64)
        for channel, spans in self._gates.items():
            for start, end in spans:
                bits |= ((times >= start) & (times < end)).astype(np.int64) << channel
        return bits
