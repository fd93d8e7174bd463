"""The folder of a search: what it is about, and a folder a trial, so that it can go on.

search.json         what the search is about: another one is refused
trials/KEY/         trial.json, the model, the recipe, checkpoints of its training
tune.json, tune.csv, tune.html, chosen.tflite, chosen.toml
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from edgeq.core.errors import UsageError
from edgeq.core.files import write_atomic
from edgeq.core.records.base import Record
from edgeq.tuning.records import TrialRecord

SEARCH, SENSITIVITY = "search.json", "sensitivity.json"
TRIALS, TRIAL, RECIPE = "trials", "trial.json", "recipe.toml"


def claim_folder(folder: Path, identity: Record) -> None:
    """Write what the search is about, or check that the folder is of the same search.

    Raises:
        UsageError: it holds another search.
    """
    path = folder / SEARCH
    text = msgspec.json.format(msgspec.json.encode(identity, order="sorted"), indent=2) + b"\n"
    if not path.exists():
        write_atomic(path, text)
    elif path.read_bytes() != text:
        raise UsageError(
            f"{folder} holds another search: its model, data, board, options or edgeq differ",
            hint="choose another folder with --out, or forget the old one with --fresh",
        )


def forget_search(folder: Path) -> None:
    """Remove what the folder has of a search; files that are not ours stay."""
    shutil.rmtree(folder / TRIALS, ignore_errors=True)
    for name in (SEARCH, SENSITIVITY):
        (folder / name).unlink(missing_ok=True)


def read_trials(folder: Path) -> tuple[TrialRecord, ...]:
    """Return the finished trials in the order in which they ended; a damaged one counts as none."""
    found = []
    for path in sorted((folder / TRIALS).glob(f"*/{TRIAL}")):
        try:
            record = msgspec.json.decode(path.read_bytes(), type=TrialRecord)
        except (OSError, msgspec.MsgspecError, RecursionError):
            continue
        if record.key == path.parent.name:
            found.append(record)
    return tuple(sorted(found, key=lambda record: (record.number, record.key)))


def save_trial(folder: Path, record: TrialRecord) -> None:
    """Keep a finished trial."""
    text = msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
    write_atomic(trial_folder(folder, record.key) / TRIAL, text)


def trial_folder(folder: Path, key: str) -> Path:
    """Return the folder of a trial."""
    return folder / TRIALS / key
