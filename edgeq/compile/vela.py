"""Arm's Vela: a model for a board with an Ethos-U, compiled in a process of its own.

Vela replaces the operators that the NPU runs by custom operators 'ethos-u' and leaves the rest to
the CPU. Its performance figures are estimates from its own model of the NPU.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
from pathlib import Path

from edgeq.compile.micro.kernels import ETHOS_U, name_of
from edgeq.core.errors import ToolchainError, UsageError, one_line
from edgeq.core.files import read_bytes, write_atomic
from edgeq.core.installation import require
from edgeq.core.processes import python_argv, run
from edgeq.core.records import Kind, Record
from edgeq.graph.ir import Graph

PACKAGE = "ethos-u-vela"
TIMEOUT_S = 600.0
MEMORY_BYTES = 8 << 30

_ACCELERATOR = re.compile(r"ethos-u\d{2}-\d{2,4}\Z")
_KIB = 1024
_MODEL = "model"


class NpuEstimate(Record, frozen=True, kw_only=True):
    """What Vela says of a model on an NPU; `operators` of them are left, `fallback` run on the CPU.

    `clock_hz`, `system` and `memory_mode` are the assumptions of the figures. `sram_bytes` and
    `flash_bytes` are what the NPU's part takes.
    """

    kind: Kind = "estimated"
    source: str
    accelerator: str
    system: str
    memory_mode: str
    clock_hz: int
    cycles: int
    inference_s: float
    macs: int
    sram_bytes: int
    flash_bytes: int
    npu_operators: int
    fallback: tuple[str, ...]


def is_accelerator(name: str) -> bool:
    """Whether `name` is an NPU that Vela compiles for, such as ethos-u55-128."""
    return _ACCELERATOR.match(name) is not None


def run_vela(data: bytes, accelerator: str) -> tuple[bytes, dict[str, str]]:
    """Compile the .tflite file `data`; return the new file and the row of Vela's summary.

    Raises:
        UsageError: Vela knows no such accelerator.
        ToolchainError: Vela is not installed, failed, or ran out of its limits.
    """
    if not is_accelerator(accelerator):
        raise UsageError(
            f"{accelerator!r} is no accelerator of Vela",
            hint="set core.npu of the board to a name such as ethos-u55-128",
        )
    require(PACKAGE)
    with tempfile.TemporaryDirectory(prefix="edgeq-vela-") as folder:
        path = Path(folder)
        source = path / f"{_MODEL}.tflite"
        write_atomic(source, data)
        argv = python_argv(
            "ethosu.vela", str(source), "--accelerator-config", accelerator, "--output-dir", folder
        )
        done = run(argv, timeout_s=TIMEOUT_S, memory_bytes=MEMORY_BYTES, cwd=path)
        tables = sorted(path.glob(f"{_MODEL}_summary_*.csv"))
        compiled = path / f"{_MODEL}_vela.tflite"
        if done.returncode or not tables or not compiled.is_file():
            raise _failed(done.returncode, done.stderr or done.stdout)
        summary = read_bytes(tables[0], what="Vela's summary", limit=1 << 20)
        return read_bytes(compiled, what="Vela's output"), _row(summary.decode())


def _failed(code: int, output: str) -> ToolchainError:
    lines = [line for line in output.splitlines() if line.strip()]
    last = one_line(lines[-1])[:200] if lines else f"it ended with {code} and said nothing"
    return ToolchainError(
        f"Vela could not compile the model: {last}",
        hint="run `edgeq inspect` on the model; emit without --board for the CPU alone",
    )


def _row(summary: str) -> dict[str, str]:
    rows = list(csv.DictReader(io.StringIO(summary)))
    if not rows:
        raise ToolchainError("Vela's summary is empty", hint=f"pip install -U {PACKAGE}")
    return {str(k): str(v) for k, v in rows[-1].items()}


def npu_estimate(graph: Graph, summary: dict[str, str], accelerator: str) -> NpuEstimate:
    """Return Vela's figures for `graph`, which Vela has compiled.

    Raises:
        ToolchainError: the summary lacks a figure.
    """
    names = [name_of(node) for node in graph.nodes]
    try:
        return NpuEstimate(
            source=f"Vela {require(PACKAGE)}",
            accelerator=accelerator,
            system=summary["system_config"],
            memory_mode=summary["memory_mode"],
            clock_hz=round(float(summary["core_clock"])),
            cycles=round(float(summary["cycles_total"])),
            inference_s=float(summary["inference_time"]),
            macs=round(float(summary["nn_macs"])),
            sram_bytes=round(float(summary["sram_memory_used"]) * _KIB),
            flash_bytes=round(
                sum(float(summary[f"{on}_chip_flash_memory_used"]) for on in ("on", "off")) * _KIB
            ),
            npu_operators=names.count(ETHOS_U),
            fallback=tuple(name for name in names if name != ETHOS_U),
        )
    except (KeyError, ValueError) as error:
        raise ToolchainError(
            f"Vela's summary has no figure for {one_line(str(error))}",
            hint=f"pip install -U '{PACKAGE}>=4'",
        ) from error
