"""The tables of the engine's benchmark: pure functions of its rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from baseline import Baseline, Figures, Reference
from engine_rows import Row
from pages import table
from published import Base

from edgeq.bench.calibration import load_calibration
from edgeq.boards.registry import find_board

M4_BOARD = "virt-m4"
# The board of the published marks: an STM32L4R5 at 120 MHz.
PUBLISHED_BOARD = "nucleo-l4r5zi"


def ratio(ours: int, theirs: int | None) -> str:
    """Return ours / theirs, e.g. '0.57x'; '' where there is nothing to compare with."""
    return f"{ours / theirs:.2f}x" if theirs else ""


def describe(row: Row, reference: Reference | None) -> str:
    """Return a row in a line of text."""
    start = f"{row.board:12} {row.setting:9} {row.model:14}"
    if not row.instructions:
        return f"{start} {row.fault}"
    theirs = reference.figures(row.core) if reference else None
    cycles = f"{row.cycles:>12,} cycles estimated" if row.cycles else f"{'':29}"
    return (
        f"{start} {row.crc32} {'exact' if row.exact else 'WRONG'} "
        f"{row.instructions:>12,} instructions {ratio(row.instructions, _instructions(theirs)):5} "
        f"{cycles}  flash {row.flash:>8,} {ratio(row.flash, theirs.flash if theirs else None):5} "
        f"ram {row.ram:>8,} {ratio(row.ram, theirs.ram if theirs else None):5} "
        f"(arena {row.arena:,} static {row.static:,} stack {row.stack:,})"
        f"{' ' + row.fault if row.fault else ''}"
    )


def _instructions(figures: Figures | None) -> int | None:
    return figures.instructions if figures else None


def layer_table(row: Row) -> str:
    """Return what each layer of a row took."""
    total = sum(layer.instructions for layer in row.layers) or 1
    cells = [
        (
            f"{index} {layer.op}", f"{layer.macs:,}", f"{layer.instructions:,}",
            f"{layer.instructions / layer.macs:.2f}" if layer.macs else "",
            f"{layer.instructions / total:.1%}", f"{layer.cycles:,}" if layer.cycles else "",
        )
        for index, layer in enumerate(row.layers)
    ]  # fmt: skip
    columns = ("layer", "MACs", "instructions", "per MAC", "share", "cycles (estimated)")
    return table(columns, cells)


# --- model by core ------------------------------------------------------------------------------


def _grid(rows: Sequence[Row], cell: Callable[[Row], str]) -> str:
    """Return a table of a line a model and a column a core."""
    cores = list(dict.fromkeys(row.core for row in rows if row.core))
    titles = list(dict.fromkeys(row.title for row in rows))
    found = {(row.title, row.core): row for row in rows}
    lines = [
        (title, *(cell(found[title, c]) if (title, c) in found else "" for c in cores))
        for title in titles
    ]
    return table(("model", *(core.replace("cortex-m", "Cortex-M") for core in cores)), lines)


def _beside(ours: int, theirs: int | None) -> str:
    return f"{ours:,} ({ratio(ours, theirs)})" if theirs else f"{ours:,}"


def instruction_table(rows: Sequence[Row], baseline: Baseline) -> str:
    """Return instructions of one inference, and their ratio to TensorFlow Lite Micro's."""
    return _grid(rows, lambda r: _beside(r.instructions, _instructions(_figures(r, baseline))))


def cycle_table(rows: Sequence[Row]) -> str:
    """Return the modelled cycles of one inference, on the cores that have a table."""
    modelled = [row for row in rows if row.cycles]
    return _grid(modelled, lambda r: f"{r.cycles:,}")


def memory_table(rows: Sequence[Row], baseline: Baseline, what: str) -> str:
    """Return the bytes of `what`, 'flash' or 'ram', and their ratio to TFLite Micro's."""

    def cell(row: Row) -> str:
        theirs = _figures(row, baseline)
        return _beside(getattr(row, what), getattr(theirs, what) if theirs else None)

    return _grid(rows, cell)


def _figures(row: Row, baseline: Baseline) -> Figures | None:
    reference = baseline.models.get(row.model)
    return reference.figures(row.core) if reference else None


def detail_table(rows: Sequence[Row], board: str = M4_BOARD) -> str:
    """Return everything about one board's rows."""
    columns = (
        "model", "optimised for", "MACs", "instructions", "per MAC", "cycles (estimated)",
        "flash", "RAM", "arena", "static", "stack", "check value", "bit-exact",
    )  # fmt: skip
    titles = list(dict.fromkeys(row.title for row in rows))
    ordered = sorted((r for r in rows if r.board == board), key=lambda r: titles.index(r.title))
    return table(columns, [_detail(row) for row in ordered])


def _detail(row: Row) -> tuple[str, ...]:
    numbers = (row.flash, row.ram, row.arena, row.static, row.stack)
    return (
        row.title, row.setting, f"{row.macs:,}", f"{row.instructions:,}",
        f"{row.instructions / row.macs:.2f}" if row.macs else "", f"{row.cycles or 0:,}",
        *(f"{n:,}" for n in numbers), row.crc32, "yes" if row.exact else "NO",
    )  # fmt: skip


# --- published marks ----------------------------------------------------------------------------


def published_table(rows: Sequence[Row], bases: Sequence[Base]) -> str:
    """Return the Cortex-M4's estimated milliseconds beside the published ones of others."""
    engines = [b for b in bases if b.name.startswith(("X-CUBE-AI", "Plumerai"))]
    mhz = engines[0].mhz
    columns = (
        "model", f"zero wait states, {mhz:g} MHz", f"on {PUBLISHED_BOARD}",
        *(f"{b.name}" for b in engines),
    )  # fmt: skip
    lines = [
        (
            row.title, f"{row.cycles / mhz / 1e3:.2f}", _silicon_ms(row),
            *(f"{b.ms[row.model]:.2f}" for b in engines),
        )
        for row in rows
        if row.board == M4_BOARD and row.cycles and row.model in engines[0].ms
    ]  # fmt: skip
    return table(columns, lines)


def _silicon_ms(row: Row) -> str:
    """Return the estimate for the board of the published marks: 'typical (low - high)'."""
    known = load_calibration().cores[row.core]
    hertz = find_board(PUBLISHED_BOARD).clock_hz
    floor = row.cycles or 0
    low, typical, high = (
        f"{1e3 * max(floor, share * row.instructions) / hertz:.1f}"
        for share in (known.low, known.typical, known.high)
    )
    return f"{typical} ({low} - {high})"
