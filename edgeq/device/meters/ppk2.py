"""The Nordic Power Profiler Kit II: 100,000 samples a second over USB CDC, digital channels D0-D7.

Commands and words as Nordic's desktop application sends and reads them. Unlike the common Python
library it reads the counter in each word, so that each loss is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgeq.core.errors import DeviceError, UsageError
from edgeq.device.meters.clock import fit_clock, place_marks
from edgeq.device.meters.losses import resolve_losses
from edgeq.device.meters.ppk2_stream import (
    ADC_END,
    PERIOD_S,
    RANGES,
    SPIKE_SAMPLES,
    Words,
    count_samples,
    filter_spikes,
    parse_metadata,
    parse_words,
    to_amperes,
)
from edgeq.device.meters.recorder import Recording, drain, read_until
from edgeq.device.meters.sampling import edges_left_out, find_edges, find_gaps, sort_marks
from edgeq.device.meters.streamed import StreamedMeter
from edgeq.device.meters.trace import Floats, Mark, Trace
from edgeq.device.streams import Stream

START, STOP, POWER, VOLTAGE, MODE, METADATA = 0x06, 0x07, 0x0C, 0x0D, 0x11, 0x19
MODES = {"ampere": 1, "source": 2}
CHANNELS = tuple(f"d{i}" for i in range(8))
LOWEST_V, HIGHEST_V = 0.8, 5.0
# The end of the greatest range by the data sheet; the ADC goes on to 16 A there.
END_A = 1.0
REPLY_S = 3.0
# A larger share of samples just after a change of range is worth a word.
SPIKE_SHARE = 1e-3


@dataclass(frozen=True, slots=True)
class Ppk2Settings:
    """How the kit is set. `voltage_v` supplies the board (source) or says its supply (ampere)."""

    voltage_v: float
    mode: Literal["source", "ampere"] = "source"
    filter: bool = False
    channels: tuple[str, ...] = CHANNELS
    keep_power: bool = False


class Ppk2Meter(StreamedMeter):
    """A PPK2, set and with the board powered."""

    def __init__(self, stream: Stream, settings: Ppk2Settings) -> None:
        """Read the calibration, set mode and voltage, give the board power.

        Raises:
            UsageError: a voltage that the kit does not have.
            DeviceError: it does not answer, or its calibration is damaged.
        """
        super().__init__(stream)
        if not LOWEST_V <= settings.voltage_v <= HIGHEST_V:
            raise UsageError(
                f"a PPK2 has {LOWEST_V:g} to {HIGHEST_V:g} V, not {settings.voltage_v:g}",
                hint="give the board's supply in volts: voltage=3.0",
            )
        self.name = "Nordic PPK2"
        self.gates = settings.channels
        self._settings, self._period_s = settings, PERIOD_S
        self._send(STOP)
        drain(stream, quiet_s=0.05, timeout_s=1.0)
        self._send(METADATA)
        metadata = read_until(
            stream, lambda data: b"END" in data, timeout_s=REPLY_S, error=_silent()
        )
        self._calibration = parse_metadata(metadata.decode("ascii", "replace"))
        self._send(MODE, MODES[settings.mode])
        self._send(VOLTAGE, *voltage_bytes(settings.voltage_v))
        self._send(POWER, 1)

    def _begin(self) -> None:
        self._send(START)

    def _end(self) -> None:
        self._send(STOP)

    def _power_down(self) -> None:
        if not self._settings.keep_power:
            self._send(POWER, 0)

    def _send(self, *command: int) -> None:
        self._stream.write(bytes(command))

    def _decode(self, recording: Recording, noted: tuple[Mark, ...]) -> Trace:
        words = parse_words(recording.data)
        index, jumps = count_samples(words.counter)
        done = np.searchsorted(words.ends, recording.ends, side="right")
        losses = resolve_losses(
            index, jumps, done, recording.arrived_s, modulo=64, period_s=PERIOD_S
        )
        for sample, extra in losses.extra.items():
            index[sample:] += extra
        time_s = np.asarray(index * PERIOD_S, np.float64)
        del index
        current = to_amperes(words, self._calibration, self._settings.voltage_v)
        if self._settings.filter:
            current = filter_spikes(current, words.range)
        clock = None
        if len(time_s):
            heard = done > 0
            clock = fit_clock(time_s[done[heard] - 1] + PERIOD_S, recording.arrived_s[heard])
        edges = self._edges(words, time_s)
        return Trace(
            meter=f"{self.name} ({self._settings.mode} mode)", period_s=PERIOD_S,
            voltage_v=self._settings.voltage_v, time_s=time_s, current_a=current,
            power_w=current * self._settings.voltage_v,
            clipped=(words.adc >= ADC_END) | (current >= END_A),
            gaps=find_gaps(time_s, PERIOD_S),
            marks=sort_marks(*edges, place_marks(clock, noted, PERIOD_S)),
            fault=recording.fault,
            warnings=(*losses.warnings, *edges_left_out(edges), *self._doubts(words)),
        )  # fmt: skip

    def _edges(self, words: Words, time_s: Floats) -> list[list[Mark]]:
        return [
            find_edges(name, (words.digital >> CHANNELS.index(name) & 1).astype(np.bool_), time_s)
            for name in self._settings.channels
        ]

    def _doubts(self, words: Words) -> list[str]:
        """Return what a reader of the figures should know."""
        doubts = []
        if words.slips:
            doubts.append(f"bytes were lost {words.slips} times; the words were found again")
        if len(words.range) and int(words.range.max()) >= RANGES:
            doubts.append("some samples name a range that the PPK2 does not have")
        changes = int(np.count_nonzero(words.range[1:] != words.range[:-1]))
        share = changes * SPIKE_SAMPLES / max(1, len(words.range))
        if share > SPIKE_SHARE and not self._settings.filter:
            doubts.append(
                f"{share:.1%} of the samples follow a change of range, where the PPK2 shows spikes:"
                " filter=on takes them off"
            )
        return doubts


def voltage_bytes(voltage_v: float) -> tuple[int, int]:
    """Return the two arguments of the command that sets the regulator."""
    step = round(voltage_v * 1000) - 800 + 32
    return 3 + step // 256, step % 256


def _silent() -> DeviceError:
    return DeviceError(
        "the PPK2 does not answer with its calibration",
        hint="is it the kit's first serial port? plug it in again and switch it on",
    )
