"""edgeq's own bridge to an INA219, 226 or 228, as firmware_templates/ina-bridge defines it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from tests.support.meters.faults import CLEAN, Faults
from tests.support.meters.signals import Floats, Signal
from tests.support.meters.streaming import StreamingMeter, diffuse

SHUNT_OHM, MAX_A = 0.1, 1.6
JITTER_US = 90
"""How late the sketch's loop may come to a sample."""


@dataclass(frozen=True)
class Chip:
    """What the sketch says of a chip: bits of its current, picovolts a step of its bus voltage."""

    name: str
    bits: int
    bus_pv: int
    shunt_end_v: float
    accumulates: bool

    @property
    def step_a(self) -> float:
        """Amperes of one step of the current register."""
        return MAX_A / 2**self.bits

    @property
    def end_a(self) -> float:
        """The current at the end of the range."""
        return min(self.shunt_end_v / SHUNT_OHM, MAX_A)


CHIPS = {
    "INA219": Chip("INA219", 15, 4_000_000_000, 0.32, False),
    "INA226": Chip("INA226", 15, 1_250_000_000, 0.08192, False),
    "INA228": Chip("INA228", 19, 195_312_500, 0.16384, True),
}
NO_CHIP = Chip("none", 15, 0, 0.0, False)


class InaBridge(StreamingMeter):
    """The sketch. `gate`: spans (start s, end s) in which the gate is high.

    `first_us` is what micros() says at START, near 2^32 to make it wrap; `first_energy` is what
    the accumulator holds then. `missed` edges are told with the first edge line.
    """

    block = 64

    def __init__(
        self,
        signal: Signal,
        faults: Faults = CLEAN,
        *,
        chip: str = "INA228",
        realtime: bool = False,
        bus_v: float = 3.3,
        gate: Sequence[tuple[float, float]] = (),
        missed: int = 0,
        first_us: int = 2**32 - 300_000,
        first_energy: int = 2**32 - 1000,
        hello: bytes | None = None,
    ) -> None:
        super().__init__(signal, 400, faults, realtime)
        self.chip = CHIPS.get(chip, NO_CHIP)
        self.bus_v, self.commands = bus_v, list[str]()
        self._edges = sorted(
            (t, level) for span in gate for t, level in zip(span, (1, 0), strict=True)
        )
        self._missed, self._first_us, self._first_energy = missed, first_us, first_energy
        self._hello = hello
        self._heard = b""
        self._sequence = self._edge = 0
        self._carry = 0.0

    @property
    def period_us(self) -> int:
        """Microseconds between samples."""
        return round(1e6 / self.rate_hz)

    @property
    def bus_steps(self) -> int:
        """The bus register."""
        return round(self.bus_v * 1e12 / self.chip.bus_pv)

    def hear(self, data: bytes) -> bytes:
        """Obey commands, a line each; what is no command is not answered."""
        *lines, self._heard = (self._heard + data.replace(b"\r", b"\n")).split(b"\n")
        return b"".join(self._obey(line.decode("ascii", "replace")) for line in lines)

    def _obey(self, line: str) -> bytes:
        if line:
            self.commands.append(line)
        if line == "HELLO":
            return self._say_hello() if self._hello is None else self._hello
        if line.startswith("PERIOD "):
            self.rate_hz = 1e6 / min(max(int(line[7:]), 1000), 1_000_000)
            return frame(f"#period,{self.period_us}")
        if line == "START":
            self._sequence = self._edge = 0
            self._carry = 0.0
            self.begin()
            return frame("#start")
        if line == "STOP":
            self.halt()
            return frame("#stop")
        return b""

    def _say_hello(self) -> bytes:
        chip = self.chip
        return frame(
            f"#ina-bridge,1,{chip.name},{chip.step_a * 1e12:.0f},{chip.bus_pv},"
            f"{int(chip.end_a * 1e6)},{int(chip.accumulates)},{self.period_us}"
        )

    def ends_us(self, first: int, count: int) -> np.ndarray:
        """Return when samples first, ... are read, in us of the bridge's clock since START."""
        index = np.arange(first, first + count)
        # Late by 0 to JITTER_US, with a pattern that does not repeat soon.
        late = (index * 7919 % 1009) * JITTER_US // 1009
        return (index + 1) * self.period_us + np.where(index < 0, 0, late)

    def encode(self, first: int, current: Floats, kept: np.ndarray, clipped: np.ndarray) -> bytes:
        """Return the lines of samples first, ..., and of the edges before each of them.

        The sketch reads at times of its own, so that the current is taken from the signal anew.
        """
        chip, clock = self.chip, 1 + self.faults.clock_ppm * 1e-6
        ends = self.ends_us(first - 1, len(kept) + 1)
        edges = ends / clock * 1e-6
        codes, self._carry = diffuse(self.signal.means(edges) / chip.step_a, self._carry)
        top = min(round(chip.end_a / chip.step_a), 2**chip.bits - 1)
        codes = np.clip(np.where(clipped, top, codes), -top, top)
        lines = []
        for offset, code in enumerate(codes.tolist()):
            lines.append(self._edges_before(float(edges[offset + 1]), clock))
            line = self._sample(int(ends[offset + 1]), float(edges[offset + 1]), code)
            lines += [line] if kept[offset] else []
        return b"".join(lines)

    def _sample(self, end_us: int, end_s: float, code: int) -> bytes:
        charge = self.signal.charge_c(0, end_s)
        energy, charges = 0, 0
        if self.chip.accumulates:
            volts = self.bus_steps * self.chip.bus_pv * 1e-12
            energy = self._first_energy + math.floor(charge * volts / (51.2 * self.chip.step_a))
            charges = math.floor(charge / self.chip.step_a)
        text = f"s,{self._count()},{(self._first_us + end_us) % 2**32},{self.bus_steps},{code}"
        return frame(f"{text},{energy % 2**32},{charges % 2**32}")

    def _edges_before(self, end_s: float, clock: float) -> bytes:
        lines = b""
        while self._edge < len(self._edges) and self._edges[self._edge][0] < end_s:
            moment, level = self._edges[self._edge]
            at = (self._first_us + round(moment * 1e6 * clock)) % 2**32
            missed = self._missed if self._edge == 0 else 0
            lines += frame(f"e,{self._count()},{at},{level},{missed}")
            self._edge += 1
        return lines

    def _count(self) -> int:
        self._sequence += 1
        return (self._sequence - 1) % 65536


def frame(text: str) -> bytes:
    """Return a line: the text, '*', the XOR of its bytes in two hex digits, and LF."""
    return f"{text}*{reduce(int.__xor__, text.encode(), 0):02X}\n".encode()
