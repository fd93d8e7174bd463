"""The rules of a submission, on folders of every level and of both runners' forms."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from edgeq.bench.mlperf.checker import check_submission
from edgeq.core.errors import InputError, UsageError
from tests.support.texts import edited

STAMP = "1121.103015 ulp-mlperf: "
LINES = {
    "accuracy": STAMP + "Top 1% = 91.2\n" + STAMP + "AUC = 0.900\n",
    "performance": STAMP + "Median throughput is    147.043 inf./sec.\n",
    "energy": "Median energy cost is 123.4000 uJ/inf.\n",
}
WAKE = (
    "Power         : 3.2100 mW.\nAccuracy: 45 True positives, 5 False negatives, 3 False"
    " positives\nAverage duty cycle: 0.31\nEstimated throughput: 84.5 inf./sec.\n"
)


def window(mode, seconds=10.5):
    if mode == "performance":
        return {"infer": {"iterations": 100, "elapsed_time": round(seconds * 1e6)}}
    stamps = [["0", 5], ["1", 100], ["2", 100 + round(seconds * 1000)]]
    return {"infer": {"iterations": 100}, "power": {"timestamps": stamps}}


def write_run(folder, mode, *, text=None, windows=5, seconds=10.5):
    folder.mkdir(parents=True)
    rows = [] if mode == "accuracy" else [window(mode, seconds) for _ in range(windows)]
    (folder / "results.json").write_text(json.dumps(rows))
    (folder / "results.txt").write_text(LINES[mode] if text is None else text)
    (folder / "log.txt").write_text("log\n")
    return folder


def write_model(folder, energy=False):
    for mode in ("accuracy", "performance", *(["energy"] if energy else [])):
        write_run(folder / mode, mode)
    return folder


@pytest.fixture
def submission(tmp_path):
    """A whole submission of one system with all models, sound in every rule."""
    home = tmp_path / "closed" / "maker"
    for model in ("ad", "ic", "ic2", "kws", "vww"):
        write_model(home / "results" / "board" / model, energy=model == "kws")
    wake = write_run(home / "results" / "board" / "sww" / "energy", "energy", text=WAKE)
    (wake / "energy_inf_000.png").write_bytes(b"png")
    (home / "systems").mkdir()
    (home / "systems" / "board.json").write_text(json.dumps({"Status": "Available"}))
    return tmp_path


def broken(folder, **options):
    check = check_submission(folder, **options)
    return [f"{rule.where}: {rule.rule}" for rule in check.rules if not rule.passed]


def test_a_sound_submission_passes_as_a_whole_and_in_every_part(submission):
    system = submission / "closed/maker/results/board"
    for folder in (submission, system, system / "ic", system / "ic/accuracy", system / "sww"):
        assert broken(folder) == []
        assert check_submission(folder).passed
    assert check_submission(submission, division="open").division == "closed"  # it names its own


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda home: (home / "systems/board.json").unlink(), "a system is described"),
        (lambda home: (home / "systems/board.json").write_text("{}"), "a system is described"),
        (lambda home: (home / "systems/board.json").write_text('{"Status": "sold"}'), "described"),
        (lambda home: shutil.rmtree(home / "results/board/ic"), "ic2 comes with ic"),
        (lambda home: shutil.rmtree(home / "results/board/kws/accuracy"), "a model has accuracy"),
        (lambda home: write_model(home / "results/board/resnet"), "benchmark's own models"),
        (lambda home: (home / "results/board/ic/accuracy/log.txt").unlink(), "files log.txt"),
        (lambda home: (home / "results/board/ic/accuracy/more.txt").touch(), "files log.txt"),
        (lambda home: (home / "empty").mkdir(), "no empty folders"),
        (lambda home: os.symlink("/etc/passwd", home / "link"), "no symbolic links"),
        (lambda home: ((home / "__pycache__").mkdir(), (home / "__pycache__/a").touch()),
         "no __pycache__"),
        (lambda home: os.truncate(home / "results/board/ic/accuracy/log.txt", (500 << 20) + 1),
         "no file over"),
        (lambda home: (home / "results/board/sww/energy/energy_inf_000.png").unlink(), "files"),
        (lambda home: (home.parent.parent / "middle").mkdir(), "a division is closed or open"),
    ],
)  # fmt: skip
def test_each_rule_of_the_tree_is_held(submission, change, complaint):
    change(submission / "closed" / "maker")
    assert any(complaint in line for line in broken(submission))


@pytest.mark.parametrize(
    ("model", "mode", "text", "passes"),
    [
        ("ic", "accuracy", STAMP + "Top-1: 85.0%\n", True),  # the older runner's form
        ("ic", "accuracy", STAMP + "Top 1% = 84.9\n", False),
        ("ic", "accuracy", "Top 1% = 99\n", False),  # nothing stands before it
        ("ic", "accuracy", STAMP + "Top 1% = 99\n" + STAMP + "Top 1% = 10\n", False),  # the last
        ("ic", "accuracy", STAMP + "Top 1% = 9.9.9\n", False),
        ("ic2", "accuracy", STAMP + "Top 1% = 90.9\n", False),
        ("kws", "accuracy", STAMP + "Top 1% = 90.0\n", True),
        ("vww", "accuracy", STAMP + "Top 1% = 80.0\n", True),
        ("ad", "accuracy", STAMP + "AUC = 0.850\n", True),
        ("ad", "accuracy", STAMP + "AUC: 0.849\n", False),
        ("ad", "accuracy", STAMP + "Top 1% = 99\n", False),
        ("ic", "performance", STAMP + "Median throughput is 9 inf./sec.\n", True),
        ("ic", "performance", STAMP + "Median throughput is 9 inf/sec\n", False),
        ("ic", "performance", "", False),
        ("ic", "energy", "xyz Median energy cost is 1.5 uJ/inf\n", True),
        ("ic", "energy", "Median energy cost is low\n", False),
        ("ic", "energy", "\xff\x00\n" * 1000, False),
    ],
)
def test_the_lines_of_each_run_are_matched_as_the_checker_does(tmp_path, model, mode, text, passes):
    folder = write_run(tmp_path / model / mode, mode, text=text)
    assert check_submission(folder).passed is passes


def test_the_open_division_has_no_target_and_names_of_its_own(tmp_path):
    folder = write_model(tmp_path / "my_resnet")
    assert broken(folder)
    assert broken(folder, division="open") == []
    low = write_run(tmp_path / "ic" / "accuracy", "accuracy", text=STAMP + "Top 1% = 12\n")
    assert check_submission(low, division="open").passed


@pytest.mark.parametrize("mode", ["performance", "energy"])
@pytest.mark.parametrize(
    ("windows", "seconds", "complaint"),
    [(4, 10.5, "exactly 5 windows"), (6, 10.5, "exactly 5"), (5, 9.9, "at least 10 s")],
)
def test_the_window_rules_are_read_from_the_data(tmp_path, mode, windows, seconds, complaint):
    folder = write_run(tmp_path / "ic" / mode, mode, windows=windows, seconds=seconds)
    assert any(complaint in line for line in broken(folder))


@pytest.mark.parametrize("data", ["", "{", "[1]", '[{"infer": {}}]', '{"a": 1}', "[" * 5000])
def test_data_that_is_none_breaks_a_rule_and_nothing_else(tmp_path, data):
    folder = write_run(tmp_path / "ic" / "performance", "performance")
    (folder / "results.json").write_text(data)
    assert not check_submission(folder).passed


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (edited(WAKE, "45 True", "44 True"), "50 wake words"),
        (edited(WAKE, "45 True positives, 5 F", "41 True positives, 9 F"), "at most 8"),
        (edited(WAKE, "duty", "beauty"), "average duty cycle"),
        (edited(WAKE, "Power", "Force"), "has the power"),
        (edited(WAKE, "Estimated", "Guessed"), "estimated throughput"),
    ],
)
def test_the_streaming_benchmark_has_rules_of_its_own(tmp_path, text, complaint):
    folder = write_run(tmp_path / "sww" / "energy", "energy", text=text)
    (folder / "energy_inf_000.png").touch()
    assert any(complaint in line for line in broken(folder))


def test_a_folder_of_the_older_runner_has_its_own_files(tmp_path):
    folder = write_run(tmp_path / "kws" / "performance", "performance")
    (folder / "results.json").unlink()
    (folder / "script.async").touch()
    assert broken(folder)
    (tmp_path / "kws" / "EEMBC_RUNNER").touch()
    assert broken(folder) == []


def test_what_is_no_submission_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no submission"):
        check_submission(tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        check_submission(tmp_path / "gone")
    with pytest.raises(UsageError, match="no division 'network'"):
        check_submission(tmp_path, division="network")
