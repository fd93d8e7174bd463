"""An STM32 Power Shield (X-NUCLEO-LPM01A): text commands in, text or binary samples out."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Sequence

import numpy as np

from tests.support.meters.faults import CLEAN, Faults
from tests.support.meters.signals import Floats, Signal
from tests.support.meters.streaming import StreamingMeter

FREQUENCIES = ("100k", "50k", "20k", "10k", "5k", "2k", "1k", "500", "200", "100", "50", "20",
               "10", "5", "2", "1")  # fmt: skip
NUMBER = re.compile(r"(\d+)([umk]?|[-+]\d{1,2})")
COMMANDS: dict[str, re.Pattern[str]] = {
    "htc": re.compile(""),
    "hrc": re.compile(""),
    "psrst": re.compile(""),
    "powershield": re.compile(""),
    "version": re.compile(""),
    "range": re.compile(""),
    "status": re.compile(""),
    "calib": re.compile(""),
    "temp": re.compile("(deg[cf])?"),
    "lcd": re.compile(r'[12] ".{0,16}"'),
    "volt": re.compile(rf"get|{NUMBER.pattern}"),
    "freq": re.compile("|".join(FREQUENCIES)),
    "acqtime": re.compile(rf"inf|{NUMBER.pattern}"),
    "acqmode": re.compile("dyn|stat"),
    "funcmode": re.compile("optim|high"),
    "output": re.compile("current|energy"),
    "format": re.compile("ascii_dec|bin_hexa"),
    "trigsrc": re.compile("sw|d7"),
    "trigdelay": NUMBER,
    "currthres": NUMBER,
    "eventsrc": re.compile("d7 (ris|fal)"),
    "pwr": re.compile("(auto|on|off|get)( (no)?status)?"),
    "pwrend": re.compile("on|off"),
    "targrst": NUMBER,
    "start": re.compile(""),
    "stop": re.compile(""),
}
"""Every command, and what its arguments must match."""
SCALE = {"": "0", "u": "-6", "m": "-3", "k": "3"}
TOP_A = 50e-3
"""The most that the shield can show."""


class Lpm01a(StreamingMeter):
    """The shield. `events`: seconds at which its trigger input sees an edge.

    `stamp_every`: samples between two time stamps; the first comes before sample 0. Firmware
    before 1.0.6 (`firmware`) knows neither `eventsrc` nor `pwr off`.
    """

    def __init__(
        self,
        signal: Signal,
        faults: Faults = CLEAN,
        *,
        realtime: bool = False,
        events: Sequence[float] = (),
        stamp_every: int = 1000,
        firmware: str = "1.0.6",
    ) -> None:
        super().__init__(signal, 100, faults, realtime)
        self.settings = {
            "volt": "3300m", "freq": "100", "acqtime": "10", "acqmode": "dyn", "output": "current",
            "format": "ascii_dec", "pwr": "auto", "trigdelay": "1m",
        }  # fmt: skip
        self.commands: list[str] = []
        self.controlled = False
        self._events, self._stamp_every, self._firmware = sorted(events), stamp_every, firmware
        self._heard = b""
        self._carry = 0.0
        self._event_count = 0

    @property
    def voltage_v(self) -> float:
        """The target's supply as the host set it."""
        return _number(self.settings["volt"])

    def hear(self, data: bytes) -> bytes:
        """Obey commands, a line each; each is answered with `ack` or `error`."""
        *lines, self._heard = (self._heard + data).split(b"\n")
        return b"".join(self._obey(line.decode("ascii", "replace").strip()) for line in lines)

    def _obey(self, line: str) -> bytes:
        self.commands.append(line)
        name, _, arguments = line.partition(" ")
        if problem := self._problem(name, arguments):
            return f"PowerShield > error {line}\r\nError detail: {problem}\r\n".encode()
        return self._ACTIONS.get(name, Lpm01a._set)(self, name, arguments)

    def _problem(self, name: str, arguments: str) -> str | None:
        if name not in COMMANDS:
            return "unknown command"
        is_old = tuple(map(int, self._firmware.split("."))) < (1, 0, 6)
        if is_old and (name, arguments) in {("pwr", "off")} | {("eventsrc", arguments)}:
            return "invalid argument"
        if not COMMANDS[name].fullmatch(arguments):
            return "invalid argument"
        if not self.controlled and name not in ("htc", "powershield", "version", "psrst"):
            return "PowerShield is not controlled by host"
        if name == "volt" and arguments != "get" and not 1.8 <= _number(arguments) <= 3.3:
            return "value out of range"
        if self._streaming and name not in ("stop", "pwr", "targrst", "psrst"):
            return "acquisition in progress"
        if name == "start" and self._too_fast():
            return "frequency not possible with output and format"
        return None

    def _too_fast(self) -> bool:
        frequency, is_text = _number(self.settings["freq"]), self.is_text
        is_endless = self.settings["acqtime"] in ("inf", "0")
        limit = (5e3 if is_endless else 2e4) if is_text else 1e5
        return frequency > (min(limit, 1e4) if self.is_energy else limit)

    @property
    def is_text(self) -> bool:
        """Tell whether samples are text."""
        return self.settings["format"] == "ascii_dec"

    @property
    def is_energy(self) -> bool:
        """Tell whether samples are joules, each over its own period; else amperes."""
        return self.settings["output"] == "energy"

    def _set(self, name: str, arguments: str) -> bytes:
        self.settings[name] = arguments
        return _ack(f"{name} {arguments}".strip())

    def _get_or_set(self, name: str, arguments: str) -> bytes:
        if arguments != "get":
            return self._set(name, arguments)
        value = f"{1000 * self.voltage_v:04.0f}-03" if name == "volt" else self.settings["pwr"][:3]
        return _ack(f"{name} get {value.strip()}")

    def _tell(self, name: str, arguments: str) -> bytes:
        texts = {
            "powershield": "PowerShield present 203435",
            "version": self._firmware,
            "range": "1000-10 5000-05",
            "status": "ok",
            "temp": "28.0",
        }
        return _ack(f"{name} {arguments}".strip() + " " + texts[name])

    def _control(self, name: str, _: str) -> bytes:
        self.controlled = name == "htc"
        return _ack(name)

    def _start(self, name: str, _: str) -> bytes:
        self.rate_hz, self._carry, self._event_count = _number(self.settings["freq"]), 0.0, 0
        self.begin()
        return _ack(name)

    def _stop(self, name: str, _: str) -> bytes:
        if not self._streaming:
            return _ack(name)
        self.halt()
        end = b"" if self.is_text else b"\xf0\xf4\xff\xff"
        return end + _ack(name) + b"PowerShield > Acquisition completed\r\n"

    _ACTIONS: dict[str, Callable[[Lpm01a, str, str], bytes]] = {  # noqa: RUF012
        "htc": _control, "hrc": _control, "start": _start, "stop": _stop, "volt": _get_or_set,
        "pwr": _get_or_set, "powershield": _tell, "version": _tell, "range": _tell,
        "status": _tell, "temp": _tell,
    }  # fmt: skip

    def encode(self, first: int, current: Floats, kept: np.ndarray, clipped: np.ndarray) -> bytes:
        """Return the samples, with time stamps and events where they belong."""
        if self.settings["pwr"].startswith("off"):
            current = np.zeros_like(current)
        shown = np.where(clipped, TOP_A, np.minimum(current, TOP_A))
        scale = self.voltage_v / self.rate_hz if self.is_energy else 1.0
        out = []
        for offset, value in enumerate((shown * scale).tolist()):
            here = self._between(first + offset)
            if clipped[offset] and not self.is_text:
                here += b"\xf0\xf5\xff\xff"
            write = text_sample if self.is_text else binary_sample
            sample, written = write(max(value + self._carry, 0.0))
            self._carry += value - written
            if kept[offset]:
                out += [here, sample]
        return b"".join(out)

    def _between(self, sample: int) -> bytes:
        """Return what comes before a sample: a time stamp, events."""
        before = b""
        if sample % self._stamp_every == 0:
            before = self._stamp(round(1000 * sample / self.rate_hz))
        ended = (sample + 1) / self.true_rate_hz
        while self._event_count < len(self._events) and self._events[self._event_count] < ended:
            before += f"event {self._event_count} ris\r\n".encode() if self.is_text else b""
            self._event_count += 1
        return before

    def _stamp(self, ms: int) -> bytes:
        if self.is_text:
            return f"TimeStamp: {ms // 1000:03d}s {ms % 1000:03d}ms, buff 00%\r\n".encode()
        return b"\xf0\xf3" + struct.pack(">IB", ms, 0) + b"\xff\xff"


def text_sample(value: float) -> tuple[bytes, float]:
    """Return a value as four digits and a power of ten, and the value that this stands for."""
    if value <= 0:
        return b"0000-09\r\n", 0.0
    exponent = math.floor(math.log10(value)) - 3
    digits = round(value / 10.0**exponent)
    if digits == 10_000:
        digits, exponent = 1000, exponent + 1
    return f"{digits:04d}{exponent:+03d}\r\n".encode(), digits * 10.0**exponent


def binary_sample(value: float) -> tuple[bytes, float]:
    """Return a value as v / 16^p (p: high 4 bits, v: low 12), and what this stands for."""
    power = 0
    while power < 9 and round(value * 16.0 ** (power + 1)) < 4096:
        power += 1
    digits = min(round(value * 16.0**power), 4095)
    return struct.pack(">H", power << 12 | digits), digits / 16.0**power


def _ack(text: str) -> bytes:
    return f"PowerShield > ack {text}\r\n".encode()


def _number(text: str) -> float:
    match = NUMBER.fullmatch(text)
    assert match is not None
    unit = match[2]
    return float(f"{match[1]}e{SCALE.get(unit, unit)}")
