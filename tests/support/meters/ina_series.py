"""The `INA_Series_Sensor` bridge: commands in, a JSON line a sample out, with `seq` and `t_ms`."""

from __future__ import annotations

import numpy as np

from tests.support.meters.faults import CLEAN, Faults
from tests.support.meters.signals import Floats, Signal
from tests.support.meters.streaming import StreamingMeter, diffuse

BUS_STEP_V = 195.3125e-6


class InaSeries(StreamingMeter):
    """An INA228 at `bus_v`; its current register has steps of IMAX / 2^19.

    `t_ms` starts at `first_ms`, near 2^32 to make it wrap.
    """

    block = 64

    def __init__(
        self,
        signal: Signal,
        faults: Faults = CLEAN,
        *,
        realtime: bool = False,
        bus_v: float = 3.3,
        first_ms: int = 5000,
    ) -> None:
        super().__init__(signal, 10, faults, realtime)
        self.bus_v, self.imax_a, self.rshunt_ohm = bus_v, 10.0, 0.1
        self.commands: list[str] = []
        self._first_ms, self._seq = first_ms, 0
        self._heard = b""
        self._carry = 0.0

    @property
    def step_a(self) -> float:
        """Amperes of one step of the current register."""
        return self.imax_a / 2**19

    def hear(self, data: bytes) -> bytes:
        """Obey commands, a line each; each is answered with a JSON line."""
        *lines, self._heard = (self._heard + data).split(b"\n")
        answers = [self._obey(line.decode("ascii", "replace").strip()) for line in lines]
        return b"".join(answer.encode() + b"\r\n" for answer in answers if answer)

    def _obey(self, line: str) -> str:
        self.commands.append(line)
        name, _, argument = line.upper().partition(" ")
        if not line:
            return ""
        if name == "PING":
            return '{"v":1,"type":"PONG"}'
        if name == "DIAG":
            return '{"v":1,"type":"DIAG","msg":"INA228 ok"}'
        if name in ("START", "STOP"):
            self._seq = self._seq if name == "STOP" else 0
            self._carry = 0.0
            (self.begin if name == "START" else self.halt)()
            return f'{{"v":1,"type":"ACK","cmd":"{name}"}}'
        if name == "SR":
            self.rate_hz = min(max(int(argument), 1), 400)
            return f'{{"v":1,"type":"ACK","cmd":"SR","hz":{self.rate_hz}}}'
        if name == "IMAX":
            self.imax_a = float(argument)
            return f'{{"v":1,"type":"ACK","cmd":"IMAX","A":{self.imax_a:.6f}}}'
        if name == "RSHUNT":
            self.rshunt_ohm = float(argument)
            return f'{{"v":1,"type":"ACK","cmd":"RSHUNT","ohm":{self.rshunt_ohm:.6f}}}'
        return f'{{"v":1,"type":"ERR","msg":"Unknown cmd","line":"{line}"}}'

    def encode(self, first: int, current: Floats, kept: np.ndarray, clipped: np.ndarray) -> bytes:
        """Return a JSON line a sample; a clipped one has the register's largest value."""
        top = 2**19 - 1
        codes, self._carry = diffuse(current / self.step_a, self._carry)
        codes = np.where(clipped, top, np.clip(codes, -top - 1, top))
        volts = round(self.bus_v / BUS_STEP_V) * BUS_STEP_V
        lines = []
        for offset, code in enumerate(codes.tolist()):
            ms = (self._first_ms + round(1000 * (first + offset) / self.rate_hz)) % 2**32
            amps = code * self.step_a
            line = (
                f'{{"v":1,"chip":"INA228","addr":"0x40","seq":{first + offset},"t_ms":{ms},'
                f'"bus_V":{volts:.6f},"shunt_uV":{amps * self.rshunt_ohm * 1e6:.1f},'
                f'"current_A":{amps:.6f},"power_W":{amps * volts:.6f}}}\r\n'
            )
            lines += [line] if kept[offset] else []
        return "".join(lines).encode()
