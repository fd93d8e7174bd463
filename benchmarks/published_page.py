"""docs/estimate.md, from the published results, the calibration and the cost table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from published import BARS, GROUPS, CoreFit, Published, Row, fit_cores, medians

from edgeq.bench.calibration import COUNT_TOLERANCE, Calibration
from edgeq.bench.costs import GUESS_TOLERANCE, CostTable, load_costs
from edgeq.bench.features import MEANING

PAGE_FILE = Path(__file__).resolve().parent.parent / "docs" / "estimate.md"


def render_page(data: Published, fits: dict[str, CoreFit], calibration: Calibration) -> str:
    """Return the page."""
    costs = load_costs()
    return PAGE.format(
        tolerance=f"{COUNT_TOLERANCE:.0%}",
        guess=f"{1 + GUESS_TOLERANCE:g}",
        toolchain=costs.toolchain,
        features=_table(("feature", "what it counts"), MEANING.items()),
        held_out_counts=_held_out_counts(costs),
        summary=_summary(fits, fit_cores(data, exchanged=True)),
        calibration=_calibration(calibration),
        held_out=_rows(fits, held_out=True),
        calibrating=_rows(fits, held_out=False),
        excluded=_table(("left out", "because"), ((e.row, e.why) for e in data.excluded)),
        counts="\n".join(f"- `{name}`: {c.source}" for name, c in data.counts.items()),
        notes="\n".join(f"- {r.engine} on {r.board}: {r.note}" for r in data.rows if r.note),
    )


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: int = 0) -> str:
    """Return a Markdown table whose last `numbers` columns stand right."""
    rule = ["-"] * (len(columns) - numbers) + ["-:"] * numbers
    return "\n".join(f"| {' | '.join(row)} |" for row in (columns, rule, *rows))


def _held_out_counts(costs: CostTable) -> str:
    if not costs.held_out:
        return "(no models were at hand when the table was fitted)"
    rows = [
        (model, *(f"{errors[core]:+.1%}" for core in costs.cores))
        for model, errors in costs.held_out.items()
    ]
    return _table(("model", *costs.cores), rows, len(costs.cores))


def _summary(fits: dict[str, CoreFit], exchanged: dict[str, CoreFit]) -> str:
    found, other = medians(fits), medians(exchanged)
    return _table(
        ("core", "rows of", "held out", "boards", "median error", "wanted", "halves exchanged"),
        (
            (
                core,
                _GROUP_NAMES[fits[core].first_group],
                str(len(rows := _of_group(fits[core]))),
                ", ".join(dict.fromkeys(r.entry.board for r in rows)),
                f"{error:.1%}",
                f"{BARS[core]:.0%}",
                f"{other[core]:.1%}",
            )
            for core, error in found.items()
        ),
        3,
    )


_GROUP_NAMES = {
    "known": "known code",
    "same-engine": "the same engine on another board",
    "proxy": "a proxy",
}


def _of_group(fit: CoreFit) -> list[Row]:
    return [row for row in fit.held_out if row.entry.group == fit.first_group]


def _calibration(calibration: Calibration) -> str:
    rows = (
        (
            core,
            c.counts,
            f"{c.basis}: {c.source}",
            *(f"{n:.2f}" for n in (c.low, c.typical, c.high)),
        )
        for core, c in calibration.cores.items()
    )
    return _table(("core", "counted on", "rests on", "low", "typical", "high"), rows, 3)


def _rows(fits: dict[str, CoreFit], *, held_out: bool) -> str:
    columns = ["core", "board", "round, engine", "model", "published", "estimate", "error"]
    columns += ["in range"] if held_out else []
    lines = (line for fit in fits.values() for line in _lines(fit, held_out))
    return _table(columns, lines, 3 + held_out) + (f"\n\n{_coverage(fits)}" if held_out else "")


def _lines(fit: CoreFit, held_out: bool) -> Iterator[tuple[str, ...]]:
    for group in GROUPS:
        rows = fit.held_out if held_out else fit.calibration
        for row in (r for r in rows if r.entry.group == group):
            estimate = fit.typical * row.instructions / (row.entry.mhz * 1e3)
            line = (
                fit.core, row.entry.board, f"{row.entry.round}, {row.entry.engine}",
                row.model.upper(), f"{row.entry.ms[row.model]:.2f} ms", f"{estimate:.2f} ms",
                f"{fit.error(row):+.1%}",
            )  # fmt: skip
            yield (*line, "yes" if fit.contains(row) else "no") if held_out else line


def _coverage(fits: dict[str, CoreFit]) -> str:
    rows = [(fit, row) for fit in fits.values() for row in fit.held_out]
    inside = sum(fit.contains(row) for fit, row in rows)
    return f"The range that edgeq prints holds {inside} of the {len(rows)} held-out rows."


PAGE = """\
# Estimates without a board

```sh
edgeq estimate model.tflite                          # every board, one table
edgeq estimate model.tflite --board nucleo-l4r5zi
edgeq estimate model.tflite --optimize speed         # as `edgeq compile` takes it
edgeq estimate model.keras --format json             # before it is trained
```

`estimate` says whether a model fits, how much flash and RAM its firmware takes, and in which
range its latency lies: nothing is built, no board is asked. Every number is `estimated`. It
informs and leaves with 0, also where a model does not fit or has operators that the compiler
does not support (they are named); `edgeq fit` is the gate, with exit code 1.

A float model (`.keras`, `.h5`, a SavedModel folder) is quantised with noise of its input's shape,
its weights as they are, random or trained. Fit and latency hold; accuracy is not considered.

- **flash, RAM**: of the whole firmware, what `edgeq fit` says region by region.
- **instructions**: of one inference, from the cost table below.
- **low, typical, high**: seconds = instructions * cycles an instruction / clock.
- **energy**: supply current of the profile's `[power]` * voltage * typical latency; `-` where the
  profile has no figure. JSON has the range too.
- **battery**: with `--battery 230mAh@3V --every 10s`, how long it lasts ([Energy](energy.md)).
- A core that nothing is known about says `latency unknown: no table`; fit and sizes still hold.

## From layers to instructions

The cost of a layer is a sum of counts of its shape, each times a coefficient of its kernel, core
by core. The coefficients (`edgeq/bench/costs.json`) are fitted to the exact counts of the virtual
boards, built by {toolchain}, on layers of many shapes:

```
python benchmarks/fit_costs.py --check DIR
```

{features}

Zero-wait-state cycles are fitted in the same way, to the modelled cycles of the virtual boards
(there is no such model for the Cortex-M55 and RISC-V). Error of the estimated instructions of
models that nothing was fitted on, the .tflite models in `DIR`, against their simulation:

{held_out_counts}

A test fails where the estimate of such a model is more than {tolerance} off: then the kernels have
changed and the table must be fitted again. A kernel that is not in the table counts like the one of
its operator that most layers were fitted on: a note names it, and its part of the count widens the
range to a factor of {guess} either way. An operator without any row has no latency: a note says so.

## From instructions to seconds

Flash wait states, caches and stalls make an instruction take more than the cycle that the manual
gives it. How much is taken from published results of MLPerf Tiny's closed division, engines of
other people on other people's boards:

```
python benchmarks/published.py --write
```

Cycles an instruction = published milliseconds * clock / instructions. The instructions are

- **known code**: those of TensorFlow Lite Micro with CMSIS-NN, where the engine calls CMSIS-NN
  (TFLM + CMSIS-NN; microTVM + CMSIS-NN). The Cortex-M33 executes the Cortex-M4's instructions, and
  is held against the Cortex-M4's counts; the Cortex-M85 against the Cortex-M55's.
- **the same engine on another board**: where the code is not known but the same engine, in the
  same or the nearest version, ran on an STM32L4R5, its cycles there over the Cortex-M4's cycles
  an instruction stand for its instructions. For the Cortex-M7 there is nothing else.
- **a proxy**: the only engine published for the Cortex-M0+ is Bosch HALE, of unknown code; it is
  held against TFLM with CMSIS-NN, to which it is numerically equal.

{counts}

The rule that divides the rows looks at names alone. Where a core has several boards in a group,
every other board, in the order of their names, calibrates and the others are held out: the
reader's board is in neither. Where there is one board, every other row does, in the order of
engine and model. `typical` is the geometric mean of the calibrating rows of the first group that
a core has; `low` and `high` are the least and the most of all its calibrating rows.

{calibration}

What edgeq prints is this range, {tolerance} wider on either side for the count itself. It does not
go below the modelled zero-wait-state cycles where Arm's manual gives a table. Where code lies in
flash with wait states and without a cache, as on no published board, every fetch of 32 bits may
wait: the range then reaches up to that, and its middle is a guess that says so. So it does for a
core that has only a proxy. A virtual board's time is its own: modelled cycles, or instructions in
QEMU.

## Held-out rows

{summary}

Median error is that of the absolute errors of `typical`, over the held-out rows of the group that
it rests on. The last column is the same with the two halves exchanged.

{held_out}

## Calibrating rows

{calibrating}

## What this proves, and what it does not

- The published rows calibrate cycles an instruction. They are not edgeq's: no row measures
  edgeq's kernels on silicon, and an engine with another mix of loads and multiplications has
  other cycles an instruction. edgeq's estimate is edgeq's own count times other people's ratio.
- A row of known code was built by another compiler and another version than the one counted; its
  instructions are near the recorded ones, not equal to them.
- The Cortex-M4's and the Cortex-M0+'s rows of the first group come from one board each, and two
  rows of each are held out: a weak test. The same-engine rows test the board, not the count.
- On the Cortex-M0+ three of the four proxy rows take about one cycle for each counted
  instruction, where a load alone takes two by Arm's manual: HALE must execute fewer. The ratio is
  the engine's as much as the core's, so the range of edgeq's own kernels starts at the modelled
  cycles instead.
- Every published board reads its code from flash inside the chip. Flash outside, read through a
  cache (RP2040, i.MX RT1060, ESP32), may be slower than the range says where a layer's weights
  are larger than the cache.
- Models whose weights are read once (AD) wait longer for flash than those that use each weight
  often: they lie at the upper end.
- Cortex-M85: one board, four rows, a large error on those held out. Cortex-M3, M0 and M55: no row.
- Cortex-A, RV64 and Xtensa cores have no table: no count and no row of known code and clock.

## Notes to the rows

{notes}

{excluded}

Source of every row: mlcommons/tiny_results_v0.5 to v1.3, `closed/*/results`, median lines; clocks
from `systems/*.json`. The data are in `benchmarks/published.toml`.
"""
