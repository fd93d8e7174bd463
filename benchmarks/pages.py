"""Markdown: tables, and sections of a page that a program owns and writes anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeq.core.files import write_atomic


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first column is text and whose others are numbers."""
    rule = ["-", *["-:"] * (len(columns) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (columns, rule, *rows))


def replace_section(page: str, name: str, text: str) -> str:
    """Return `page` with `text` between the marks of section `name`; a new one goes to its end."""
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    section = f"{begin}\n\n{text.strip()}\n\n{end}"
    before, found, rest = page.partition(begin)
    if not found:
        return f"{page.rstrip()}\n\n{section}\n".lstrip()
    _, closed, after = rest.partition(end)
    if not closed:
        raise ValueError(f"section {name} of the page has no end")
    return f"{before}{section}{after}"


def write_section(path: Path, name: str, text: str) -> None:
    """Write section `name` of the page at `path`; the rest of the page stays as it is."""
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    write_atomic(path, replace_section(page, name, text))
