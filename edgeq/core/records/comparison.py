"""Two models on one Linux board, and why one is slower."""

from __future__ import annotations

from typing import Literal

from edgeq.core.records.base import Kind, Record
from edgeq.core.records.result import Result


class OperatorGroup(Record, frozen=True, kw_only=True):
    """All operators of one type in one model. `time_s` is None where they were not timed."""

    model: str
    op: str
    operators: int
    delegated: int | None
    macs: int
    time_s: float | None
    traffic_bytes: int


class ComparisonRecord(Record, frozen=True, kw_only=True):
    """The results of both models, in the order in which they were named.

    `ratio` is the first one's median over the second's. `findings` say what explains it, most
    telling first; each rests on figures of the two results.
    """

    schema: Literal["edgeq.comparison/1"] = "edgeq.comparison/1"
    kind: Kind = "measured"
    first: Result
    second: Result
    ratio: float
    groups: tuple[OperatorGroup, ...]
    findings: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether both results may be used."""
        return self.first.passed and self.second.passed
