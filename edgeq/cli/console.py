"""Printing: tables for people, JSON or CSV for programs. Progress goes to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from edgeq.cli.options import Format
from edgeq.core.errors import visible

if TYPE_CHECKING:
    from edgeq.report.table import Table

FILE_WIDTH = 160  # columns where stdout is no terminal: nothing that a program may look for breaks


def show(record: Any, tables: Callable[[], Sequence[Table]], form: Format) -> None:
    """Print `record` as JSON, or its tables as text or CSV, on stdout."""
    from edgeq.report.formats import to_csv, to_json

    if form is Format.json:
        sys.stdout.write(to_json(record).decode())
    elif form is Format.csv:
        sys.stdout.write("\n".join(to_csv(table) for table in tables()))
    else:
        for table in tables():
            print_table(table)


def print_table(table: Table) -> None:
    """Print one table with rich."""
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    out = RichTable(title=table.title, title_justify="left", title_style="bold", box=None)
    for column in table.columns:
        out.add_column(column.name, justify=column.align, overflow="fold")
    for row in table.rows:
        out.add_row(*(Text(cell) for cell in row))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else FILE_WIDTH)
    try:
        console.print(out)
        for note in table.notes:
            console.print(Text(note, style="dim"))
        console.print()
    except SystemExit as error:  # rich leaves with 1, a failed gate's code, where a pipe is broken
        raise BrokenPipeError from error


def say(text: str) -> None:
    """Print one line about what is done to stderr."""
    print(visible(text), file=sys.stderr, flush=True)


class Progress:
    """A stage and its share: a bar on a terminal, one line a stage elsewhere."""

    def __init__(self) -> None:
        self._stage = ""
        self._live = sys.stderr.isatty() and not os.environ.get("CI")

    def __call__(self, stage: str, share: float | None = None) -> None:
        """Show that `stage` is `share` (0..1) done; None where that is not known."""
        if self._live:
            bar = ""
            if share is not None:
                filled = round(24 * min(max(share, 0.0), 1.0))
                bar = f" [{'#' * filled}{'.' * (24 - filled)}] {share:4.0%}"
            end = "\n" if stage != self._stage and self._stage else ""
            sys.stderr.write(f"{end}\r\x1b[2K  {stage}{bar}")
            sys.stderr.flush()
        elif stage != self._stage:
            say(f"  {stage}")
        self._stage = stage

    def close(self) -> None:
        """End the line of the bar."""
        if self._live and self._stage:
            sys.stderr.write("\n")
        self._stage = ""
