"""What a run found: windows or accuracy of its inferences, as lines, and what is doubtful in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from edgeq.bench.mlperf.accuracy import Scored, mean_results, score
from edgeq.bench.mlperf.energy import measure_windows
from edgeq.bench.mlperf.execution import Taken
from edgeq.bench.mlperf.submission import accuracy_lines, energy_lines, performance_lines
from edgeq.bench.mlperf.windows import check_windows, make_window, median_energy, median_throughput
from edgeq.core.records.mlperf import AccuracyRecord, MlperfMode, MlperfWindow, RuleRecord
from edgeq.device.meters.trace import Trace
from edgeq.device.mlperf.session import needs_stamps

CLOCK_SLACK_S, CLOCK_SHARE = 0.1, 0.02  # by which a window may differ from the host's clock


@dataclass(frozen=True, slots=True)
class Outcome:
    """The inferences of a run, and what was made of them: windows, or the accuracy."""

    taken: tuple[Taken, ...]
    windows: tuple[MlperfWindow, ...] = ()
    accuracy: AccuracyRecord | None = None
    trace: Trace | None = None

    @property
    def broken(self) -> tuple[RuleRecord, ...]:
        """The window rules that do not hold; accuracy has none."""
        if self.accuracy is not None:
            return ()
        return tuple(r for r in check_windows(self.windows, where=".") if not r.passed)

    @property
    def throughput(self) -> float | None:
        """Median of inferences a second, None where that is not what was measured."""
        timed = self.trace is None and self.accuracy is None
        return median_throughput(self.windows) if timed else None

    @property
    def energy_j(self) -> float | None:
        """Median of joules an inference, None where that is not what was measured."""
        return median_energy(self.windows)


def find_outcome(
    mode: MlperfMode, taken: tuple[Taken, ...], trace: Trace | None, gate: str | None
) -> Outcome:
    """Return what a run found.

    Raises:
        DeviceError: no time stamps, no edges, or results that do not fit.
    """
    return _FINDERS[mode](taken, trace, gate)


def describe_outcome(outcome: Outcome) -> list[str]:
    """Return the lines of results.txt; without a median where the window rules do not hold."""
    valid = not outcome.broken
    if outcome.accuracy is not None:
        return accuracy_lines(outcome.accuracy)
    if outcome.trace is not None:
        return energy_lines(outcome.windows, outcome.energy_j if valid else None)
    return performance_lines(outcome.windows, outcome.throughput if valid else None)


def find_doubts(outcome: Outcome, *, real: bool, isolated: bool) -> Iterator[str]:
    """Yield what makes the figures doubtful.

    Args:
        real: the board's clock should go with the host's.
        isolated: an IO manager keeps the board's and the host's grounds apart.
    """
    if outcome.trace is not None:
        yield from outcome.trace.warnings
        if not isolated:
            yield "no IO manager: what the board draws from its port is not measured"
    for index, window in enumerate(outcome.windows):
        if window.lost_samples or window.clipped_samples:
            lost, clipped = window.lost_samples, window.clipped_samples
            yield f"window {index + 1}: {lost} samples lost, {clipped} clipped"
    drift = _clock_drift(outcome.windows) if real else None
    if drift is not None:
        yield f"the clock of the windows and the host's differ by up to {drift:.0%}"


def _find_performance(taken: tuple[Taken, ...], trace: Trace | None, gate: str | None) -> Outcome:
    windows = tuple(make_window(one, needs_stamps(one.inference)) for one in taken)
    return Outcome(taken, windows=windows)


def _find_accuracy(taken: tuple[Taken, ...], trace: Trace | None, gate: str | None) -> Outcome:
    return Outcome(taken, accuracy=score(_by_file(taken)))


def _find_energy(taken: tuple[Taken, ...], trace: Trace | None, gate: str | None) -> Outcome:
    assert trace is not None, "an energy run has a recording"
    return Outcome(taken, windows=tuple(measure_windows(trace, taken, gate)), trace=trace)


_FINDERS: Mapping[str, Callable[[tuple[Taken, ...], Trace | None, str | None], Outcome]] = {
    "performance": _find_performance,
    "accuracy": _find_accuracy,
    "energy": _find_energy,
}


def _by_file(taken: Sequence[Taken]) -> list[Scored]:
    """Return each file with the mean of its windows' results, in the order they were taken."""
    windows: dict[str, list[Taken]] = {}
    for one in taken:
        windows.setdefault(one.sample.file, []).append(one)
    return [
        Scored(
            file=name,
            label=group[0].sample.label,
            classes=group[0].sample.classes,
            values=mean_results([one.inference.results for one in group]),
        )
        for name, group in windows.items()
    ]


def _clock_drift(windows: Sequence[MlperfWindow]) -> float | None:
    """Return the largest share by which a window differs from the host's, None where all fit."""
    found = []
    for window in windows:
        off = max(window.host_s - window.duration_s, window.duration_s - window.answer_s)
        if off > CLOCK_SLACK_S + CLOCK_SHARE * window.duration_s:
            found.append(off / max(window.duration_s, window.host_s))
    return max(found, default=None)
