"""What `edgeq check` found: one verdict a gate, with the numbers that it rests on."""

from __future__ import annotations

from typing import Literal

from edgeq.core.records.base import Kind, Record

Verdict = Literal[
    "holds",  # a limit
    "exceeds",
    "missing",
    "same",  # against the baseline
    "improvement",
    "regression",
    "cannot tell",
    "sound",  # the result itself
    "unsound",
    "allowed",
]
Unit = Literal["s", "J", "bytes", "instructions", "share"]


class GateRecord(Record, frozen=True, kw_only=True):
    """One gate. `text` says the verdict with its numbers, in one line.

    `value` stands against `limit` (as given) or `baseline`, all in `unit`; `change` is their
    relative difference, positive where the value is greater. Where there was noise to judge,
    `change_low` and `change_high` bound the 95 % interval of the change, and `p_value` is the
    probability that noise alone would show as much.
    """

    gate: str
    verdict: Verdict
    passed: bool
    text: str
    unit: Unit | None = None
    kind: Kind | None = None
    value: float | None = None
    limit: float | None = None
    baseline: float | None = None
    change: float | None = None
    change_low: float | None = None
    change_high: float | None = None
    p_value: float | None = None


class CheckedResult(Record, frozen=True, kw_only=True):
    """The gates of one result; `baseline` names the file that it was compared with."""

    file: str
    model: str
    board: str
    engine: str
    gates: tuple[GateRecord, ...]
    baseline: str | None = None

    @property
    def passed(self) -> bool:
        """Whether every gate passed."""
        return all(gate.passed for gate in self.gates)


class CheckRecord(Record, frozen=True, kw_only=True):
    """Every result that was checked, in the order given."""

    schema: Literal["edgeq.check/1"] = "edgeq.check/1"
    passed: bool
    results: tuple[CheckedResult, ...]
