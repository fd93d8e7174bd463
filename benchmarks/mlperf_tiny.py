"""Bench the MLPerf Tiny reference models on every virtual board, against TensorFlow Lite Micro.

    python benchmarks/mlperf_tiny.py --models DIR [--boards virt-m4,host] [--page PAGE.md]

DIR holds the reference models of github.com/mlcommons/tiny. Input bytes come from lcg:1, so the
output's CRC-32 can be compared with any other engine's. Exit code 1: an output, or a size, is off.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeq import api
from edgeq.core.files import write_atomic
from edgeq.core.records import Result

BOARDS = ("virt-m0plus", "virt-m3", "virt-m4", "virt-m7", "virt-m33", "host")


@dataclass(frozen=True, slots=True)
class Reference:
    """One model: the CRC-32 of its output for lcg:1, and TensorFlow Lite Micro's cost on an M4.

    TensorFlow Lite Micro 90b983c, release build, Debian arm-none-eabi-gcc 12.2.1, counted in QEMU
    7.2: instructions of one Invoke() with the reference kernels and with CMSIS-NN 4ab83cc, arena
    bytes used and net code bytes with CMSIS-NN.
    """

    title: str
    file: str
    crc32: str
    reference_instructions: int
    cmsis_instructions: int
    arena_bytes: int
    code_bytes: int
    arena_limit: int


# fmt: off
REFERENCES = (
    Reference("KWS DS-CNN", "kws_ref_model.tflite", "124a640e",
              43_040_117, 7_697_710, 22_820, 52_125, 16_000),
    Reference("VWW MobileNetV1-0.25", "vww_96_int8.tflite", "ccf8c6c3",
              100_249_505, 24_101_517, 100_708, 52_125, 55_296),
    Reference("IC ResNet-8", "pretrainedResnet_quant.tflite", "930f0c26",
              107_401_504, 29_863_914, 54_996, 49_929, 49_152),
    Reference("AD autoencoder", "ad01_int8.tflite", "3d1a6596",
              1_952_482, 582_891, 2_580, 26_981, 768),
)
# fmt: on

Row = tuple[Reference, Result]


def find_faults(rows: Sequence[Row]) -> list[str]:
    """Return what is wrong with the results: bytes, arena, instructions."""
    faults = []
    for model, result in rows:
        where = f"{model.title} on {result.board.id}"
        if result.output.crc32 != model.crc32 or result.output.bit_exact is not True:
            faults.append(f"{where}: output {result.output.crc32}, not {model.crc32}")
        if result.memory.arena_bytes > model.arena_limit:
            faults.append(f"{where}: arena {result.memory.arena_bytes:,} B")
        count = result.latency.instructions
        if result.board.id == "virt-m4" and count and count > model.reference_instructions:
            faults.append(f"{where}: {count:,} instructions")
    return faults


def render_page(rows: Sequence[Row]) -> str:
    """Return docs/performance.md."""
    return PAGE.format(versus=_versus(rows), boards=_boards(rows), sizes=_sizes(rows))


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["-", *["-:"] * (len(columns) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (columns, rule, *rows))


def _versus(rows: Sequence[Row]) -> str:
    columns = ("model", "MACs", "edgeq", "per MAC", "reference kernels", "CMSIS-NN")
    return _table(columns, [_versus_row(m, r) for m, r in rows if r.board.id == "virt-m4"])


def _versus_row(model: Reference, result: Result) -> tuple[str, ...]:
    count = result.latency.instructions or 0
    return (
        model.title,
        f"{result.model.macs:,}",
        f"{count:,}",
        f"{count / result.model.macs:.2f}",
        f"{model.reference_instructions:,} ({model.reference_instructions / count:.2f}x)",
        f"{model.cmsis_instructions:,} ({model.cmsis_instructions / count:.2f}x)",
    )


def _boards(rows: Sequence[Row]) -> str:
    boards = list(dict.fromkeys(r.board.id for _, r in rows if r.latency.instructions))
    found = {(m.title, r.board.id): r.latency.instructions for m, r in rows}
    titles = list(dict.fromkeys(m.title for m, _ in rows))
    return _table(("model", *boards), [(t, *(f"{found[t, b]:,}" for b in boards)) for t in titles])


def _sizes(rows: Sequence[Row]) -> str:
    columns = ("model", "code", "TFLM code", "constants", "arena", "TFLM arena", "stack", "RAM")
    return _table(columns, [_size_row(m, r) for m, r in rows if r.board.id == "virt-m4"])


def _size_row(model: Reference, result: Result) -> tuple[str, ...]:
    use = result.memory
    return (
        model.title,
        f"{use.code_bytes:,}",
        f"{model.code_bytes:,}",
        f"{use.constant_bytes:,}",
        f"{use.arena_bytes:,}",
        f"{model.arena_bytes:,}",
        f"{use.stack_bytes:,}",
        f"{use.ram_bytes:,}",
    )


PAGE = """\
# Performance

The MLPerf Tiny reference models, compiled by the `aot` engine and run on the virtual boards.
Instruction counts are `simulated`: every executed instruction is counted, exactly. They are not
cycles: no wait states, no load-use stalls. One inference each, the input bytes are those of
`lcg:1`, and on every board the output equals TensorFlow Lite Micro's, byte for byte.

```
python benchmarks/mlperf_tiny.py --models DIR --page docs/performance.md
```

with the models of github.com/mlcommons/tiny in `DIR`.

## Cortex-M4 (virt-m4): instructions per inference

{versus}

The last two columns are TensorFlow Lite Micro 90b983c (release build, arm-none-eabi-gcc 12.2.1,
in QEMU 7.2) with its reference kernels and with CMSIS-NN 4ab83cc; in brackets how many times
edgeq's count that is. edgeq's kernels here are the portable ones: plain C99, no DSP instructions
by hand.

## Every virtual board: instructions per inference

{boards}

## Cortex-M4: bytes

{sizes}

`code` is the compiled model and its kernels without constants; TFLM code is the interpreter, its
kernels and CMSIS-NN without the model and without the test firmware. `RAM` = arena + static data
+ stack high-water mark, the stack painted and read on the board."""


def main() -> int:
    """Bench, print, write the page where asked; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--boards", default=",".join(BOARDS))
    parser.add_argument("--page", type=Path)
    options = parser.parse_args()
    rows = []
    for board in options.boards.split(","):
        for model in REFERENCES:
            result = api.bench(options.models / model.file, board=board, runs=1, layers=False)
            rows.append((model, result))
            use = result.memory
            print(
                f"{board:12} {model.title:22} {result.output.crc32} "
                f"{result.latency.instructions or 0:>12,} instructions  "
                f"arena {use.arena_bytes:>7,}  code {use.code_bytes:>7,}",
                flush=True,
            )
    if options.page:
        write_atomic(options.page, render_page(rows))
    faults = find_faults(rows)
    print("\n".join(faults) or "every output bit-exact, every size within its limit")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
