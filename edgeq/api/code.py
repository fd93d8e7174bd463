"""A model as code: C, arrays, exports, firmware; and what it will cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.api.catalog import find_board, list_boards
from edgeq.api.common import Progress, quiet, read_int8
from edgeq.core.records import DEFAULT, EDGEQ, CompileOptions, ProtocolRecord

if TYPE_CHECKING:
    from edgeq.bench.estimation import EstimateRecord
    from edgeq.bench.requests import BatteryPlan
    from edgeq.compile.emission import Emission
    from edgeq.core.records import CompiledModel, FirmwareImage
    from edgeq.firmware.exports import Engine, ExportRecord
    from edgeq.firmware.fit import FitReport


def compile_model(
    model: Path,
    *,
    out: Path,
    board: str | None = None,
    name: str | None = None,
    options: CompileOptions = DEFAULT,
) -> CompiledModel:
    """Compile an int8 .tflite to standalone C99 and write its files to `out`."""
    from edgeq.compile import compile_graph
    from edgeq.compile.target import Target
    from edgeq.core.files import write_tree

    target = Target.on(find_board(board), options) if board else Target(options=options)
    compiled = compile_graph(read_int8(model), name=name or model.stem, target=target)
    write_tree(out, compiled.files)
    return compiled


def emit(
    model: Path,
    *,
    out: Path,
    name: str | None = None,
    board: str | None = None,
    version: str | None = None,
) -> Emission:
    """Write the model as a C array with header and op resolver for TensorFlow Lite Micro.

    A board with an Ethos-U gets the model as Vela compiles it. `version` is the runtime of the
    firmware: what it would not do right is among the problems of the record.
    """
    from edgeq.compile.emission import EmissionTarget, emit_graph
    from edgeq.core.files import read_bytes, write_tree

    core = find_board(board).core if board else None
    target = (
        EmissionTarget(core.arch, core.npu, version) if core else EmissionTarget(version=version)
    )
    data = read_bytes(model, what="model")
    record, files = emit_graph(read_int8(model), data, name or model.stem, target)
    write_tree(out, files)
    return record


def export(
    model: Path,
    *,
    kind: str,
    out: Path,
    engine: Engine = "aot",
    board: str | None = None,
    name: str | None = None,
    options: CompileOptions = DEFAULT,
) -> ExportRecord:
    """Write the model as a library of a build system, with an example that proves its bytes.

    Args:
        options: of the `aot` engine's compiler.
    """
    from edgeq.bench.exporting import export_model

    profile = find_board(board) if board else None
    return export_model(
        model,
        read_int8(model),
        kind,
        out,
        engine=engine,
        board=profile,
        name=name or model.stem,
        options=options,
    )


def fit(
    model: Path,
    *,
    board: str,
    flash: int | None = None,
    ram: int | None = None,
    options: CompileOptions = DEFAULT,
) -> FitReport:
    """Say whether the model fits the board, region by region.

    Args:
        flash: at most so many bytes for the firmware, where the board has more.
        ram: at most so many bytes of RAM.
    """
    from edgeq.compile import compile_graph
    from edgeq.compile.support import unsupported_nodes
    from edgeq.compile.target import Target
    from edgeq.firmware.fit import check_fit, shrink_board

    graph, profile = read_int8(model), shrink_board(find_board(board), flash=flash, ram=ram)
    if unsupported_nodes(graph):
        return check_fit(graph, None, profile)
    return check_fit(
        graph,
        compile_graph(graph, name=model.stem, target=Target.on(profile, options)),
        profile,
    )


def estimate(
    model: Path,
    *,
    board: str | None = None,
    battery: BatteryPlan | None = None,
    on_progress: Progress = quiet,
    options: CompileOptions = DEFAULT,
) -> tuple[EstimateRecord, ...]:
    """Estimate fit, sizes, latency and energy on a board (None: on all), and battery life.

    A float model is quantised first.
    """
    from edgeq.bench.estimation import estimate_model

    boards = (find_board(board),) if board else list_boards()
    return estimate_model(model, boards, battery=battery, on_progress=on_progress, options=options)


def build(
    model: Path,
    *,
    board: str,
    out: Path,
    toolchain: str | None = None,
    traced: bool = False,
    protocol: ProtocolRecord = EDGEQ,
    options: CompileOptions = DEFAULT,
) -> FirmwareImage:
    """Compile the model and link a whole firmware for the board below `out`.

    Args:
        traced: the firmware also reports every layer over the link.
        protocol: what it speaks with its host: edgeq's link, or MLPerf Tiny's text.
    """
    from edgeq.bench.preparation import prepare

    profile = find_board(board)
    return prepare(
        model, profile, out, toolchain=toolchain, traced=traced, protocol=protocol, options=options
    ).image
