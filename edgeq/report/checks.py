"""The verdicts of `edgeq check` as a table."""

from __future__ import annotations

from edgeq.core.records import CheckRecord
from edgeq.report.table import Tables, make_table


def check_tables(record: CheckRecord) -> Tables:
    """One row a gate; what failed says so."""
    rows = (
        (
            result.model,
            result.board,
            gate.gate,
            gate.verdict if gate.passed else f"FAILED: {gate.verdict}",
            gate.text,
        )
        for result in record.results
        for gate in result.gates
    )
    count = sum(not gate.passed for result in record.results for gate in result.gates)
    title = "Every gate passed" if record.passed else f"{count} gate{'s'[: count > 1]} failed"
    return (make_table(title, "model|board|gate|verdict|figures", rows),)
