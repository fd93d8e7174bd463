"""The engine's section of docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence

from baseline import Baseline
from engine_rows import Row
from engine_tables import (
    M4_BOARD,
    cycle_table,
    detail_table,
    instruction_table,
    memory_table,
    published_table,
)
from published import read_published

SECTION = "engine"
COMMAND = "python benchmarks/engine.py --models DIR --page docs/performance.md"


def render_page(rows: Sequence[Row], baseline: Baseline) -> str:
    """Return the section in Markdown."""
    every = [row for row in rows if row.instructions]
    counted = [row for row in every if row.setting == rows[0].setting]
    parts = [_HEAD.format(command=COMMAND, source=" ".join(baseline.source.split()))]
    parts += [_INSTRUCTIONS, instruction_table(counted, baseline)]
    if any(row.cycles for row in counted):
        parts += [_CYCLES, cycle_table(counted)]
    parts += [_FLASH, memory_table(counted, baseline, "flash")]
    parts += [_RAM, memory_table(counted, baseline, "ram")]
    if any(row.board == M4_BOARD for row in every):
        parts += [_DETAIL, detail_table(every)]
    marks = [r for r in counted if r.board == M4_BOARD and r.model in baseline.models]
    if marks:
        parts += [_PUBLISHED, published_table(marks, read_published().bases), _PUBLISHED_NOTE]
    if faults := [f"- {r.title} on {r.board}, {r.setting}: {r.fault}" for r in rows if r.fault]:
        parts += ["### Left out\n", "\n".join(faults)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


_HEAD = """\
## The engine, core by core

One inference each with the input bytes of `lcg:1`, made by

```
{command}
```

with the models of github.com/mlcommons/tiny in `DIR`; the models below them are the benchmark's
own, with random weights (benchmarks/networks.py). In brackets is what edgeq takes over what
TensorFlow Lite Micro with CMSIS-NN takes: below 1 is less. That was recorded once: {source}. A
Cortex-M0+ is held against the Cortex-M0's record and a Cortex-M33 against the Cortex-M4's. Every
output equals TensorFlow Lite Micro's, byte for byte, unless it is listed at the end."""

_INSTRUCTIONS = """\
### Instructions of one inference (simulated)

Every executed instruction is counted, exactly; the Cortex-M55's in QEMU to one timer tick."""

_CYCLES = """\
### Cycles of one inference (estimated)

The exact instructions times a table of each core's timing, at zero wait states; edgeq has no table
for the Cortex-M55, and those of the Cortex-M7 and Cortex-M33 are guesses."""

_FLASH = """\
### Flash, in bytes

Code and constants of the model and its kernels; TensorFlow Lite Micro's are its model file, its
interpreter and its kernels."""

_RAM = """\
### RAM, in bytes

Arena + static data + stack high-water mark of one inference."""

_DETAIL = """\
### Cortex-M4 in detail

The tables above are of the first setting; here are others: `--optimize speed`, `ram` or `flash`,
and `--no-pass` where a pass of the compiler is left out."""

_PUBLISHED = """\
### Cortex-M4 at 120 MHz beside published marks, in ms

`estimated` for edgeq, measured by others for MLPerf Tiny on the NUCLEO-L4R5ZI."""

_PUBLISHED_NOTE = """\
The first figure is the modelled cycles, all memory at zero wait states, as the profile of virt-m4
says. The second is for the profile of nucleo-l4r5zi, whose flash has 5 wait states behind a cache:
instructions times the cycles an instruction that published runs of known code took on Cortex-M4
boards with such flash (docs/estimate.md), and never below the modelled cycles. Kernels that do
more work with each instruction, as edgeq's, may lie anywhere in the range in brackets."""
