"""The rules of a submission, version 1.4, applied to a folder of any level.

Read from the public submission checker (mlcommons/tiny, tools/submission/submission_checker.py) and
written anew. A submission is DIVISION/SUBMITTER/{systems/SYSTEM.json, results/SYSTEM/MODEL/MODE/};
each run's folder has log.txt, results.json and results.txt. The window rules are those of the run
itself, read from results.json; the public checker takes them on trust.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from edgeq.bench.mlperf.rules import MODES, Rules, task_of
from edgeq.bench.mlperf.run_rules import check_run
from edgeq.core.errors import InputError, UsageError
from edgeq.core.files import read_bytes
from edgeq.core.records.mlperf import SubmissionCheck

VERSION = "v1.4"
DIVISIONS = ("closed", "open")
STATUSES = ("available", "preview", "rdi")
MAX_BYTES = 500 << 20
MAX_ENTRIES = 100_000
REQUIRED = ("accuracy", "performance")


def check_submission(folder: Path, *, division: str = "closed") -> SubmissionCheck:
    """Apply the rules to a submission, or to a part of it: a system, a model or one run.

    Args:
        division: of a part; a whole submission names its own.

    Raises:
        UsageError: no such division.
        InputError: the folder is none of these.
    """
    if division not in DIVISIONS:
        raise UsageError(f"no division '{division}'", hint=f"choose {' or '.join(DIVISIONS)}")
    if not os.path.isdir(folder):
        raise InputError(f"{folder} is no folder", hint="name a submission or a part of one")
    rules = Rules(Path(folder))
    names = rules.folders(rules.root)
    if whole := sorted(set(names) & set(DIVISIONS)):
        division = ", ".join(whole)
        _check_root(rules)
    elif os.path.isfile(rules.root / "results.txt"):
        check_run(rules, rules.root, _model_above(rules), division)
    elif set(names) & set(MODES):
        _check_model(rules, rules.root, division)
    elif any(task_of(name) for name in names):
        _check_system(rules, rules.root, division)
    else:
        raise InputError(
            f"{folder} holds no submission",
            hint="name a folder with results.txt, with accuracy/, with models (ic/), or closed/",
        )
    _check_tree(rules)
    return SubmissionCheck(
        folder=str(folder), division=division, version=VERSION, rules=tuple(rules.found)
    )


def _model_above(rules: Rules) -> str:
    return rules.root.resolve().parent.name


def _check_root(rules: Rules) -> None:
    for division in rules.folders(rules.root):
        known = division in DIVISIONS or division in (".git", ".github", "assets", ".vscode")
        rules.add(rules.root / division, "a division is closed or open", known, division)
        if division in DIVISIONS:
            for submitter in rules.folders(rules.root / division):
                _check_submitter(rules, rules.root / division / submitter, division)


def _check_submitter(rules: Rules, folder: Path, division: str) -> None:
    results = folder / "results"
    rules.add(folder, "a submitter has results", results.is_dir(), "results")
    for system in rules.folders(results):
        _check_description(rules, folder / "systems" / f"{system}.json")
        _check_system(rules, results / system, division)


def _check_description(rules: Rules, path: Path) -> None:
    """Check the JSON that describes a system."""
    rule = f"a system is described, its Status {', '.join(STATUSES)}"
    try:
        found = msgspec.json.decode(read_bytes(path, what="system description", limit=1 << 20))
        status = str(found["Status"]).lower()
    except (InputError, msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        rules.add(path, rule, False, f"{type(error).__name__}: {error}")
        return
    rules.add(path, rule, status in STATUSES, status)


def _check_system(rules: Rules, folder: Path, division: str) -> None:
    models = rules.folders(folder)
    for model in models:
        if model == "ic2":
            rules.add(folder / model, "ic2 comes with ic", "ic" in models, ", ".join(models))
        _check_model(rules, folder / model, division)


def _check_model(rules: Rules, folder: Path, division: str) -> None:
    model = folder.resolve().name
    task = task_of(model)
    modes = rules.folders(folder)
    if division == "closed":
        rules.add(folder, "the closed division has the benchmark's own models", bool(task), model)
    if model == "sww":
        there = "energy" in modes or "performance" in modes
        rules.add(folder, "sww has an energy or a performance run", there, ", ".join(modes))
    else:
        for mode in REQUIRED:
            rules.add(folder, f"a model has {mode}", mode in modes, ", ".join(modes) or "none")
    for mode in modes:
        if mode in MODES:
            check_run(rules, folder / mode, model, division)


def _check_tree(rules: Rules) -> None:
    """Check what holds for every file: no links, no caches, nothing empty, nothing huge."""
    bad: dict[str, list[str]] = {"link": [], "cache": [], "empty": [], "size": []}
    for place, folders, files in _walk(rules.root):
        if not folders and not files:
            bad["empty"].append(rules.name(place))
        if place.name == "__pycache__":
            bad["cache"].append(rules.name(place))
        for path in (place / name for name in files):
            if path.is_symlink():
                bad["link"].append(rules.name(path))
            elif path.stat().st_size > MAX_BYTES:
                bad["size"].append(rules.name(path))
    wanted = {
        "link": "no symbolic links",
        "cache": "no __pycache__",
        "empty": "no empty folders",
        "size": f"no file over {MAX_BYTES >> 20} MiB",
    }
    for key, rule in wanted.items():
        found = ", ".join(bad[key][:5]) or "none"
        rules.add(rules.root, rule, not bad[key], found)


def _walk(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    count = 0
    for place, folders, files in os.walk(root):
        count += len(folders) + len(files)
        if count > MAX_ENTRIES:
            raise InputError(
                f"{root} has more than {MAX_ENTRIES:,} files", hint="name the submission alone"
            )
        yield Path(place), folders, files
