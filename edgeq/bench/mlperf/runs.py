"""One run of MLPerf Tiny in one mode, from opening the board to the files of a submission."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from edgeq.bench.energy import label_trace, meter_record
from edgeq.bench.mlperf.checker import check_submission
from edgeq.bench.mlperf.datasets import LABELS, MlperfDataset, read_dataset
from edgeq.bench.mlperf.energy import MarkedMeter
from edgeq.bench.mlperf.execution import Execution, Say, Unobserved
from edgeq.bench.mlperf.outcomes import Outcome, describe_outcome, find_doubts, find_outcome
from edgeq.bench.mlperf.scripts import Script, default_script, find_script
from edgeq.bench.mlperf.submission import LOG, results_data, results_text, write_run
from edgeq.bench.mlperf.tasks import STREAMING, Task, find_task
from edgeq.bench.mlperf.windows import MARGIN, MINIMUM_S, enlarge
from edgeq.boards.profile import Board
from edgeq.core.errors import EdgeqError, InputError, UsageError
from edgeq.core.files import refuse_unwritable, write_atomic
from edgeq.core.records import Kind
from edgeq.core.records.mlperf import DutRecord, MlperfMode, MlperfRecord
from edgeq.device.meters.replay import write_trace
from edgeq.device.meters.trace import Meter, Trace
from edgeq.device.mlperf.session import DutSession, Identity, needs_stamps
from edgeq.device.mlperf.transcript import Transcript

ATTEMPTS = 3  # to find how many inferences fill a window
# A probe this long tells the time of an inference well enough, by the board's clock and the host's.
PROBE_S, HOST_PROBE_S = 0.1, 1.0
MOST_PROBED = 1_000_000
TAIL_S = 0.5  # an edge is reported with the meter's next block of samples


@dataclass(frozen=True, slots=True)
class Rig:
    """How to get at the board and its meter; both are opened anew for each attempt.

    `board` is None where only a port is known; `gate` names the meter's channel of the board's
    pin; `isolated` says whether an IO manager stands between.
    """

    open_session: Callable[[Transcript], DutSession]
    open_meter: Callable[[], Meter] | None = None
    board: Board | None = None
    gate: str | None = None
    isolated: bool = False

    @property
    def is_virtual(self) -> bool:
        """Whether the board is known to be a virtual one."""
        return self.board is not None and self.board.kind == "virtual"


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What to run. `task` None: what the board says; `script` None: the task's own windows."""

    mode: MlperfMode
    dataset: Path
    out: Path
    task: str | None = None
    script: Path | None = None
    division: str = "closed"


def run_mode(
    rig: Rig, settings: RunSettings, on_progress: Say = lambda stage, share: None
) -> MlperfRecord:
    """Run one mode, write its folder OUT/MODEL/MODE, and apply the submission's rules to it.

    Raises:
        UsageError: no such task, or energy without a meter.
        InputError: the script or the dataset is not sound.
        DeviceError: the board or the meter failed; the log is kept as OUT/failed-MODE.log, what
            the meter recorded as OUT/failed-energy.npz.
    """
    check_settings(settings, has_meter=rig.open_meter is not None)
    log = Transcript()
    try:
        attempt = _repeat(rig, settings, log, on_progress)
        return _finish(rig, settings, log, attempt)
    except (EdgeqError, KeyboardInterrupt) as error:
        log.note(f"ended: {str(error) or 'interrupted'}")
        with contextlib.suppress(EdgeqError):
            write_atomic(settings.out / f"failed-{settings.mode}.log", log.text())
        raise


def check_settings(settings: RunSettings, *, has_meter: bool) -> None:
    """Say what is wrong before anything is built, or the board is touched.

    Raises:
        UsageError: no such task, energy without a meter, or a folder that cannot be written.
        InputError: the script or the dataset is not sound.
    """
    refuse_unwritable(settings.out / LOG)
    if settings.mode == "energy" and not has_meter:
        raise UsageError("energy mode needs a power meter", hint="name it with --meter")
    if settings.task is not None:
        read_inputs(settings, find_task(settings.task))


def read_inputs(settings: RunSettings, task: Task) -> tuple[MlperfDataset, Script | None]:
    """Read the script, where one is given, and the dataset of a task.

    Raises:
        UsageError: the task is the one that needs audio.
        InputError: one of both is not sound.
    """
    if task.id == STREAMING:
        raise UsageError(
            "the streaming wake word needs audio played by its IO manager",
            hint="run it with the public runner; `edgeq mlperf check` checks its folder",
        )
    script = None if settings.script is None else find_script(settings.script, task)
    labels = LABELS if script is None else script.truth_file
    return read_dataset(settings.dataset, task, labels), script


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What one go through the script gave."""

    task: Task
    identity: Identity
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class _Aim:
    """How many inferences a window is to have, and the host's seconds that one took before."""

    inferences: int
    pace_s: float


def _repeat(rig: Rig, settings: RunSettings, log: Transcript, on_progress: Say) -> _Attempt:
    """Go through the script; with more inferences once more where a window of ours was short."""
    aim: _Aim | None = None
    for _ in range(ATTEMPTS):
        attempt = _attempt(rig, settings, log, on_progress, aim)
        windows = attempt.outcome.windows
        shortest = min((w.duration_s for w in windows), default=MINIMUM_S)
        if shortest >= MINIMUM_S or settings.script is not None:
            break
        pace_s = max(w.answer_s / (w.inferences + w.warmups) for w in windows)
        aim = _Aim(enlarge(windows[0].inferences, shortest), pace_s)
        log.note(
            f"a window lasted {shortest:.3f} s: once more with {aim.inferences} inferences each"
        )
    return attempt


def _attempt(
    rig: Rig, settings: RunSettings, log: Transcript, on_progress: Say, aim: _Aim | None
) -> _Attempt:
    """Open everything and go through the script once."""
    mode = settings.mode
    with _recording(rig, settings) as meter, rig.open_session(log) as session:
        task = _choose_task(settings, session.identity)
        dataset, script = read_inputs(settings, task)
        if script is None:
            script = default_script(task, mode, _aim(session, dataset, task, mode, log, aim))
        observer = Unobserved() if meter is None else MarkedMeter(meter)
        run = Execution(session, dataset, mode, log.note, on_progress, observer)
        taken = tuple(run.run(script))
        trace = None if meter is None else _stop(meter, rig)
    try:
        outcome = find_outcome(mode, taken, trace, rig.gate)
    except EdgeqError:
        if trace is not None:
            _keep(trace, settings)
        raise
    return _Attempt(task, session.identity, outcome)


@contextmanager
def _recording(rig: Rig, settings: RunSettings) -> Iterator[Meter | None]:
    """Open the meter, which may power the board, and start to record; None in other modes.

    Where the run fails, what was recorded is kept.
    """
    if settings.mode != "energy" or rig.open_meter is None:
        yield None
        return
    meter = rig.open_meter()
    try:
        meter.start()
        try:
            yield meter
        except (EdgeqError, KeyboardInterrupt):
            with contextlib.suppress(EdgeqError):
                _keep(_stop(meter, rig), settings)
            raise
    finally:
        meter.close()


def _keep(trace: Trace, settings: RunSettings) -> None:
    write_trace(settings.out / f"failed-{settings.mode}.npz", trace)


def _stop(meter: Meter, rig: Rig) -> Trace:
    """End the recording once the last edge is surely in it; say what is simulated."""
    time.sleep(TAIL_S)
    return label_trace(meter.stop(), "virtual" if rig.is_virtual else "mcu")


def _choose_task(settings: RunSettings, identity: Identity) -> Task:
    """Return the task that was asked for, else the one that the board names."""
    if settings.task is None:
        return find_task(identity.model)
    task = find_task(settings.task)
    with contextlib.suppress(UsageError):  # a model of no known name is the user's own
        if find_task(identity.model).dataset != task.dataset:
            raise InputError(
                f"the board runs {identity.model}, not {task.id}",
                hint="flash the firmware of the task's model, or leave --task out",
            )
    return task


def _aim(
    session: DutSession,
    dataset: MlperfDataset,
    task: Task,
    mode: MlperfMode,
    log: Transcript,
    aim: _Aim | None,
) -> int | None:
    """Return the inferences of a window: none in accuracy mode, those aimed at, or by a probe."""
    if mode == "accuracy":
        return None
    if aim is None:
        return _fill_window(session, dataset, task, mode, log)
    session.expect_pace(aim.pace_s)
    return aim.inferences


def _fill_window(
    session: DutSession, dataset: MlperfDataset, task: Task, mode: MlperfMode, log: Transcript
) -> int:
    """Return how many inferences fill a window: the table's number at least.

    By the board's clock; in energy mode, where it tells no time, by the host's.
    """
    least = (task.energy if mode == "energy" else task.performance)[0]
    session.load(dataset.windows(dataset.samples[0])[0])
    count, seconds = (_time_by_host if mode == "energy" else _time_by_board)(session)
    chosen = max(least, enlarge(count, seconds))
    if chosen > least:
        log.note(
            f"{least} inferences would last {least * seconds / count:.3f} s: {chosen} are run, so"
            f" that each window lasts {MINIMUM_S:g} s and {100 * (MARGIN - 1):.0f} % more"
        )
    return chosen


def _time_by_board(session: DutSession) -> tuple[int, float]:
    """Return a number of inferences and the seconds that they took between the stamps."""
    count = 1
    while (seconds := needs_stamps(session.infer(count, 0))) < PROBE_S and count < MOST_PROBED:
        count = _grow(count, seconds, PROBE_S)
    return count, seconds


def _time_by_host(session: DutSession) -> tuple[int, float]:
    """Return a number of inferences and their seconds, without what one answer takes anyway."""
    least = session.infer(1, 0).answer_s
    count = 1
    while (
        seconds := session.infer(1 + count, 0).answer_s - least
    ) < HOST_PROBE_S and count < MOST_PROBED:
        count = _grow(count, seconds, HOST_PROBE_S)
    return count, seconds


def _grow(count: int, seconds: float, wanted_s: float) -> int:
    """Return a larger number of inferences that should last `wanted_s`, at most 100 times it."""
    factor = min(max(1.2 * wanted_s / max(seconds, 1e-6), 2.0), 100.0)
    return min(math.ceil(count * factor), MOST_PROBED)


def _finish(rig: Rig, settings: RunSettings, log: Transcript, attempt: _Attempt) -> MlperfRecord:
    """Write the folder of the run, apply the rules to it, and return the record."""
    task, outcome, mode = attempt.task, attempt.outcome, settings.mode
    folder = settings.out / task.folder / mode
    kind = _kind_of(rig, mode, outcome)
    lines = describe_outcome(outcome)
    for line in lines:
        log.note(line)
    write_run(
        folder,
        results=results_text(lines, kind, outcome.broken, datetime.now()),
        data=results_data(outcome.taken, mode, outcome.trace, rig.gate),
        log=log.text(),
    )
    checked = check_submission(folder, division=settings.division)
    who = attempt.identity
    return MlperfRecord(
        mode=mode,
        task=task.id,
        kind=kind,
        dut=DutRecord(
            name=who.name,
            profile=who.profile,
            model=who.model,
            board=rig.board.id if rig.board else None,
        ),
        files=len({one.sample.file for one in outcome.taken}),
        windows=outcome.windows,
        throughput=outcome.throughput,
        energy_j=outcome.energy_j,
        accuracy=outcome.accuracy,
        meter=meter_record(outcome.trace) if outcome.trace else None,
        folder=str(folder),
        valid=checked.passed,
        rules=checked.rules,
        warnings=tuple(find_doubts(outcome, real=kind == "measured", isolated=rig.isolated)),
    )


def _kind_of(rig: Rig, mode: MlperfMode, outcome: Outcome) -> Kind:
    """Say what the figures are: a virtual board's seconds rest on modelled cycles."""
    if outcome.trace is not None:
        return outcome.trace.kind
    if rig.is_virtual:
        return "estimated" if mode == "performance" else "simulated"
    return "measured"
