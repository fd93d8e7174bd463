"""The meters' page says what the table says."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq.device.meters.specs import Option
from edgeq.device.meters.table import METERS, MeterRow

PAGE = (Path(__file__).parents[3] / "docs" / "meters.md").read_text("utf-8")


def default_text(option: Option) -> str:
    """Return an option's default as a user would write it."""
    value = option.default
    if value is None:
        return "required"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return "+".join(value) or "none"
    return f"{value:.10g}" if isinstance(value, (int, float)) else value or "-"


@pytest.mark.parametrize("row", METERS.values(), ids=lambda row: row.name)
def test_each_meter_has_its_line_and_its_options(row: MeterRow) -> None:
    gates = " ".join(row.gates) or "-"
    line = f"| `{row.name}` | {row.title} | {row.sample_rate} | {row.range} | {gates} |"
    assert f"{line} `{row.example}` |\n" in PAGE
    section = PAGE.split(f"\n## {row.name}: ")[1].split("\n## ")[0]
    found = [part for part in section.splitlines() if part.startswith("| `")]
    assert found == [f"| `{n}` | {default_text(o)} | {o.help} |" for n, o in row.options.items()]


def test_the_page_knows_no_other_meter() -> None:
    named = [part.split(":")[0] for part in PAGE.split("\n## ")[2:]]
    assert named == list(METERS)
