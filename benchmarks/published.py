"""Hold the way from instructions to seconds against published MLPerf Tiny results.

    python benchmarks/published.py [--write]

Prints the table of docs/estimate.md; `--write` writes that page and edgeq/bench/calibration.json.
The data, with the source of each row, are in benchmarks/published.toml. Half of the rows calibrate,
the others judge (`split`). Exit code 1: a median error is over its bar.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from edgeq.bench.calibration import (
    CALIBRATION_FILE,
    COUNT_TOLERANCE,
    Calibration,
    CoreCalibration,
)
from edgeq.core.files import write_atomic
from edgeq.core.records import Record

DATA_FILE = Path(__file__).with_name("published.toml")
MODELS = ("ad", "ic", "kws", "vww")
# Largest median error of the held-out rows.
BARS = {"cortex-m4": 0.15, "cortex-m33": 0.15, "cortex-m7": 0.25, "cortex-m0plus": 0.25}

# Cores without a virtual board of their own, and the one that counts for them.
COUNTED_ON = {"cortex-m85": "cortex-m55", "cortex-m0": "cortex-m0plus", "rv32imc": "rv32imac"}

Group = Literal["known", "same-engine", "proxy"]
Millis = dict[str, float]


class Counts(Record, frozen=True, kw_only=True):
    """Instructions of one inference, model by model."""

    source: str
    kws: int
    vww: int
    ic: int
    ad: int


class Base(Record, frozen=True, kw_only=True):
    """An engine of unknown code on the STM32L4R5."""

    name: str
    mhz: float
    ms: Millis


class Submission(Record, frozen=True, kw_only=True):
    """One engine on one board: milliseconds by model."""

    group: Group
    core: str
    board: str
    mhz: float
    round: str
    engine: str
    ms: Millis
    counts: str = ""
    versus: str = ""
    note: str = ""


class Excluded(Record, frozen=True, kw_only=True):
    """Submissions that are left out; with milliseconds where the reason rests on them."""

    row: str
    why: str
    mhz: float = 0.0
    ms: Millis = msgspec.field(default_factory=dict)


class Assumed(Record, frozen=True, kw_only=True):
    """A core that nothing is published about: like another one and wider, or between two limits."""

    core: str
    why: str
    like: str = ""
    widen: float = 1.0
    low: float = 0.0
    high: float = 0.0


class Published(Record, frozen=True, kw_only=True):
    """The data file."""

    counts: dict[str, Counts]
    rows: tuple[Submission, ...]
    bases: tuple[Base, ...]
    excluded: tuple[Excluded, ...]
    assumed: tuple[Assumed, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One model of one submission. `ratio` is in cycles an instruction."""

    entry: Submission
    model: str
    cycles: float
    instructions: float

    @property
    def ratio(self) -> float:
        """Cycles an instruction."""
        return self.cycles / self.instructions


@dataclass(frozen=True, slots=True)
class CoreFit:
    """What the calibration half says of one core, and the half that was held out."""

    core: str
    typical: float
    low: float
    high: float
    calibration: tuple[Row, ...]
    held_out: tuple[Row, ...]

    def error(self, row: Row) -> float:
        """Return estimate / published - 1."""
        return self.typical / row.ratio - 1

    def contains(self, row: Row) -> bool:
        """Whether the range that edgeq prints holds the row."""
        margin = 1 + COUNT_TOLERANCE
        return self.low / margin <= row.ratio <= self.high * margin

    def median_error(self, group: Group) -> float:
        """Return the median of the absolute errors of a group's held-out rows."""
        return statistics.median(
            abs(self.error(row)) for row in self.held_out if row.entry.group == group
        )

    @property
    def first_group(self) -> Group:
        """The group that `typical` rests on."""
        return self.calibration[0].entry.group


GROUPS: tuple[Group, ...] = ("known", "same-engine", "proxy")


def read_published(path: Path = DATA_FILE) -> Published:
    """Return the data file."""
    return msgspec.toml.decode(path.read_bytes(), type=Published)


def split(rows: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """Divide the rows of one core and group into calibration and held-out ones.

    Where there are several boards, every other board calibrates, in the order of their names: a
    reader's board is not in the table either. Where there is one, every other row does, in the
    order of engine and model.
    """
    ordered = sorted(rows, key=lambda r: (r.entry.board, r.entry.engine, r.model))
    boards = list(dict.fromkeys(r.entry.board for r in ordered))
    places = [boards.index(r.entry.board) if len(boards) > 1 else i for i, r in enumerate(ordered)]
    halves: tuple[list[Row], list[Row]] = [], []
    for place, row in zip(places, ordered, strict=True):
        halves[place % 2].append(row)
    return halves


def fit_cores(data: Published, *, exchanged: bool = False) -> dict[str, CoreFit]:
    """Return the fit of every core with published rows; the Cortex-M4, a base of others, first.

    `exchanged`: the held-out rows calibrate and the calibrating ones are held out.
    """
    cores = ["cortex-m4", *sorted({r.core for r in data.rows} - {"cortex-m4"})]
    fits: dict[str, CoreFit] = {}
    for core in cores:
        # The Cortex-M4's own rows of known code give the base of all same-engine rows.
        m4 = fits["cortex-m4"].typical if fits else _typical(_known(data, core, exchanged))
        rows = [row for e in data.rows if e.core == core for row in _rows(data, e, m4)]
        fits[core] = _fit(core, rows, exchanged)
    return fits


def _known(data: Published, core: str, exchanged: bool) -> list[Row]:
    rows = [e for e in data.rows if e.core == core and e.group == "known"]
    return split(row for e in rows for row in _rows(data, e, 1.0))[exchanged]


def _rows(data: Published, entry: Submission, m4: float) -> Iterator[Row]:
    for model in MODELS:
        cycles = entry.ms[model] * entry.mhz * 1e3
        yield Row(entry, model, cycles, _base(data, entry, model, m4))


def _base(data: Published, entry: Submission, model: str, m4: float) -> float:
    if entry.group != "same-engine":
        return float(getattr(data.counts[entry.counts], model))
    base = next(b for b in data.bases if b.name == entry.versus)
    return base.ms[model] * base.mhz * 1e3 / m4


def _typical(rows: Sequence[Row]) -> float:
    return statistics.geometric_mean(row.ratio for row in rows)


def _fit(core: str, rows: Sequence[Row], exchanged: bool) -> CoreFit:
    halves = [split(r for r in rows if r.entry.group == group) for group in GROUPS]
    calibration = [row for half in halves for row in half[exchanged]]
    first = [r for r in calibration if r.entry.group == calibration[0].entry.group]
    return CoreFit(
        core=core,
        typical=_typical(first),
        low=min(row.ratio for row in calibration),
        high=max(row.ratio for row in calibration),
        calibration=tuple(calibration),
        held_out=tuple(row for half in halves for row in half[not exchanged]),
    )


def calibrate(data: Published, fits: dict[str, CoreFit]) -> Calibration:
    """Return what ships with edgeq."""
    cores = {core: _published(fit) for core, fit in fits.items()}
    cores |= {a.core: _assumed(a, cores) for a in data.assumed}
    return Calibration(cores=dict(sorted(cores.items())))


def _published(fit: CoreFit) -> CoreCalibration:
    entries = [row.entry for row in fit.calibration]
    boards = dict.fromkeys(f"{e.engine} on {e.board}" for e in entries)
    return CoreCalibration(
        counts=COUNTED_ON.get(fit.core, fit.core),
        basis="proxy" if fit.first_group == "proxy" else "published",
        low=round(fit.low, 3),
        typical=round(fit.typical, 3),
        high=round(fit.high, 3),
        source=f"MLPerf Tiny results of {', '.join(boards)}",
    )


def _assumed(row: Assumed, cores: dict[str, CoreCalibration]) -> CoreCalibration:
    if row.like:
        other = cores[row.like]
        low, high, typical = other.low / row.widen, other.high * row.widen, other.typical
    else:
        low, high, typical = row.low, row.high, math.sqrt(row.low * row.high)
    return CoreCalibration(
        counts=COUNTED_ON.get(row.core, row.core),
        basis="assumed",
        low=round(low, 3),
        typical=round(typical, 3),
        high=round(high, 3),
        source=row.why,
    )


def calibration_text(calibration: Calibration) -> str:
    """Return calibration.json."""
    return msgspec.json.format(msgspec.json.encode(calibration), indent=1).decode() + "\n"


def medians(fits: dict[str, CoreFit]) -> dict[str, float]:
    """Return for each core with a bar the median error that the bar is for."""
    return {core: fits[core].median_error(fits[core].first_group) for core in BARS}


def main() -> int:
    """Print the page, write where asked; return the exit code."""
    from published_page import PAGE_FILE, render_page

    parser = argparse.ArgumentParser(description="Hold estimates against published results.")
    parser.add_argument("--write", action="store_true", help="write the page and the calibration")
    options = parser.parse_args()
    data = read_published()
    fits = fit_cores(data)
    calibration = calibrate(data, fits)
    page = render_page(data, fits, calibration)
    if options.write:
        write_atomic(CALIBRATION_FILE, calibration_text(calibration))
        write_atomic(PAGE_FILE, page)
    print(page)
    return 1 if any(error > BARS[core] for core, error in medians(fits).items()) else 0


if __name__ == "__main__":
    sys.exit(main())
