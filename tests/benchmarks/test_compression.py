"""What the benchmark of compression counts, and the tables that it writes."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.support.benchmarks import benchmark
from tests.support.coded_models import TERNARY, dense_network

WEIGHTS = 2 * 64 * 64
COMMAND = [
    "compression.py",
    "--model",
    "/models/a.h5",
    "--page",
    "docs/page.md",
    "more/control.toml",
]

rows = benchmark("compression_rows")
page = benchmark("compression_page")


def row(rows: ModuleType, recipe: str, value: float, weight_bytes: int, **fields: object) -> object:
    judged = rows.Judged(value, value - 0.02, value + 0.002, 0.99, 300, **fields)
    return rows.Row(
        recipe=recipe, seed=3, judged=judged, weight_bytes=weight_bytes, scales=25, macs=1000
    )


def test_codes_count_by_their_bits_and_layers_of_the_same_values_share_a_codebook(
    rows: ModuleType,
) -> None:
    assert rows.weight_bytes(dense_network(TERNARY)) == WEIGHTS // 4 + 32
    assert rows.weight_bytes(dense_network(tuple(range(-8, 8)))) == WEIGHTS // 2 + 16
    assert rows.weight_bytes(dense_network(tuple(range(-60, 60)))) == WEIGHTS


def test_every_scale_of_the_weights_counts(rows: ModuleType) -> None:
    assert rows.count_scales(dense_network(TERNARY)) == 2
    assert row(rows, "a", 0.9, 100, is_error=False).scaled_bytes == 100 + 4 * 25


def test_shares_are_of_the_first_row_without_scales_and_with_them(
    rows: ModuleType, page: ModuleType
) -> None:
    found = [
        row(rows, n, v, b, is_error=False) for n, v, b in (("int8", 0.99, 900), ("b", 0.97, 300))
    ]
    assert page.render(found).splitlines()[-1] == (
        "| b | 3 | 97.00% | 95.00% .. 97.20% | -2.00 points | 300 | 0.333 | 400 | 0.400 | 1.000 |"
    )


def test_an_error_is_compared_by_its_ratio(rows: ModuleType, page: ModuleType) -> None:
    found = [row(rows, "int8", 1.089, 900, is_error=True)]
    table = page.render(found)
    assert "| mean squared error |" in table
    assert "| 1.089 | 1.069 .. 1.091 | +10.0% |" in table


def test_the_page_names_its_command_without_absolute_paths(
    rows: ModuleType, page: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", COMMAND)
    page.write_page(tmp_path / "page.md", "fsdd", [row(rows, "int8", 0.99, 900, is_error=False)])
    text = (tmp_path / "page.md").read_text()
    assert "`python benchmarks/compression.py --model a.h5 more/control.toml`" in text
    assert text.startswith("<!-- begin compression figures fsdd -->")
