"""A script's steps do what the public runner's do."""

from __future__ import annotations

import pytest

from edgeq.bench.mlperf.datasets import read_dataset
from edgeq.bench.mlperf.execution import Execution
from edgeq.bench.mlperf.scripts import Download, Infer, Loop, Script, Stream, Watchdog
from edgeq.bench.mlperf.tasks import find_task
from edgeq.core.errors import DeviceError, InputError, UsageError
from edgeq.device.mlperf.console import Console
from edgeq.device.mlperf.session import DutSession
from edgeq.device.mlperf.transcript import Transcript
from tests.bench.mlperf.rig import make_dataset
from tests.device.mlperf.fake_board import FakeDut, FakeWire


def execute(tmp_path, steps, mode="performance", task="kws01", labels=(0, 1, 0), **options):
    folder = make_dataset(tmp_path, task, list(labels))
    dut = FakeDut(model=task)
    session = DutSession(Console(FakeWire(dut, tick_s=0.001), Transcript()))
    dataset = read_dataset(folder, find_task(task))
    notes, shares = [], []
    progress = lambda stage, share: shares.append(share)  # noqa: E731
    run = Execution(session, dataset, mode, notes.append, progress, **options)
    taken = run.run(Script("test", task, "y_labels.csv", tuple(steps)))
    return [(t.sample.file, t.inference.inferences) for t in taken], dut, shares


def test_a_loop_takes_one_file_after_the_other_and_begins_anew(tmp_path):
    taken, dut, shares = execute(tmp_path, [Loop((Download(), Infer(7, 2)), 5)])
    assert taken == [("f0.bin", 7), ("f1.bin", 7), ("f2.bin", 7), ("f0.bin", 7), ("f1.bin", 7)]
    assert dut.commands.count("infer 7 2") == 5
    assert shares == [0.0, 0.2, 0.4, 0.6, 0.8]


def test_a_loop_without_a_count_goes_over_all_files(tmp_path):
    taken, _, _ = execute(tmp_path, [Loop((Download(), Infer()))], mode="accuracy")
    assert [name for name, _ in taken] == ["f0.bin", "f1.bin", "f2.bin"]


def test_a_loop_without_a_count_goes_over_all_windows_in_accuracy_alone(tmp_path):
    loop = [Loop((Download(), Infer()))]
    (tmp_path / "a").mkdir()
    taken, _, _ = execute(tmp_path / "a", loop, "accuracy", "ad01")
    assert [name for name, _ in taken] == ["f0.bin"] * 3 + ["f1.bin"] * 3 + ["f2.bin"] * 3
    (tmp_path / "p").mkdir()
    taken, _, _ = execute(tmp_path / "p", loop, "performance", "ad01")
    assert [name for name, _ in taken] == ["f0.bin", "f1.bin", "f2.bin"]


def test_a_file_can_be_chosen_by_its_number(tmp_path):
    steps = [Download(2), Infer(), Download(2), Infer(), Download(), Infer()]
    taken, _, _ = execute(tmp_path, steps)
    assert [name for name, _ in taken] == ["f2.bin", "f2.bin", "f0.bin"]
    with pytest.raises(InputError, match="downloads file 3, the dataset has 3"):
        execute(tmp_path / "again", [Download(3), Infer()])


def test_steps_that_cannot_be_done_are_refused(tmp_path):
    with pytest.raises(UsageError, match="infers before it downloads"):
        execute(tmp_path / "a", [Infer()])
    with pytest.raises(UsageError, match="streams audio"):
        execute(tmp_path / "b", [Stream()])


@pytest.mark.parametrize(("seconds", "ends"), [(3.5, False), (2.5, True)])
def test_a_watchdog_ends_a_run_that_is_too_slow(tmp_path, seconds, ends):
    now = iter(range(1000))
    steps = [Loop((Watchdog(seconds), Download(), Infer()), 4)]
    if ends:
        with pytest.raises(DeviceError, match=r"no `reset` within 2.5 s"):
            execute(tmp_path, steps, clock=lambda: next(now))
    else:
        assert len(execute(tmp_path, steps, clock=lambda: next(now))[0]) == 4
