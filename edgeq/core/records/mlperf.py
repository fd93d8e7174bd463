"""A run of MLPerf Tiny, and what a submission's rules say of it."""

from __future__ import annotations

from typing import Literal

from edgeq.core.records.base import Kind, Record
from edgeq.core.records.energy import MeterRecord

MlperfMode = Literal["performance", "accuracy", "energy"]


class DutRecord(Record, frozen=True, kw_only=True):
    """The device under test, as it names itself; `board` is edgeq's id where that is known."""

    name: str
    profile: str
    model: str
    board: str | None = None


class MlperfWindow(Record, frozen=True, kw_only=True):
    """One `infer` of a performance or energy run.

    `duration_s` is by the board's clock, in energy mode by the meter's; by the host's it lies
    between `host_s` and `answer_s`, the latter with warm-ups and the way there and back.
    `energy_j` is the energy of all its inferences.
    """

    file: str
    inferences: int
    warmups: int
    duration_s: float
    host_s: float
    answer_s: float
    energy_j: float | None = None
    lost_samples: int = 0
    clipped_samples: int = 0

    @property
    def throughput(self) -> float:
        """Inferences a second; 0 for a window without length."""
        return self.inferences / self.duration_s if self.duration_s > 0 else 0.0

    @property
    def energy_per_inference_j(self) -> float | None:
        """Joules an inference."""
        return None if self.energy_j is None else self.energy_j / self.inferences


class ClassScore(Record, frozen=True, kw_only=True):
    """How many files of a class there are, and how many of them the board got right."""

    label: int
    files: int
    correct: int


class AccuracyRecord(Record, frozen=True, kw_only=True):
    """Accuracy over all files. `top1` is in percent, None where a score alone is given.

    `auc` is the area under the ROC curve, for more than two classes the mean of one against the
    rest; None where a class has no file.
    """

    files: int
    top1: float | None
    auc: float | None
    classes: tuple[ClassScore, ...] = ()


class RuleRecord(Record, frozen=True, kw_only=True):
    """One rule of a submission: what it was applied to, whether it holds, and what was found."""

    where: str
    rule: str
    passed: bool
    found: str


class MlperfRecord(Record, frozen=True, kw_only=True):
    """The record of one run. `kind` says what its figures are; `folder` has its files.

    `throughput` (inferences a second) and `energy_j` (joules an inference) are medians over the
    windows. `valid` is false where a rule does not hold; `rules` says which.
    """

    schema: Literal["edgeq.mlperf/1"] = "edgeq.mlperf/1"
    mode: MlperfMode
    task: str
    kind: Kind
    dut: DutRecord
    files: int
    windows: tuple[MlperfWindow, ...] = ()
    throughput: float | None = None
    energy_j: float | None = None
    accuracy: AccuracyRecord | None = None
    meter: MeterRecord | None = None
    folder: str
    valid: bool
    rules: tuple[RuleRecord, ...]
    warnings: tuple[str, ...] = ()


class SubmissionCheck(Record, frozen=True, kw_only=True):
    """What the rules of a submission say of a folder."""

    folder: str
    division: str
    version: str
    rules: tuple[RuleRecord, ...]

    @property
    def passed(self) -> bool:
        """Whether every rule holds, and there was one to apply."""
        return bool(self.rules) and all(rule.passed for rule in self.rules)
