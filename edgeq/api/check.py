"""Gates over results: limits, and the comparison with a baseline."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.core.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from edgeq.bench.gates import Metric
    from edgeq.core.records import CheckRecord


def check(
    results: Sequence[Path],
    *,
    limits: Mapping[Metric, float] | None = None,
    against: Sequence[Path] = (),
    tolerance: float = 0.03,
    allow: Collection[str] = (),
    allow_different: Collection[str] = (),
    strict: bool = False,
) -> CheckRecord:
    """Hold results against limits, and each against its baseline.

    Args:
        limits: the most seconds of latency, joules of energy, bytes of flash and ram; the least
            accuracy, as a share.
        against: one baseline for the one result, or for several results as many baselines, each
            taken for the results of its model and board.
        tolerance: the share by which a result may be worse than its baseline.
        allow: of wrong-output, throttled and incomplete-energy, what does not fail.
        allow_different: of model, board, engine, kind and data, what may differ from the baseline.
        strict: what noise hides, or nobody measured, fails too.

    Raises:
        InputError: a file is no result.
        UsageError: nothing to check, a name that does not exist, a baseline of something else.
    """
    from edgeq.bench.gates import Rules, check_subject, find_baseline
    from edgeq.bench.trust import ALLOWANCES, DIFFERENCES
    from edgeq.core.records import CheckRecord
    from edgeq.report.results import read_subject

    _refuse_unknown("--allow", allow, ALLOWANCES)
    _refuse_unknown("--allow-different", allow_different, DIFFERENCES)
    if not results:
        raise UsageError("no result to check", hint="edgeq check result.json --max-latency 5ms")
    subjects = [read_subject(path) for path in results]
    baselines = [read_subject(path) for path in against]
    rules = Rules(dict(limits or {}), tolerance, frozenset(allow), strict)
    checked = tuple(
        check_subject(s, rules, find_baseline(s, baselines, frozenset(allow_different)))
        for s in subjects
    )
    return CheckRecord(passed=all(c.passed for c in checked), results=checked)


def _refuse_unknown(option: str, given: Collection[str], known: Sequence[str]) -> None:
    for name in given:
        if name not in known:
            raise UsageError(
                f"{option} {name!r} does not exist.{did_you_mean(name, known)}",
                hint=f"{option} takes {', '.join(known)}",
            )
