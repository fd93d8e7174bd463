"""The loop: ask for a candidate, have a worker try it, tell what came out."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from edgeq.convert.recipes.recipe import write_recipe
from edgeq.convert.recipes.steps import Schedule
from edgeq.core.files import sha256_hex, write_atomic
from edgeq.core.records import CompileOptions
from edgeq.core.records.base import Record
from edgeq.sweep.schedulers import LocalScheduler, Promise
from edgeq.sweep.work import explain
from edgeq.tuning.candidates import Candidate, describe, make_recipe
from edgeq.tuning.folder import RECIPE, save_trial, trial_folder
from edgeq.tuning.front import excess
from edgeq.tuning.layers import Layers
from edgeq.tuning.records import TrialRecord
from edgeq.tuning.request import TuneLimits
from edgeq.tuning.study import Study
from edgeq.tuning.trial import Job, failed_trial

Progress = Callable[[str, float | None], None]
# A training step of a trial: enough for a small network to settle, short enough for many trials,
# and by epochs alone, so that a busy machine trains no other model.
SCHEDULE = Schedule(epochs=12)
TIMEOUT_S = 1800.0


class Setting(Record, frozen=True, kw_only=True):
    """What every trial of a search shares: its identity, written into its folder."""

    version: str
    source: str
    source_sha256: str
    data: str
    data_root: str | None
    board: str
    board_id: str
    options: CompileOptions
    toolchain: str | None
    folder: str
    seed: int
    schedule: Schedule = SCHEDULE
    timeout_s: float = TIMEOUT_S

    @property
    def trainable(self) -> bool:
        """Whether training steps take the source: a Keras model."""
        return self.source.lower().endswith((".keras", ".h5", ".hdf5"))


class Search:
    """A search in work; it lives in one thread."""

    def __init__(
        self,
        setting: Setting,
        scheduler: LocalScheduler,
        limits: TuneLimits,
        on_progress: Progress,
    ) -> None:
        self.setting = setting
        self.limits = limits
        self.folder = Path(setting.folder)
        self.on_progress = on_progress
        self.layers = Layers((), ())
        self.trials: list[TrialRecord] = []
        self._scheduler = scheduler
        self._done: queue.SimpleQueue[tuple[Job, Promise]] = queue.SimpleQueue()
        self._running = 0
        self._study: Study | None = None

    def key_of(self, candidate: Candidate) -> str:
        """Return the name of a candidate's folder: a hash of all that its trial depends on."""
        made_of = msgspec.json.encode((self.setting, candidate), order="sorted")
        return sha256_hex(made_of)[:16]

    def try_alone(self, candidate: Candidate) -> TrialRecord:
        """Try a candidate and wait for it."""
        self.on_progress(f"trying {describe(candidate)}", None)
        self._submit(candidate)
        return self._take()

    def open_study(self, layers: Layers, plain: TrialRecord, known: Iterable[TrialRecord]) -> None:
        """Learn from the trial of plain int8 and from all that the folder has."""
        self.layers = layers
        self.plain = plain
        self._study = Study(
            layers=len(layers.ranked),
            trainable=self.setting.trainable,
            seed=self.setting.seed,
        )
        for record in {plain.key: plain, **{r.key: r for r in known}}.values():
            self._learn(record)

    def run(self, trials: int, minutes: float) -> None:
        """Try candidates until there are `trials` of them, or no more may start."""
        deadline = time.monotonic() + 60 * minutes
        open_ = True
        while open_ or self._running:
            wanted = trials - len(self.trials) - self._running
            free = self._scheduler.slots() - self._running
            while open_ and free > 0:
                open_ = wanted > 0 and time.monotonic() < deadline and self._ask()
                wanted, free = wanted - 1, free - 1
            if self._running:
                self._learn(self._take())
                self._report(trials)

    def _ask(self) -> bool:
        """Start the trial of the next candidate; False where there is none."""
        assert self._study is not None
        candidate = self._study.ask()
        if candidate is None:
            return False
        self._submit(candidate)
        return True

    def _submit(self, candidate: Candidate) -> None:
        job = self._job(candidate)
        write_atomic(Path(job.folder) / RECIPE, job.recipe.encode())
        self._running += 1
        promise = self._scheduler.submit(msgspec.msgpack.encode(job))
        promise.add_done_callback(lambda done: self._done.put((job, done)))

    def _job(self, candidate: Candidate) -> Job:
        setting, key = self.setting, self.key_of(candidate)
        recipe = make_recipe(candidate, self.layers, schedule=setting.schedule)
        return Job(
            key=key,
            candidate=candidate,
            recipe=write_recipe(recipe),
            source=setting.source,
            data=setting.data,
            data_root=setting.data_root,
            board=setting.board,
            options=setting.options,
            toolchain=setting.toolchain,
            folder=str(trial_folder(self.folder, key)),
            timeout_s=setting.timeout_s,
            seed=setting.seed,
        )

    def _take(self) -> TrialRecord:
        """Wait for a trial that ends, and keep it."""
        job, promise = self._done.get()
        self._running -= 1
        try:
            record = msgspec.msgpack.decode(promise.result(), type=TrialRecord)
        except Exception as error:
            record = failed_trial(job, explain(error))
        last = max((known.number for known in self.trials), default=0)
        record = msgspec.structs.replace(record, number=last + 1)
        save_trial(self.folder, record)
        return record

    def _learn(self, record: TrialRecord) -> None:
        assert self._study is not None
        self.trials.append(record)
        fine = record.score is not None and record.costs is not None
        self._study.tell(record, self.excess(record) if fine else 0.0)

    def excess(self, record: TrialRecord) -> float:
        """Return by which share a finished trial misses the limits."""
        assert self.plain.floating is not None
        return excess(record, self.plain.floating, self.limits)

    def _report(self, trials: int) -> None:
        fine = [t for t in self.trials if t.verdict == "ok"]
        meeting = sum(self.excess(t) == 0 for t in fine)
        words = f"{len(self.trials)} of {trials} trials, {meeting} meet the limits"
        self.on_progress(words, min(1.0, len(self.trials) / trials))
