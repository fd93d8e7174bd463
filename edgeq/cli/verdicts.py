"""What check reads from its options, and how it prints its verdicts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from edgeq.cli.options import Format

if TYPE_CHECKING:
    from edgeq.bench.gates import Metric
    from edgeq.core.records import CheckRecord


def read_limits(
    *,
    latency: str | None = None,
    energy: str | None = None,
    flash: str | None = None,
    ram: str | None = None,
    accuracy: str | None = None,
) -> dict[Metric, float]:
    """Return the limits that were given, in seconds, joules, bytes and as a share."""
    from edgeq.core.units import parse_bytes, parse_quantity, parse_share

    given: list[tuple[Metric, str | None, Callable[[str], float]]] = [
        ("latency", latency, lambda text: parse_quantity(text, "s", what="--max-latency")),
        ("energy", energy, lambda text: parse_quantity(text, "J", what="--max-energy")),
        ("flash", flash, lambda text: parse_bytes(text, what="--max-flash")),
        ("ram", ram, lambda text: parse_bytes(text, what="--max-ram")),
        ("accuracy", accuracy, lambda text: parse_share(text, what="--min-accuracy")),
    ]
    return {metric: parse(text) for metric, text, parse in given if text is not None}


def print_verdicts(record: CheckRecord, form: str) -> None:
    """Print every verdict on stdout, and on stderr why the check failed."""
    from edgeq.cli.console import say, show
    from edgeq.core.errors import one_line
    from edgeq.report.annotations import to_github, to_junit
    from edgeq.report.checks import check_tables
    from edgeq.report.formats import to_markdown

    for_ci: dict[str, Callable[[CheckRecord], str]] = {
        "github": to_github,
        "junit": to_junit,
        "markdown": lambda checked: to_markdown(check_tables(checked)),
    }
    if form in for_ci:
        sys.stdout.write(for_ci[form](record))
    else:
        show(record, lambda: check_tables(record), Format(form))
    for result in record.results:
        for gate in result.gates:
            if not gate.passed:
                place = f"{gate.gate} of {result.model} on {result.board}"
                say(one_line(f"failed: {place}: {gate.text}"))
