"""Tables of compression: what recipes cost in accuracy, what they save, what a board says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from compression_rows import Judged, OnBoard, Row
from pages import table, write_section

WORTH = ("recipe", "seed", "{metric}", "95 % interval", "against float", "weight bytes",
         "of int8", "with scales", "of int8", "MACs of int8")  # fmt: skip
ON_BOARD = ("recipe", "seed", "inputs bit-exact", "layers decoded", "flash", "of int8",
            "constants", "RAM", "of int8", "instructions", "of int8")  # fmt: skip


def write_page(path: Path, dataset: str, rows: Sequence[Row]) -> None:
    """Write the tables into the section of `dataset` of the page at `path`."""
    origin = f"Made by `python benchmarks/compression.py {' '.join(_words(sys.argv[1:]))}`."
    write_section(
        path, f"compression figures {dataset}", f"{origin} {_about(rows[0])}\n\n{render(rows)}"
    )


def render(rows: Sequence[Row]) -> str:
    """Return the tables; the first row is the int8 model that shares refer to."""
    whole, metric = rows[0], "mean squared error" if rows[0].judged.is_error else "accuracy"
    columns = [name.format(metric=metric) for name in WORTH]
    parts = [table(columns, [_worth(row, whole) for row in rows])]
    ran = [(row, row.on_board) for row in rows if row.on_board is not None]
    if ran and whole.on_board is not None:
        cells = [_ran(row, found, whole.on_board) for row, found in ran]
        parts.append(table(ON_BOARD, cells))
    return "\n\n".join(parts)


def _words(words: Sequence[str]) -> list[str]:
    """Return the command's options without the page's; of absolute paths the names alone."""
    kept = [
        word
        for before, word in zip(["", *words], words, strict=False)
        if "--page" not in (before, word)
    ]
    return [Path(word).name if Path(word).is_absolute() else word for word in kept]


def _about(whole: Row) -> str:
    judged = whole.judged
    value = f"{judged.float_value:.3f}" if judged.is_error else f"{judged.float_value:.2%}"
    return f"The float model gives {value} on {judged.samples} samples that trained nothing."


def _worth(row: Row, whole: Row) -> tuple[str, ...]:
    judged = row.judged
    show: Callable[[float], str] = "{:.3f}".format if judged.is_error else "{:.2%}".format
    return (
        row.recipe,
        str(row.seed),
        show(judged.value),
        f"{show(judged.low)} .. {show(judged.high)}",
        _change(judged),
        f"{row.weight_bytes:,}",
        _share(row.weight_bytes, whole.weight_bytes),
        f"{row.scaled_bytes:,}",
        _share(row.scaled_bytes, whole.scaled_bytes),
        _share(row.macs, whole.macs),
    )


def _change(judged: Judged) -> str:
    if judged.is_error:
        return f"{judged.value / judged.float_value - 1:+.1%}"
    return f"{100 * (judged.value - judged.float_value):+.2f} points"


def _ran(row: Row, found: OnBoard, whole: OnBoard) -> tuple[str, ...]:
    return (
        row.recipe,
        str(row.seed),
        f"{found.matched} of {found.inputs}",
        f"{found.decoded} of {found.weighted}",
        f"{found.flash_bytes:,}",
        _share(found.flash_bytes, whole.flash_bytes),
        f"{found.constant_bytes:,}",
        f"{found.ram_bytes:,}",
        _share(found.ram_bytes, whole.ram_bytes),
        f"{found.instructions:,}",
        _share(found.instructions, whole.instructions),
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}"
