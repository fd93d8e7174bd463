"""docs/quantization-figures.md: what quantisers make of MLPerf Tiny's models, as tables."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.pages import table, write_section

if TYPE_CHECKING:
    from benchmarks.quantization_rows import Measured, Row

SECTION = "quantization figures"
NAMES = {"tflite": "TFLiteConverter int8", "int8": "`edgeq convert`, int8", "int4": "int4"}
COLUMNS = ("model", "quantiser", "SQNR", "interval", "against TFLiteConverter", "bytes",
           "CPU seconds", "of TFLiteConverter's", "memory of edgeq itself")  # fmt: skip
JUDGED = ("quantiser", "top-1", "interval", "against float", "interval of the change", "p")


def write_page(path: Path, found: Sequence[Measured]) -> None:
    """Write the figures into their section of the page at `path`."""
    write_section(path, SECTION, "\n\n".join(_parts(found)))


def _parts(found: Sequence[Measured]) -> list[str]:
    rows = [_cells(one, row) for one in found for row in one.rows]
    parts = [_origin(found), table(COLUMNS, rows)]
    for one in found:
        if one.float_top1 is not None:
            judged = [_judged(row) for row in one.rows]
            parts += [
                f"{one.name}: float top-1 {one.float_top1:.2%} on {one.judged} images.",
                table(JUDGED, judged),
            ]
    return parts


def _origin(found: Sequence[Measured]) -> str:
    counts = "; ".join(
        f"{one.source} on {one.data}, {one.calibrated} calibrated and {one.judged} judged"
        for one in found
    )
    repeats = max(len(row.costs) for one in found for row in one.rows)
    seconds = "one run of each converter" if repeats == 1 else f"medians of {repeats} runs by turns"
    return (
        f"Measured by `python -m benchmarks.quantization FOLDER {' '.join(_words())}`. "
        f"Samples: {counts}. Seconds: {seconds}."
    )


def _words() -> list[str]:
    """Return the command's options, without those that are paths."""
    words = sys.argv[1:]
    paths = {place for place, word in enumerate(words) if "/" in word}
    paths |= {place - 1 for place in paths if words[place - 1].startswith("--")}
    return [word for place, word in enumerate(words) if place not in paths]


def _cells(one: Measured, row: Row) -> tuple[str, ...]:
    stock = next((other for other in one.rows if other.row == "tflite"), None)
    gain, share = "-", "-"
    if stock is not None and row is not stock:
        gain = f"{row.sqnr_db - stock.sqnr_db:+.1f} dB"
        share = f"{row.cost('cpu_seconds') / stock.cost('cpu_seconds'):.2f}"
    return (
        one.name,
        NAMES.get(row.row, f"recipe `{row.row}`"),
        f"{row.sqnr_db:.1f} dB",
        f"{row.sqnr_interval.low:.1f} .. {row.sqnr_interval.high:.1f}",
        gain,
        f"{row.bytes:,}",
        f"{row.cost('cpu_seconds'):.1f}",
        share,
        "-" if row.row == "tflite" else f"{row.cost('parent_mib'):.0f} MiB",
    )


def _judged(row: Row) -> tuple[str, ...]:
    interval, change = row.top1_interval, row.change
    assert row.top1 is not None
    assert interval is not None
    assert change is not None
    return (
        NAMES.get(row.row, f"recipe `{row.row}`"),
        f"{row.top1:.2%}",
        f"{interval.low:.2%} .. {interval.high:.2%}",
        f"{100 * change.change:+.2f} points",
        f"{100 * change.interval.low:+.2f} .. {100 * change.interval.high:+.2f}",
        f"{change.p_value:.2g}",
    )
