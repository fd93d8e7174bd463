"""Runs of MLPerf Tiny and checks of submissions as tables."""

from __future__ import annotations

from collections.abc import Sequence

from edgeq.core.records.mlperf import MlperfRecord, RuleRecord, SubmissionCheck
from edgeq.core.units import format_seconds
from edgeq.report.table import Table, Tables, facts, make_table


def mlperf_tables(record: MlperfRecord) -> Tables:
    """One run: its figure, its windows or classes, and the rules of a submission."""
    tables = [_run_table(record)]
    if record.windows:
        tables.append(_window_table(record))
    if record.accuracy is not None and record.accuracy.classes:
        rows = (
            (str(c.label), str(c.files), str(c.correct), f"{100 * c.correct / c.files:.1f} %")
            for c in record.accuracy.classes
            if c.files
        )
        tables.append(make_table("Classes", ">class|>files|>right|>share", rows))
    return (*tables, rule_table(record.rules))


def submission_tables(check: SubmissionCheck) -> Tables:
    """The rules of a submission on a folder."""
    values = {
        "folder": check.folder,
        "division": check.division,
        "rules": f"MLPerf Tiny {check.version}",
        "verdict": "every rule holds" if check.passed else "rules are broken",
    }
    return (facts("Submission", values), rule_table(check.rules))


def rule_table(rules: Sequence[RuleRecord]) -> Table:
    """Each rule, those that are broken first."""
    rows = (
        (r.where, r.rule, "holds" if r.passed else "BROKEN", r.found)
        for r in sorted(rules, key=lambda r: r.passed)
    )
    return make_table("Rules", "where|rule|verdict|found", rows)


def _run_table(record: MlperfRecord) -> Table:
    accuracy = record.accuracy
    values = {
        "task": record.task,
        "board": f"{record.dut.name} ({record.dut.board or 'by its port'}), {record.dut.model}",
        "median throughput": _figure(record, record.throughput, 1.0, "inferences/s"),
        "median energy": _figure(record, record.energy_j, 1e6, "uJ an inference"),
        "top-1": _figure(record, accuracy.top1 if accuracy else None, 1.0, "%"),
        "AUC": _figure(record, accuracy.auc if accuracy else None, 1.0, ""),
        "files": str(record.files),
        "meter": record.meter.name if record.meter else None,
        "valid for submission": "yes" if record.valid else "NO: a rule is broken",
        "folder": record.folder,
    }
    return facts(f"MLPerf Tiny {record.mode}", values, record.warnings)


def _figure(record: MlperfRecord, value: float | None, scale: float, unit: str) -> str | None:
    if value is None:
        return None
    return f"{value * scale:.4g} {unit}".rstrip() + f" ({record.kind})"


def _window_table(record: MlperfRecord) -> Table:
    rows = []
    for index, window in enumerate(record.windows):
        joules = window.energy_per_inference_j
        energy = "-" if joules is None else f"{1e6 * joules:.4g} uJ"
        rows.append((
            str(index + 1), window.file, str(window.inferences), f"{window.duration_s:.3f} s",
            format_seconds(window.duration_s / window.inferences), energy,
        ))  # fmt: skip
    return make_table(
        f"Windows ({record.kind})", ">window|file|>inferences|>length|>an inference|>energy", rows
    )
