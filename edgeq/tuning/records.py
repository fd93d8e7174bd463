"""What a search writes: its trials, its front, and what it chose."""

from __future__ import annotations

from typing import Literal

from edgeq.core.records.base import Kind, Record
from edgeq.tuning.candidates import Candidate
from edgeq.tuning.request import TuneLimits

Verdict = Literal["ok", "misfit", "failed"]


class Costs(Record, frozen=True, kw_only=True):
    """What a model costs on the board; `kind` is that of the latency.

    Sizes are those of the compiled model and its kernels, as the linker left them. `bit_exact`
    says whether a virtual board computed the oracle's bytes, None where none ran it.
    """

    flash_bytes: int
    ram_bytes: int
    latency_s: float | None
    kind: Kind
    bit_exact: bool | None = None


class Score(Record, frozen=True, kw_only=True):
    """A metric with the bounds of its 95 % confidence interval."""

    metric: str
    value: float
    low: float
    high: float
    samples: int
    higher_is_better: bool = True

    def lost_against(self, other: Score) -> float:
        """Return the points lost against `other`: of a share, or per cent of an error's growth."""
        if self.higher_is_better:
            return 100 * (other.value - self.value)
        return 100 * (self.value / other.value - 1) if other.value else 0.0


class TrialRecord(Record, frozen=True, kw_only=True):
    """One trial. `score` is on samples that neither trained nor calibrated nor judge the result.

    `number` counts the trials as they ended; `floating` is the float model's score, which the
    trial of plain int8 finds on the way; `error` is the class of what failed, `cause` its words.
    """

    key: str
    number: int = 0
    candidate: Candidate
    verdict: Verdict
    score: Score | None = None
    floating: Score | None = None
    sqnr_db: float | None = None
    costs: Costs | None = None
    model_bytes: int | None = None
    cause: str | None = None
    error: str = ""
    seconds: float = 0.0


class Finalist(Record, frozen=True, kw_only=True):
    """A model of the front: its trial, its recipe as TOML, its figure on the evaluation split.

    `excess` is the share by which it misses the limit that it misses most, `price` the mean of its
    costs as shares of plain int8's.
    """

    trial: TrialRecord
    recipe: str
    excess: float
    price: float
    evaluation: Score | None = None


class TuneRecord(Record, frozen=True, kw_only=True):
    """A whole search.

    `chosen` is the place in `front` of the cheapest model that meets the limits; where none does,
    None, and `closest` is the place of the model that misses them by the least.
    """

    schema: Literal["edgeq.tune/1"] = "edgeq.tune/1"
    model: str
    model_sha256: str
    dataset: str
    board: str
    seed: int
    edgeq_version: str
    limits: TuneLimits
    float_score: Score
    trials: tuple[TrialRecord, ...]
    front: tuple[Finalist, ...]
    chosen: int | None
    closest: int | None
    layers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
