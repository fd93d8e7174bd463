"""What a run leaves: results.txt, results.json and log.txt, as a submission has them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from edgeq.bench.mlperf.energy import SAMPLES_HZ, energy_samples, gate_windows
from edgeq.bench.mlperf.execution import Taken
from edgeq.core.files import write_atomic
from edgeq.core.records import Kind
from edgeq.core.records.mlperf import AccuracyRecord, MlperfMode, MlperfWindow, RuleRecord
from edgeq.device.meters.trace import Trace

RESULTS, DATA, LOG = "results.txt", "results.json", "log.txt"
FILES = (LOG, DATA, RESULTS)
RULE = "-" * 57
# What a number of each kind rests on, said in the results themselves.
KINDS = {
    "measured": "measured on the board",
    "simulated": "simulated: computed by a virtual board, or played by a simulated meter",
    "estimated": "estimated: a virtual board's clock, not the time of hardware",
}


def performance_lines(windows: Sequence[MlperfWindow], median: float | None) -> list[str]:
    """Return the lines of a performance run."""
    lines = []
    for index, window in enumerate(windows):
        lines += [
            f"Performance results for window {index + 1}:",
            f"    # Inferences : {window.inferences}",
            f"    Runtime      : {window.duration_s:.6f} sec.",
            f"    Throughput   : {window.throughput:.3f} inf./sec.",
        ]
    if median is not None:
        lines += [RULE, f"Median throughput is {median:>10.3f} inf./sec.", RULE]
    return lines


def energy_lines(windows: Sequence[MlperfWindow], median_j: float | None) -> list[str]:
    """Return the lines of an energy run."""
    lines = ["Power Edition Output"]
    for index, window in enumerate(windows):
        energy = window.energy_j or 0.0
        power = energy / window.duration_s if window.duration_s > 0 else 0.0
        lines += [
            f"Energy data for window {index + 1}:",
            f"    Elapsed time : {window.duration_s:.6f} sec.",
            f"    # Inferences : {window.inferences}",
            f"    Power        : {1e3 * power:.4f} mW.",
            f"    Total energy : {1e6 * energy:.3f} uJ",
            f"    Energy/Inf   : {1e6 * energy / window.inferences:.3f} uJ/inf.",
        ]
    if median_j is not None:
        lines += [RULE, f"Median energy cost is {1e6 * median_j:5.4f} uJ/inf.", RULE]
    return lines


def accuracy_lines(found: AccuracyRecord) -> list[str]:
    """Return the lines of an accuracy run."""
    lines = [f"Files: {found.files}"]
    lines += [f"    class {c.label}: {c.correct} of {c.files}" for c in found.classes]
    if found.top1 is not None:
        lines.append(f"Top 1% = {_floor(found.top1, 1):.1f}")
    if found.auc is not None:
        lines.append(f"AUC = {_floor(found.auc, 3):.3f}")
    return lines


def _floor(value: float, digits: int) -> float:
    """Round down: no run is reported to be better than it was."""
    return math.floor(value * 10.0**digits + 1e-9) / 10.0**digits


def results_text(
    lines: Sequence[str], kind: Kind, broken: Sequence[RuleRecord], now: datetime
) -> str:
    """Return results.txt: each line with the time and the name that the checker looks past."""
    lines = [*lines, f"Figures are {KINDS[kind]}."]
    lines += [f"ERROR: not valid for submission: {r.rule} (found {r.found})" for r in broken]
    stamp = now.strftime("%m%d.%H%M%S")
    return "".join(f"{stamp} ulp-mlperf: {line}\n" for line in lines)


def results_data(
    taken: Sequence[Taken], mode: MlperfMode, trace: Trace | None, channel: str | None
) -> bytes:
    """Return results.json: one object an inference, with the keys of the public runner."""
    letter = mode[0]
    rows = [_row(one) | {"mode": letter} for one in taken]
    if trace is not None:
        gates = gate_windows(trace, len(taken), channel)
        for row, gate in zip(rows, gates, strict=True):
            samples = energy_samples(trace, gate.span)
            row["power"] = {
                "samples": samples,
                "timestamps": [["0", 0], ["1", len(samples)]],
                "sampling_freq": SAMPLES_HZ,
                "voltage": trace.voltage_v,
            }
    return msgspec.json.format(msgspec.json.encode(rows), indent=1) + b"\n"


def _row(one: Taken) -> dict[str, Any]:
    found, sample = one.inference, one.sample
    infer: dict[str, Any] = {
        "iterations": found.inferences,
        "warmups": found.warmups,
        "results": found.results,
        "total_inferences": 1,
    }
    duration = found.duration_s
    if found.lap_us is not None and duration is not None:
        start = found.lap_us[0]
        elapsed = round(duration * 1e6)
        infer |= {"start_time": start, "end_time": start + elapsed, "elapsed_time": elapsed}
        infer["throughput"] = found.inferences / duration if duration > 0 else 0.0
    row: dict[str, Any] = {
        "file": sample.file,
        "classes": str(sample.classes),
        "class": str(sample.label),
        "infer": infer,
    }
    if sample.window_bytes is not None:
        row["bytes_to_send"], row["stride"] = str(sample.window_bytes), str(sample.stride_bytes)
    return row


def write_run(folder: Path, *, results: str, data: bytes, log: str) -> None:
    """Write the three files of a run, each atomically, results.txt last."""
    write_atomic(folder / LOG, log)
    write_atomic(folder / DATA, data)
    write_atomic(folder / RESULTS, results)
