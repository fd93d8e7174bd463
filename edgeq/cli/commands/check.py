"""edgeq check"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class CheckFormat(str, Enum):
    """How verdicts are printed: for people, for programs, for CI services."""

    text = "text"
    json = "json"
    csv = "csv"
    github = "github"
    junit = "junit"
    markdown = "markdown"


def check(
    results: Annotated[
        list[Path], typer.Argument(help="result.json or report.json files.", show_default=False)
    ],
    max_latency: Annotated[str | None, typer.Option(help="E.g. 5ms, 800us, 0.1s.")] = None,
    max_energy: Annotated[str | None, typer.Option(help="An inference: 1mJ, 40uJ.")] = None,
    max_flash: Annotated[str | None, typer.Option(help="64k = 64KiB; 64KB = 64,000.")] = None,
    max_ram: Annotated[str | None, typer.Option(help="16k.")] = None,
    min_accuracy: Annotated[str | None, typer.Option(help="Of a deploy: 95% or 0.95.")] = None,
    against: Annotated[
        list[Path] | None, typer.Option(help="A baseline; repeat it for several results.")
    ] = None,
    max_regression: Annotated[
        str, typer.Option(help="How much worse than the baseline is no matter.")
    ] = "3%",
    allow: Annotated[
        list[str] | None, typer.Option(help="wrong-output, throttled or incomplete-energy.")
    ] = None,
    allow_different: Annotated[
        list[str] | None, typer.Option(help="model, board, engine, kind or data.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="What cannot be told fails, too.")
    ] = False,
    form: Annotated[CheckFormat, typer.Option("--format", help="How to print the verdicts.")] = (
        CheckFormat.text
    ),
) -> None:
    """Hold results against limits and a baseline. Exit code 1 where a gate fails.

    Noise fails no build: a regression is one beyond the spread of the runs.
    """
    from edgeq import api
    from edgeq.cli.verdicts import print_verdicts, read_limits
    from edgeq.core.units import parse_share

    limits = read_limits(
        latency=max_latency, energy=max_energy, flash=max_flash, ram=max_ram, accuracy=min_accuracy
    )
    record = api.check(
        results,
        limits=limits,
        against=against or (),
        tolerance=parse_share(max_regression, what="--max-regression"),
        allow=allow or (),
        allow_different=allow_different or (),
        strict=strict,
    )
    print_verdicts(record, form.value)
    if not record.passed:
        raise typer.Exit(1)
