"""Go through a script's steps with an open session, and keep what each inference gave."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from edgeq.bench.mlperf.datasets import MlperfDataset, Sample
from edgeq.bench.mlperf.scripts import Download, Infer, Loop, Script, Step, Stream, Watchdog
from edgeq.core.errors import DeviceError, InputError, UsageError
from edgeq.core.records.mlperf import MlperfMode
from edgeq.device.mlperf.session import DutSession, Inference


class Observer(Protocol):
    """What happens around each `infer` of a script."""

    def before(self, index: int) -> None:
        """Called before inference number `index` of the script is sent."""

    def after(self, index: int) -> None:
        """Called when it is done."""


class Unobserved:
    """Nothing happens."""

    def before(self, index: int) -> None:
        """Do nothing."""

    def after(self, index: int) -> None:
        """Do nothing."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An inference, and the sample that was loaded before it."""

    sample: Sample
    inference: Inference


Say = Callable[[str, float | None], None]


@dataclass
class Execution:
    """One run of a script.

    In accuracy mode `download` goes through every window of every file; in the others it takes
    the first window of each file, and begins anew after the last.

    Args:
        note: takes a line for the log.
        progress: takes what is done and its share, 0 to 1.
        clock: seconds of the host, monotonic, for the watchdog.
    """

    session: DutSession
    dataset: MlperfDataset
    mode: MlperfMode
    note: Callable[[str], None]
    progress: Say
    observer: Observer = field(default_factory=Unobserved)
    clock: Callable[[], float] = time.monotonic
    taken: list[Taken] = field(default_factory=list)
    _sample: Sample | None = None
    _watch: tuple[float, float] | None = None

    def run(self, script: Script) -> list[Taken]:
        """Do all steps.

        Raises:
            UsageError: a step that needs what is not there.
            DeviceError: the board failed, or a `reset` came too late.
        """
        self._inputs = self._walk()
        for step in script.steps:
            self._do(step)
        return self.taken

    def _do(self, step: Step) -> None:
        self._check_watch()
        if isinstance(step, Loop):
            self._loop(step)
        elif isinstance(step, Download):
            self._download(step)
        elif isinstance(step, Infer):
            self._infer(step)
        elif isinstance(step, Watchdog):
            self._watch = (self.clock(), step.seconds)
        elif isinstance(step, Stream):
            raise UsageError(
                "the script streams audio, which a board's own firmware cannot be given over a"
                " serial port",
                hint="run the streaming benchmark with its IO manager's own runner, then"
                " `edgeq mlperf check` its folder",
            )

    def _loop(self, loop: Loop) -> None:
        count = self._count() if loop.count is None else loop.count
        for index in range(count):
            self.progress(self.mode, index / count)
            for step in loop.steps:
                self._do(step)

    def _count(self) -> int:
        """Return how many inputs the dataset has: windows in accuracy mode, else files."""
        if self.mode != "accuracy":
            return len(self.dataset.samples)
        return sum(self.dataset.count_windows(sample) for sample in self.dataset.samples)

    def _walk(self) -> Iterator[tuple[Sample, int, bytes]]:
        while True:
            for sample in self.dataset.samples:
                windows = self.dataset.windows(sample)
                for index, data in enumerate(windows if self.mode == "accuracy" else windows[:1]):
                    yield sample, index, data

    def _download(self, step: Download) -> None:
        if step.index is None:
            self._sample, index, data = next(self._inputs)
        else:
            self._sample, index, data = self._pick(step.index)
        self.note(f"loading {self._sample.file}, window {index}, {len(data)} bytes")
        self.session.load(data)

    def _pick(self, index: int) -> tuple[Sample, int, bytes]:
        if index >= len(self.dataset.samples):
            raise InputError(
                f"the script downloads file {index}, the dataset has {len(self.dataset.samples)}",
                hint="files are numbered from 0",
            )
        sample = self.dataset.samples[index]
        return sample, 0, self.dataset.windows(sample)[0]

    def _infer(self, step: Infer) -> None:
        if self._sample is None:
            raise UsageError(
                "the script infers before it downloads", hint="put 'download' before 'infer'"
            )
        index = len(self.taken)
        self.observer.before(index)
        found = self.session.infer(step.inferences, step.warmups)
        self.observer.after(index)
        self.taken.append(Taken(self._sample, found))

    def _check_watch(self) -> None:
        if self._watch is None:
            return
        started, seconds = self._watch
        if self.clock() - started > seconds:
            raise DeviceError(
                f"the script's watchdog: no `reset` within {seconds:g} s",
                hint="the board is slower than the script allows: raise its seconds",
            )
