"""Gates: does a result keep its limits, and is it no worse than its baseline?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from edgeq.bench.comparison import Comparison, Sample, compare
from edgeq.bench.trust import check_trust, find_differences
from edgeq.core.errors import UsageError
from edgeq.core.records import (
    CheckedResult,
    EvaluationRecord,
    GateRecord,
    Kind,
    Result,
    ValidationRecord,
)
from edgeq.core.records.check import Unit
from edgeq.core.units import format_amount, format_change

Metric = Literal["latency", "instructions", "energy", "flash", "ram", "accuracy", "error"]

LESS_IS_BETTER = "mae"
ROUNDING = 1e-9  # a limit of 5us is a little less than 5e-6


@dataclass(frozen=True, slots=True)
class Subject:
    """A result with where it was read from, and what a deploy also knows of it."""

    file: str
    result: Result
    evaluation: EvaluationRecord | None = None
    validation: ValidationRecord | None = None


@dataclass(frozen=True, slots=True)
class Quantity:
    """One metric of a subject: its samples, its unit, and what kind of number it is."""

    sample: Sample
    unit: Unit | None
    kind: Kind | None


@dataclass(frozen=True, slots=True)
class Rules:
    """What a result must keep.

    Args:
        limits: the most of each metric, in seconds, joules and bytes; the least of accuracy.
        tolerance: how much worse than the baseline, as a share, does not matter.
        allowed: names of what is wrong with a result and is accepted all the same.
        strict: what noise hides fails too.
    """

    limits: Mapping[Metric, float] = field(default_factory=dict)
    tolerance: float = 0.03
    allowed: frozenset[str] = frozenset()
    strict: bool = False


def check_subject(subject: Subject, rules: Rules, baseline: Subject | None = None) -> CheckedResult:
    """Return the verdicts of every gate that `rules` and the baseline give to one result."""
    result = subject.result
    trust = check_trust(result, subject.validation, rules.allowed, rules.strict)
    limits = (_check_limit(subject, metric, rules) for metric in METRICS if metric in rules.limits)
    changes = _check_changes(subject, baseline, rules) if baseline is not None else ()
    return CheckedResult(
        file=subject.file,
        model=result.model.name,
        board=result.board.id,
        engine=result.engine.name,
        baseline=baseline.file if baseline else None,
        gates=(*trust, *limits, *changes),
    )


def find_baseline(
    subject: Subject, baselines: Sequence[Subject], allowed: frozenset[str] = frozenset()
) -> Subject | None:
    """Return the baseline that differs least from the subject; None where there are no baselines.

    Raises:
        UsageError: it differs in more than what is `allowed` of model, board, engine, kind, data.
    """
    if not baselines:
        return None
    refused, baseline = min(
        ((_refused(subject, baseline, allowed), baseline) for baseline in baselines),
        key=lambda pair: len(pair[0]),
    )
    if refused:
        words = "; ".join(f"another {name}: {text}" for name, text in refused.items())
        options = " ".join(f"--allow-different {name}" for name in refused)
        raise UsageError(
            f"{subject.file} cannot be compared with {baseline.file}: {words}",
            hint=f"measure the baseline again, or say so: {options}",
        )
    return baseline


def _refused(subject: Subject, baseline: Subject, allowed: frozenset[str]) -> dict[str, str]:
    found = find_differences(
        subject.result, baseline.result, subject.evaluation, baseline.evaluation
    )
    return {name: words for name, words in found.items() if name not in allowed}


def _check_limit(subject: Subject, metric: Metric, rules: Rules) -> GateRecord:
    """Compare the figure itself, as it is printed, with the limit: no tolerance."""
    quantity, limit = METRICS[metric](subject), rules.limits[metric]
    if quantity is None:
        text = f"the result has no {metric}, so its limit cannot hold"
        return GateRecord(gate=metric, verdict="missing", passed=False, text=text, limit=limit)
    value, unit = quantity.sample.value, quantity.unit
    higher = quantity.sample.higher_is_better
    holds = value >= limit * (1 - ROUNDING) if higher else value <= limit * (1 + ROUNDING)
    return GateRecord(
        gate=metric,
        verdict="holds" if holds else "exceeds",
        passed=holds,
        text=_limit_text(quantity, limit, holds),
        unit=unit,
        kind=quantity.kind,
        value=value,
        limit=limit,
    )


def _limit_text(quantity: Quantity, limit: float, holds: bool) -> str:
    figure, words = _figure(quantity), format_amount(limit, quantity.unit)
    if quantity.sample.higher_is_better:
        return f"{figure} {'reaches' if holds else 'is below'} the least of {words}"
    if holds:
        return f"{figure} is within the limit of {words}"
    ratio = quantity.sample.value / limit if limit else math.inf
    above = f"{100 * (ratio - 1):.3g} % above" if ratio < 2 else f"{ratio:,.0f} times"
    above = above if math.isfinite(ratio) else "above"
    return f"{figure} is {above} the limit of {words}"


def _figure(quantity: Quantity) -> str:
    kind = f" ({quantity.kind})" if quantity.kind else ""
    return format_amount(quantity.sample.value, quantity.unit) + kind


def _check_changes(subject: Subject, baseline: Subject, rules: Rules) -> Iterator[GateRecord]:
    for metric, read in METRICS.items():
        current, earlier = read(subject), read(baseline)
        if earlier is None:
            continue
        if current is None:
            text = f"the baseline has {_figure(earlier)}, the result has no {metric}"
            yield GateRecord(
                gate=metric, verdict="cannot tell", passed=not rules.strict, text=text,
                unit=earlier.unit, baseline=earlier.sample.value,
            )  # fmt: skip
            continue
        found = compare(current.sample, earlier.sample, rules.tolerance)
        yield GateRecord(
            gate=metric,
            verdict=found.outcome,
            passed=found.outcome in ("same", "improvement")
            or (found.outcome == "cannot tell" and not rules.strict),
            text=_change_text(current, earlier, found, rules.tolerance),
            unit=current.unit,
            kind=current.kind,
            value=current.sample.value,
            baseline=earlier.sample.value,
            change=found.change if abs(found.change) < float("inf") else None,
            change_low=found.low,
            change_high=found.high,
            p_value=found.p_value,
        )


def _change_text(current: Quantity, earlier: Quantity, found: Comparison, tolerance: float) -> str:
    before = format_amount(earlier.sample.value, earlier.unit)
    text = f"{_figure(current)} against {before}: {format_change(found.change)}"
    if found.outcome in ("regression", "improvement"):
        text += f", more than {100 * tolerance:g} %"
    notes = [found.reason] if found.reason else []
    if found.low is not None and found.high is not None:
        notes.append(f"95 % sure: {format_change(found.low)} to {format_change(found.high)}")
    if found.p_value is not None:
        if found.outcome != "same":
            notes.append(f"p = {found.p_value:.2g}")
        notes.append(f"{len(current.sample.runs)} and {len(earlier.sample.runs)} runs")
    return f"{text} ({', '.join(notes)})" if notes else text


# --- metrics -------------------------------------------------------------------------------------


def _latency(subject: Subject) -> Quantity:
    latency = subject.result.latency
    exact = latency.kind != "measured"
    return Quantity(Sample(latency.median_s, latency.samples_s, exact), "s", latency.kind)


def _instructions(subject: Subject) -> Quantity | None:
    latency = subject.result.latency
    if latency.instructions is None or latency.kind == "measured":
        return None
    kind = subject.result.board.counted
    return Quantity(Sample(latency.instructions, exact=True), "instructions", kind)


def _energy(subject: Subject) -> Quantity | None:
    energy = subject.result.energy
    if energy is None:
        return None
    windows = tuple(w.energy_j / w.inferences for w in energy.windows if w.used and w.inferences)
    # An estimate is power times latency: as exact as the latency that it was made from.
    exact = energy.kind != "measured" and subject.result.latency.kind != "measured"
    return Quantity(Sample(energy.per_inference_j, windows, exact), "J", energy.kind)


def _flash(subject: Subject) -> Quantity:
    return Quantity(Sample(subject.result.memory.flash_bytes, exact=True), "bytes", None)


def _ram(subject: Subject) -> Quantity | None:
    """Return what the linker and the stack's mark say; on a Linux machine, what the process grew.

    The latter is one figure with noise, and none where the machine does not tell.
    """
    result = subject.result
    if result.ram_bytes is None:
        return None
    sample = Sample(result.ram_bytes, exact=result.host is None)
    return Quantity(sample, "bytes", result.board.counted)


def _accuracy(subject: Subject) -> Quantity | None:
    found = subject.evaluation
    if found is None or found.metric == LESS_IS_BETTER:
        return None
    return Quantity(Sample(found.int8_value, exact=True, higher_is_better=True), "share", None)


def _error(subject: Subject) -> Quantity | None:
    found = subject.evaluation
    if found is None or found.metric != LESS_IS_BETTER:
        return None
    return Quantity(Sample(found.int8_value, exact=True), None, None)


METRICS: dict[Metric, Callable[[Subject], Quantity | None]] = {
    "latency": _latency,
    "instructions": _instructions,
    "energy": _energy,
    "flash": _flash,
    "ram": _ram,
    "accuracy": _accuracy,
    "error": _error,
}
