"""One row of the engine's benchmark: a model on a board, measured by `edgeq.api.bench`."""

from __future__ import annotations

from pathlib import Path

from baseline import Baseline, Reference
from networks import NETWORKS, build_network

from edgeq.core.records import Record, Result
from edgeq.graph.writer import write_graph

# The board that runs for each core: Unicorn, and QEMU for the Cortex-M55.
BOARDS = {
    "m0plus": "virt-m0plus",
    "m3": "virt-m3",
    "m4": "virt-m4",
    "m7": "virt-m7",
    "m33": "virt-m33",
    "m55": "qemu-an547",
}


class Subject(Record, frozen=True, kw_only=True):
    """A model to bench: the name to select it by, its file, and what is recorded of it."""

    name: str
    title: str
    path: str
    reference: Reference | None = None


class Layer(Record, frozen=True, kw_only=True):
    """What one layer of a model took."""

    op: str
    name: str
    macs: int
    instructions: int
    cycles: int | None = None


class Row(Record, frozen=True, kw_only=True):
    """One inference of a model on a board. Instructions are counted, cycles `estimated`; bytes.

    `ram` = arena + static + stack. `fault` says why there are no figures, or what is wrong.
    """

    model: str
    title: str
    board: str
    core: str = ""
    macs: int = 0
    instructions: int = 0
    cycles: int | None = None
    flash: int = 0
    ram: int = 0
    arena: int = 0
    static: int = 0
    stack: int = 0
    crc32: str = ""
    exact: bool = False
    fault: str = ""
    layers: tuple[Layer, ...] = ()


def list_subjects(baseline: Baseline, models: Path | None, folder: Path) -> list[Subject]:
    """Return MLPerf Tiny's models in the folder `models`, and the networks, written to `folder`."""
    found = [
        Subject(name=name, title=row.title, path=str(models / row.file), reference=row)
        for name, row in baseline.models.items()
        if models is not None and (models / row.file).is_file()
    ]
    for name in NETWORKS:
        path = folder / f"{name}.tflite"
        path.write_bytes(write_graph(build_network(name)))
        found.append(Subject(name=name, title=name, path=str(path)))
    return found


def make_row(subject: Subject, result: Result) -> Row:
    """Return the row of a benchmark's result."""
    count, use = result.latency.instructions or 0, result.memory
    row = Row(
        model=subject.name,
        title=subject.title,
        board=result.board.id,
        core=result.board.core,
        macs=result.model.macs,
        instructions=count,
        cycles=result.latency.cycles,
        flash=use.flash_bytes,
        ram=use.ram_bytes,
        arena=use.arena_bytes,
        static=use.static_bytes,
        stack=use.stack_bytes,
        crc32=result.output.crc32,
        exact=result.output.bit_exact is True,
        layers=tuple(
            Layer(op=r.op, name=r.name, macs=r.macs, instructions=r.instructions or 0,
                  cycles=r.cycles)
            for r in result.layers
        ),
    )  # fmt: skip
    return Row(**{name: getattr(row, name) for name in row.__struct_fields__ if name != "fault"},
               fault=find_fault(subject, row))  # fmt: skip


def find_fault(subject: Subject, row: Row) -> str:
    """Return what is wrong with the bytes that came out, '' for nothing."""
    known = subject.reference.crc32 if subject.reference else row.crc32
    if row.crc32 != known:
        return f"the output's check value is {row.crc32}, TensorFlow Lite Micro's is {known}"
    return "" if row.exact else "the output differs from the oracle's"
