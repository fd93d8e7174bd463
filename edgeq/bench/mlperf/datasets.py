"""Datasets: y_labels.csv and the files that it names, as MLPerf Tiny's evaluation folders have."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgeq.bench.mlperf.tasks import Task
from edgeq.core.errors import InputError, one_line
from edgeq.core.files import confined, read_bytes

LABELS = "y_labels.csv"
MAX_LABELS = 16 << 20
MAX_FILES = 100_000
MAX_FILE = 16 << 20
MAX_CLASSES = 10_000


@dataclass(frozen=True, slots=True)
class Sample:
    """A row of the labels: a file, its class, and the windows that it is cut into (None: whole)."""

    file: str
    classes: int
    label: int
    window_bytes: int | None = None
    stride_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class MlperfDataset:
    """A folder with its labels, each file there and of a size that the task can take."""

    folder: Path
    samples: tuple[Sample, ...]

    def count_windows(self, sample: Sample) -> int:
        """Return how many windows the file of a sample has."""
        if sample.window_bytes is None:
            return 1
        size = os.stat(confined(self.folder, sample.file)).st_size
        return (size - sample.window_bytes) // (sample.stride_bytes or sample.window_bytes) + 1

    def windows(self, sample: Sample) -> list[bytes]:
        """Return what is loaded to the board for a sample, one `db load` each.

        A file with windows gives every whole one, `stride_bytes` apart.
        """
        data = read_bytes(confined(self.folder, sample.file), what="sample", limit=MAX_FILE)
        if sample.window_bytes is None:
            return [data]
        width, stride = sample.window_bytes, sample.stride_bytes or sample.window_bytes
        return [data[i : i + width] for i in range(0, len(data) - width + 1, stride)]


def read_dataset(folder: Path, task: Task, labels: str = LABELS) -> MlperfDataset:
    """Read the dataset of a task: `folder` is its own, or holds it under the task's name.

    Raises:
        InputError: no labels, a row or a path that is not sound, or a file of another size.
    """
    place = _find_folder(folder, task, labels)
    samples = tuple(_read_rows(confined(place, labels), task))
    dataset = MlperfDataset(place, samples)
    for sample in samples:
        _check_file(place, sample, task)
    return dataset


def _find_folder(folder: Path, task: Task, labels: str) -> Path:
    for place in (folder / task.dataset, folder):
        if os.path.isfile(place / labels):
            return place
    raise InputError(
        f"no {labels} in {folder} or in its folder {task.dataset}",
        hint="name the folder of the evaluation files with --dataset",
    )


def _read_rows(path: Path, task: Task) -> Iterator[Sample]:
    text = read_bytes(path, what="labels", limit=MAX_LABELS).decode("utf-8-sig", "replace")
    count = 0
    try:
        for row in csv.reader(io.StringIO(text, newline="")):
            if row:
                count += 1
                if count > MAX_FILES:
                    raise _bad(path, count, f"more than {MAX_FILES:,} files")
                yield _parse_row(path, count, [cell.strip() for cell in row], task)
    except csv.Error as error:
        raise _bad(path, count + 1, str(error)) from error
    if not count:
        raise _bad(path, count, "0 files")


def _parse_row(path: Path, line: int, row: list[str], task: Task) -> Sample:
    if len(row) not in (3, 5):
        raise _bad(path, line, f"{len(row)} fields, where 3 or 5 are meant")
    try:
        classes, label, *window = (int(cell) for cell in row[1:])
    except ValueError as error:
        raise _bad(path, line, f"a field is no number: {','.join(row)[:80]}") from error
    if not 0 < classes <= MAX_CLASSES or not 0 <= label < classes:
        raise _bad(path, line, f"class {label} of {classes}")
    if classes != task.classes:
        raise _bad(path, line, f"{classes} classes, where {task.id} has {task.classes}")
    if window and (window[0] != task.input_bytes or not 0 < window[1] <= window[0]):
        raise _bad(path, line, f"windows of {window[0]} bytes, {window[1]} apart")
    return Sample(row[0], classes, label, *window)


def _check_file(folder: Path, sample: Sample, task: Task) -> None:
    path = confined(folder, sample.file)
    try:
        size = os.stat(path).st_size
    except OSError as error:
        raise InputError(
            f"{folder / LABELS} names {one_line(sample.file)}, which is not there",
            hint="is the dataset complete?",
        ) from error
    whole = sample.window_bytes is None
    if size != task.input_bytes if whole else not task.input_bytes <= size <= MAX_FILE:
        meant = f"{task.input_bytes:,}" if whole else f"{task.input_bytes:,} or more"
        raise InputError(
            f"{path} has {size:,} bytes, not the {meant} of {task.id}",
            hint="choose the task with --task, or the folder of its files with --dataset",
        )


def _bad(path: Path, line: int, why: str) -> InputError:
    return InputError(
        f"{path} line {line}: {one_line(why)}",
        hint="a line is file,classes,label or file,classes,label,window_bytes,stride_bytes",
    )
