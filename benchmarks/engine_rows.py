"""One row of the engine's benchmark: a model on a board, measured by `edgeq.api.bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from baseline import Reference
from msgspec.structs import replace
from subjects import Subject

from edgeq import api
from edgeq.core.errors import EdgeqError, GateError
from edgeq.core.records import LayerRecord, OutputRecord, Record, Result

NO_FIT = "no fit"


class Setting(Record, frozen=True, kw_only=True):
    """What is asked of the compiler."""

    goal: str = "balanced"
    omitted: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The setting in words: 'balanced', 'speed', 'balanced without dead-channels'."""
        return " without ".join((self.goal, *((", ".join(self.omitted),) if self.omitted else ())))

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that it takes of `edgeq.api.bench`: none for what is asked by default."""
        if self == Setting():
            return {}
        from edgeq.core.records import CompileOptions

        asked = {"goal": self.goal, "omitted_passes": self.omitted}
        return {"options": msgspec.convert(asked, CompileOptions)}


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
    setting: str = "balanced"
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


def bench_subject(subject: Subject, board: str, setting: Setting, **arguments: Any) -> Row:
    """Bench one model on one board; an error becomes the row's fault.

    Args:
        arguments: of `edgeq.api.bench`.
    """
    row = Row(model=subject.name, title=subject.title, board=board, setting=setting.name)
    try:
        result = api.bench(
            Path(subject.path), board=board, runs=1, warmup=0, **arguments, **setting.arguments
        )
    except GateError as error:
        return replace(row, fault=f"{NO_FIT}: {error.cause}")
    except EdgeqError as error:
        return replace(row, fault=f"failed: {error.cause}")
    return fill_row(row, result, subject.reference)


def fill_row(row: Row, result: Result, reference: Reference | None) -> Row:
    """Return the row with the figures of a benchmark's result."""
    use, output = result.memory, result.output
    return replace(
        row,
        core=result.board.core,
        macs=result.model.macs,
        instructions=result.latency.instructions or 0,
        cycles=result.latency.cycles,
        flash=use.flash_bytes,
        ram=use.ram_bytes,
        arena=use.arena_bytes,
        static=use.static_bytes,
        stack=use.stack_bytes,
        crc32=output.crc32,
        exact=output.bit_exact is True,
        fault=find_fault(output, reference),
        layers=tuple(map(_layer, result.layers)),
    )


def _layer(layer: LayerRecord) -> Layer:
    return Layer(
        op=layer.op,
        name=layer.name,
        macs=layer.macs,
        instructions=layer.instructions or 0,
        cycles=layer.cycles,
    )


def find_fault(output: OutputRecord, reference: Reference | None) -> str:
    """Return what is wrong with the bytes that came out, '' for nothing."""
    known = reference.crc32 if reference else output.crc32
    if output.crc32 != known:
        return f"the output's check value is {output.crc32}, TensorFlow Lite Micro's is {known}"
    return "" if output.bit_exact else "the output differs from the oracle's"
