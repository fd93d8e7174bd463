"""The benchmarks of MLPerf Tiny: their inputs, their targets and their windows, in one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from edgeq.core.errors import UsageError, did_you_mean

Metric = Literal["top-1", "auc", "detections"]


@dataclass(frozen=True, slots=True)
class Task:
    """A benchmark.

    `id` is what firmware and scripts call it, `folder` what a submission calls it, `dataset` the
    folder of its files. `input_bytes` are those of one `db load`. `target` is what the closed
    division asks for: percent, or area under the curve, or wrong detections of each sort.
    `performance` and `energy` are inferences and warm-ups of a window, as the public scripts have
    them.
    """

    id: str
    folder: str
    title: str
    dataset: str
    input_bytes: int
    classes: int
    metric: Metric
    target: float
    performance: tuple[int, int]
    energy: tuple[int, int]


TASKS: Mapping[str, Task] = {
    task.id: task
    for task in (
        Task("ad01", "ad", "anomaly detection", "ad01", 2560, 2, "auc", 0.85,
             (1500, 10), (1500, 0)),
        Task("ic01", "ic", "image classification", "ic01", 3072, 10, "top-1", 85.0,
             (20, 5), (20, 0)),
        Task("ic02", "ic2", "image classification, larger model", "ic01", 3072, 10, "top-1", 91.0,
             (20, 5), (20, 0)),
        Task("kws01", "kws", "keyword spotting", "kws01", 490, 12, "top-1", 90.0,
             (70, 10), (70, 10)),
        Task("vww01", "vww", "visual wake words", "vww01", 27648, 2, "top-1", 80.0,
             (20, 5), (20, 5)),
        Task("sww01", "sww", "streaming wake word", "sww01", 0, 2, "detections", 8.0,
             (1, 0), (1, 0)),
    )
}  # fmt: skip
# The reference firmware's header has another name than the runner's scripts.
ALIASES = {"strww01": "sww01"}
STREAMING = "sww01"


def find_task(name: str) -> Task:
    """Return the task that a board, a script or a user calls `name`.

    Raises:
        UsageError: there is none.
    """
    task = TASKS.get(ALIASES.get(name, name))
    if task is None:
        raise UsageError(
            f"no MLPerf Tiny task '{name}'.{did_you_mean(name, TASKS)}",
            hint=f"choose one with --task: {', '.join(TASKS)}",
        )
    return task
