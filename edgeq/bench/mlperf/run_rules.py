"""The rules of one run's folder: its files, the lines of results.txt, the windows, the target."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from edgeq.bench.mlperf.rules import MODES, Rules, task_of
from edgeq.bench.mlperf.submission import DATA, FILES, RESULTS
from edgeq.bench.mlperf.tasks import Task
from edgeq.bench.mlperf.windows import check_windows
from edgeq.core.errors import InputError
from edgeq.core.files import read_bytes
from edgeq.core.records.mlperf import MlperfWindow

MAX_TEXT, MAX_DATA = 16 << 20, 500 << 20
OPTIONAL = {"mlperf_log_trace.json", "results.json", ".gitkeep"}
# A folder of the older runner carries this file, and its own set of files.
OLDER, OLDER_FILES = "EEMBC_RUNNER", ("log.txt", "results.txt", "script.async")
PICTURE = "energy_inf_000.png"
WAKE_WORDS = 50
NUMBER = r"([\d\.]+)"

# As the public checker matches them: `match` from the line's begin, `search` anywhere in it.
TOP1 = re.compile(rf".* Top[- ]1%?\s?[:=] {NUMBER}.*")
AUC = re.compile(rf".* AUC\s?[:=] {NUMBER}.*")
THROUGHPUT = re.compile(rf".* Median throughput is\s+{NUMBER} inf\./sec\..*")
ENERGY = re.compile(rf".*Median energy cost is {NUMBER} uJ/inf")
WAKE_ENERGY = re.compile(rf".*Power\s+: {NUMBER} mW")
WAKE_THROUGHPUT = re.compile(rf".*Estimated throughput:\s*{NUMBER} inf\./sec\.")
WAKE_ACCURACY = re.compile(
    r".*Accuracy: (\d+) True positives, (\d+) False negatives, (\d+) False positives"
)
WAKE_DUTY = re.compile(rf".*Average duty cycle:\s*{NUMBER}")


def check_run(rules: Rules, folder: Path, model: str, division: str) -> None:
    """Apply the rules to the folder of one run; its name is its mode."""
    mode = folder.resolve().name
    task = task_of(model)
    if mode not in MODES:
        rules.add(folder, f"a run's folder is {', '.join(MODES)}", False, mode)
        return
    older = os.path.exists(folder.parent / OLDER)
    _check_files(rules, folder, model, OLDER_FILES if older else FILES)
    lines = _read_lines(rules, folder)
    if model == "sww":
        _check_wake_words(rules, folder, lines, mode, division)
        return
    _CHECKS[mode](rules, folder, lines, task, division)
    if mode != "accuracy" and not older:
        _check_data(rules, folder, mode)


def _check_files(rules: Rules, folder: Path, model: str, files: tuple[str, ...]) -> None:
    wanted = {*files, *([PICTURE] if model == "sww" and folder.name == "energy" else [])}
    there = {name for name in os.listdir(folder) if os.path.isfile(folder / name)}
    missing, more = wanted - there, there - wanted - OPTIONAL
    if folder.resolve().name == "energy":
        more = {name for name in more if not re.fullmatch(r"energy_inf_\d{3}\.png", name)}
    wrong = [f"{n} is missing" for n in sorted(missing)] + [f"{n} is too many" for n in more]
    rules.add(folder, f"files {', '.join(sorted(wanted))}", not wrong, "; ".join(wrong) or "all")


def _read_lines(rules: Rules, folder: Path) -> list[str]:
    try:
        raw = read_bytes(folder / RESULTS, what="results", limit=MAX_TEXT)
    except InputError as error:
        rules.add(folder, f"{RESULTS} can be read", False, error.cause)
        return []
    return raw.decode("utf-8", "replace").splitlines()


def _last(pattern: re.Pattern[str], lines: list[str]) -> str | None:
    found = [m[1] for line in lines if (m := pattern.match(line))]
    return found[-1] if found else None


def _number(text: str | None) -> float | None:
    """Return the number that a pattern took; its own '1.2.3' is none."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _check_accuracy(
    rules: Rules, folder: Path, lines: list[str], task: Task | None, division: str
) -> None:
    metric = task.metric if task else "top-1"
    value = _number(_last(AUC if metric == "auc" else TOP1, lines))
    said = "no such line" if value is None else f"{value:g}"
    rules.add(folder, f"{RESULTS} has the line of {metric}", value is not None, said)
    if task and division == "closed":
        met = value is not None and value >= task.target
        rules.add(folder, f"{metric} is at least {task.target:g} (closed division)", met, said)


def _check_performance(
    rules: Rules, folder: Path, lines: list[str], task: Task | None, division: str
) -> None:
    value = _number(_last(THROUGHPUT, lines))
    said = "no such line" if value is None else f"{value:g} inf./sec."
    rules.add(folder, f"{RESULTS} has the median throughput", bool(value), said)


def _check_energy(
    rules: Rules, folder: Path, lines: list[str], task: Task | None, division: str
) -> None:
    value = _number(_last(ENERGY, lines))
    said = "no such line" if value is None else f"{value:g} uJ/inf."
    rules.add(folder, f"{RESULTS} has the median energy", bool(value), said)


_CHECKS: Mapping[str, Callable[[Rules, Path, list[str], Task | None, str], None]] = {
    "accuracy": _check_accuracy,
    "performance": _check_performance,
    "energy": _check_energy,
}


def _check_wake_words(
    rules: Rules, folder: Path, lines: list[str], mode: str, division: str
) -> None:
    patterns = {"estimated throughput": WAKE_THROUGHPUT, "average duty cycle": WAKE_DUTY}
    if mode == "energy":
        patterns["power"] = WAKE_ENERGY
    for name, pattern in patterns.items():
        found = _last(pattern, lines)
        rules.add(folder, f"{RESULTS} has the {name}", _number(found) is not None, found or "none")
    counts = [m.groups() for line in lines if (m := WAKE_ACCURACY.match(line))]
    hits, misses, alarms = map(int, counts[-1]) if counts else (0, 0, 0)
    said = f"{hits} hits, {misses} misses, {alarms} false alarms" if counts else "no such line"
    rules.add(folder, f"{WAKE_WORDS} wake words", hits + misses == WAKE_WORDS, said)
    if division == "closed":
        met = bool(counts) and misses <= 8 and alarms <= 8
        rules.add(folder, "at most 8 misses and 8 false alarms (closed division)", met, said)


def _check_data(rules: Rules, folder: Path, mode: str) -> None:
    """Apply the window rules to what results.json says of each window."""
    if not os.path.isfile(folder / DATA):
        return
    try:
        raw = read_bytes(folder / DATA, what="results", limit=MAX_DATA)
        windows = [_window(row, mode) for row in msgspec.json.decode(raw) if "infer" in row]
    except (InputError, msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError,
            ValueError, IndexError, RecursionError, ZeroDivisionError) as error:  # fmt: skip
        rules.add(folder, f"{DATA} has the windows", False, f"{type(error).__name__}: {error}")
        return
    rules.found.extend(check_windows(windows, where=rules.name(folder)))


def _window(row: dict[str, Any], mode: str) -> MlperfWindow:
    infer = row["infer"]
    if mode == "performance":
        duration = float(infer["elapsed_time"]) / 1e6
    else:
        power = row["power"]
        first, last = (float(stamp[1]) for stamp in power["timestamps"][-2:])
        duration = (last - first) / float(power.get("sampling_freq", 1000))
    return MlperfWindow(
        file=str(row.get("file", "")),
        inferences=int(infer["iterations"]),
        warmups=int(infer.get("warmups", 0)),
        duration_s=duration,
        host_s=0.0,
        answer_s=0.0,
    )
