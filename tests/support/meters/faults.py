"""What goes wrong with a meter, each fault at a place that the test knows."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tests.support.meters.signals import Floats, Signal

NEVER = 1 << 62


@dataclass(frozen=True)
class Span:
    """Samples first, first + 1, ..., first + count - 1 of the meter's own count."""

    first: int
    count: int

    @property
    def end(self) -> int:
        """The first sample after the span."""
        return self.first + self.count


@dataclass(frozen=True)
class Faults:
    """Faults of one recording; the default has none.

    `lost`: spans of samples that the link drops. `clipped`: spans where the current is beyond the
    meter's range. `spikes`: sample -> amperes added to it. `clock_ppm`: how much the meter's clock
    is fast. `drift_a_per_s`: how the meter's zero wanders. `unplug_after`: bytes towards the host
    until the cable is pulled. `silent_after`: samples until the meter says nothing more, though it
    stays plugged in. `stalls`: sample -> seconds of real time without a byte, nothing lost.
    `garbage`: sample -> bytes put before it. `cut_bytes`: sample -> bytes missing at its start.
    """

    lost: tuple[Span, ...] = ()
    clipped: tuple[Span, ...] = ()
    spikes: dict[int, float] = field(default_factory=dict)
    clock_ppm: float = 0.0
    drift_a_per_s: float = 0.0
    unplug_after: int = NEVER
    silent_after: int = NEVER
    stalls: dict[int, float] = field(default_factory=dict)
    garbage: dict[int, bytes] = field(default_factory=dict)
    cut_bytes: dict[int, int] = field(default_factory=dict)

    @property
    def places(self) -> list[int]:
        """Samples at which a stream has to be taken up anew, in order."""
        return sorted({*self.stalls, *self.garbage, *self.cut_bytes, self.silent_after})

    def kept(self, first: int, count: int) -> np.ndarray:
        """Return which of the samples first, ... arrive: shape (count,), bool."""
        return ~inside(self.lost, first, count)

    def saturated(self, first: int, count: int) -> np.ndarray:
        """Return which of the samples first, ... are beyond the range: shape (count,), bool."""
        return inside(self.clipped, first, count)

    def seen(self, signal: Signal, first: int, count: int, rate_hz: float) -> Floats:
        """Return the current that the meter sees at samples first, ...: shape (count,), A.

        A clock that is fast by `clock_ppm` makes each period shorter than 1 / `rate_hz`.
        """
        period = 1 / (rate_hz * (1 + self.clock_ppm * 1e-6))
        edges = (first + np.arange(count + 1)) * period
        current = signal.means(edges) + self.drift_a_per_s * (edges[:-1] + period / 2)
        for sample, extra in self.spikes.items():
            if first <= sample < first + count:
                current[sample - first] += extra
        return current


def inside(spans: tuple[Span, ...], first: int, count: int) -> np.ndarray:
    """Return which of the samples first, ... lie in one of the spans: shape (count,), bool."""
    found = np.zeros(count, dtype=bool)
    for span in spans:
        found[max(span.first - first, 0) : max(span.end - first, 0)] = True
    return found


CLEAN = Faults()
