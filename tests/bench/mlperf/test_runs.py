"""Runs in the three modes against a fake board, and the folders that they leave."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from edgeq.bench.mlperf.checker import check_submission
from edgeq.bench.mlperf.runs import Rig, RunSettings, run_mode
from edgeq.core.errors import DeviceError, InputError, UsageError
from edgeq.device.meters.replay import read_trace
from edgeq.device.mlperf.console import Console
from edgeq.device.mlperf.session import DutSession
from tests.bench.mlperf.rig import by_first_byte, energy_rig, make_dataset, make_rig
from tests.device.mlperf import fake_board as fake
from tests.device.mlperf.fake_board import FakeDut

SCRIPT = """
ic01:
  name: image_classification
  model: ic01
  truth_file: y_labels.csv
  script:
    - loop {loops}:
      - download
      - infer {inferences} 5
"""


def settings(tmp_path, mode, task="ic01", labels=(0, 1, 2), **options):
    data = make_dataset(tmp_path / "data", task, list(labels))
    return RunSettings(mode=mode, dataset=data, out=tmp_path / "out", **options)


def test_performance_enlarges_its_windows_to_ten_seconds_by_the_boards_clock(tmp_path):
    record = run_mode(make_rig(FakeDut(us=40_000)), settings(tmp_path, "performance"))
    assert record.valid
    assert record.kind == "measured"
    assert [w.inferences for w in record.windows] == [256] * 5  # 10.2 s of 40 ms each
    assert all(10.0 <= w.duration_s < 10.3 for w in record.windows)
    assert record.throughput == pytest.approx(25.0)
    text = (tmp_path / "out/ic/performance/results.txt").read_text()
    assert re.search(r".* Median throughput is\s+25\.000 inf\./sec\.", text)
    assert "256 are run" in (tmp_path / "out/ic/performance/log.txt").read_text()


def test_the_tables_own_window_is_kept_where_it_is_long_enough(tmp_path):
    record = run_mode(make_rig(FakeDut(us=600_000)), settings(tmp_path, "performance"))
    assert [w.inferences for w in record.windows] == [20] * 5
    assert record.valid


def test_a_board_that_speeds_up_after_the_probe_is_run_again(tmp_path):
    dut = FakeDut(us=40_000)
    plain = dut.obey

    def faster(command):
        if command.startswith("infer 256"):
            dut.us = 30_000
        return plain(command)

    dut.obey = faster
    record = run_mode(make_rig(dut), settings(tmp_path, "performance"))
    assert record.valid
    assert min(w.duration_s for w in record.windows) >= 10.0
    assert len(record.windows) == 5


@pytest.mark.parametrize(
    ("loops", "inferences", "complaint"), [(5, 20, "at least 10 s"), (4, 400, "exactly 5 windows")]
)
def test_a_scripts_windows_are_kept_and_refused_where_they_break_the_rules(
    tmp_path, loops, inferences, complaint
):
    script = tmp_path / "tests.yaml"
    script.write_text(SCRIPT.format(loops=loops, inferences=inferences))
    chosen = settings(tmp_path, "performance", script=script)
    record = run_mode(make_rig(FakeDut(us=40_000)), chosen)
    assert [w.inferences for w in record.windows] == [inferences] * loops
    assert not record.valid
    assert any(complaint in r.rule for r in record.rules if not r.passed)
    text = (tmp_path / "out/ic/performance/results.txt").read_text()
    assert "Median throughput" not in text
    assert "ERROR: not valid for submission" in text


def test_accuracy_goes_over_all_files_and_counts_each_class(tmp_path):
    labels = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] * 2
    dut = FakeDut(results=by_first_byte(10, wrong=lambda label: label == 3))
    record = run_mode(make_rig(dut), settings(tmp_path, "accuracy", labels=labels))
    assert record.accuracy.top1 == pytest.approx(90.0)
    assert [c.correct for c in record.accuracy.classes] == [2, 2, 2, 0, 2, 2, 2, 2, 2, 2]
    assert record.valid
    assert record.files == 20
    assert "infer 1 0" in dut.commands
    text = (tmp_path / "out/ic/accuracy/results.txt").read_text()
    assert re.search(r".* Top[- ]1%?\s?[:=] 90\.0", text)


def test_accuracy_below_the_closed_divisions_target_is_told_and_taken_in_the_open_one(tmp_path):
    dut = FakeDut(results=by_first_byte(10, wrong=lambda label: label < 5))
    chosen = settings(tmp_path, "accuracy", labels=range(10))
    record = run_mode(make_rig(dut), chosen)
    assert not record.valid
    assert [r.rule for r in record.rules if not r.passed] == [
        "top-1 is at least 85 (closed division)"
    ]
    assert check_submission(tmp_path / "out/ic/accuracy", division="open").passed


def test_anomaly_detection_takes_the_mean_over_each_files_windows(tmp_path):
    dut = FakeDut(model="ad01", results=lambda data: [float(data[-1])])
    record = run_mode(make_rig(dut), settings(tmp_path, "accuracy", "ad01", [0, 1, 0, 1]))
    rows = json.loads((tmp_path / "out/ad/accuracy/results.json").read_text())
    assert len(rows) == 4 * 3
    means = {}
    for row in rows:
        means.setdefault(row["file"], []).append(row["infer"]["results"][0])
    scores = [sum(means[f"f{i}.bin"]) / 3 for i in range(4)]
    pairs = [(scores[a] > scores[n]) + 0.5 * (scores[a] == scores[n]) for a in (1, 3)
             for n in (0, 2)]  # fmt: skip
    assert record.accuracy.auc == pytest.approx(sum(pairs) / 4)
    assert record.accuracy.top1 is None
    assert [c for c in dut.commands if c.startswith("db load")] == ["db load 2560"] * 12


def test_anomaly_detections_windows_of_performance_are_the_first_of_each_file(tmp_path):
    dut = FakeDut(model="ad01", us=7000, results=lambda data: [1.0])
    record = run_mode(make_rig(dut), settings(tmp_path, "performance", "ad01", [0, 1]))
    assert [w.file for w in record.windows] == ["f0.bin", "f1.bin", "f0.bin", "f1.bin", "f0.bin"]
    assert record.valid


def test_energy_is_the_median_of_windows_between_the_last_two_edges(tmp_path):
    dut = FakeDut(model="kws01", us=50_000, energy=True, results=by_first_byte(12))
    rig = energy_rig(dut, watts=0.02)
    record = run_mode(rig, settings(tmp_path, "energy", "kws01"))
    assert record.valid
    assert record.kind == "simulated"
    assert record.energy_j == pytest.approx(0.02 * 0.05, rel=1e-6)
    assert record.warnings == ()
    text = (tmp_path / "out/kws/energy/results.txt").read_text()
    assert re.search(r"Median energy cost is 1000\.0000 uJ/inf", text)
    rows = json.loads((tmp_path / "out/kws/energy/results.json").read_text())
    samples = rows[0]["power"]["samples"]
    assert sum(samples) == pytest.approx(0.02 * record.windows[0].duration_s, rel=1e-3)
    longest = max(len(c) for c in dut.commands if c.startswith("db ") and "load" not in c)
    assert longest == len("db ") + 2 * 26


def test_energy_without_an_io_manager_says_so(tmp_path):
    dut = FakeDut(model="kws01", us=50_000, energy=True, results=by_first_byte(12))
    record = run_mode(energy_rig(dut, managed=False), settings(tmp_path, "energy", "kws01"))
    assert any("no IO manager" in warning for warning in record.warnings)


def test_energy_without_a_meter_or_without_edges_is_refused(tmp_path):
    chosen = settings(tmp_path, "energy", "kws01")
    with pytest.raises(UsageError, match="needs a power meter"):
        run_mode(make_rig(FakeDut(model="kws01")), chosen)
    dut = FakeDut(model="kws01", us=50_000, energy=True, results=by_first_byte(12))
    dut._stamp = list  # the pin is not wired
    with pytest.raises(DeviceError, match="window 1 has 0 edges"):
        run_mode(energy_rig(dut), chosen)
    assert len(read_trace(tmp_path / "out/failed-energy.npz").time_s) > 0


def reboot_at(dut: FakeDut, command: int) -> None:
    """Let the board boot in the place of obeying that command, counted from 1."""
    plain, seen = dut.obey, []

    def reboot(words):
        seen.append(words)
        return dut.boot() if len(seen) == command else plain(words)

    dut.obey = reboot


def test_a_board_lost_in_energy_mode_leaves_the_meters_recording(tmp_path):
    dut = FakeDut(model="kws01", us=50_000, energy=True, results=by_first_byte(12))
    reboot_at(dut, 110)
    with pytest.raises(DeviceError, match="rebooted"):
        run_mode(energy_rig(dut), settings(tmp_path, "energy", "kws01"))
    names = {p.name for p in (tmp_path / "out").iterdir()}
    assert names == {"failed-energy.log", "failed-energy.npz"}


def test_a_board_of_energy_mode_gives_no_throughput(tmp_path):
    with pytest.raises(DeviceError, match="built for energy mode"):
        run_mode(make_rig(FakeDut(energy=True)), settings(tmp_path, "performance"))


def test_a_failed_run_leaves_its_log_and_no_folder(tmp_path):
    dut = FakeDut(us=40_000)
    rig = make_rig(dut)
    reboot_at(dut, 110)
    with pytest.raises(DeviceError, match="rebooted"):
        run_mode(rig, settings(tmp_path, "performance"))
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["failed-performance.log"]
    assert "ended: the board rebooted" in (tmp_path / "out/failed-performance.log").read_text()


def test_an_interrupted_run_leaves_its_log_too(tmp_path):
    dut = FakeDut(us=40_000)
    plain = dut.obey

    def interrupt(command):
        if command.startswith("infer 256"):
            raise KeyboardInterrupt
        return plain(command)

    dut.obey = interrupt
    with pytest.raises(KeyboardInterrupt):
        run_mode(make_rig(dut), settings(tmp_path, "performance"))
    assert "ended: interrupted" in (tmp_path / "out/failed-performance.log").read_text()


def test_the_task_is_what_the_board_says_unless_it_is_named(tmp_path):
    chosen = replace(settings(tmp_path, "performance"), task="ic02")
    record = run_mode(make_rig(FakeDut(model="ic01", us=40_000)), chosen)
    assert record.task == "ic02"
    assert record.folder.endswith("ic2/performance")
    with pytest.raises(InputError, match="the board runs kws01, not ic02"):
        run_mode(make_rig(FakeDut(model="kws01")), chosen)
    own = run_mode(make_rig(FakeDut(model="my own", us=40_000)), chosen)
    assert own.dut.model == "my own"


@pytest.mark.parametrize("name", ["sww01", "strww01"])
def test_the_streaming_task_is_known_by_both_names_and_told_apart(tmp_path, name):
    with pytest.raises(UsageError, match="streaming wake word"):
        run_mode(make_rig(FakeDut(model=name)), settings(tmp_path, "performance"))


def test_a_clock_that_does_not_go_with_the_hosts_is_told(tmp_path):
    record = run_mode(make_rig(FakeDut(us=40_000)), settings(tmp_path, "performance"))
    assert any("clock" in warning for warning in record.warnings)  # the fake board takes no time


def test_a_silent_board_leaves_a_log(tmp_path):
    stream = fake.FakeWire(FakeDut(), fake.silent, tick_s=0.05)
    rig = Rig(lambda log: DutSession(Console(stream, log, clock=stream.clock)))
    with pytest.raises(DeviceError, match="nothing arrived"):
        run_mode(rig, settings(tmp_path, "accuracy"))
    log = (tmp_path / "out/failed-accuracy.log").read_text()
    assert log.count("-> name%") == 3
