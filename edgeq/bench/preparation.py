"""A model on its way to a board: read, compiled, built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgeq.boards.profile import Board
from edgeq.core.errors import GateError
from edgeq.core.records import (
    DEFAULT,
    EDGEQ,
    CompiledModel,
    CompileOptions,
    FirmwareImage,
    ProtocolRecord,
)
from edgeq.graph.ir import Graph


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model with everything that was made of it for one board, and the folder it lies in."""

    model: Path
    graph: Graph
    board: Board
    compiled: CompiledModel
    image: FirmwareImage
    folder: Path
    toolchain: str | None


def prepare(
    model: Path,
    board: Board,
    folder: Path,
    *,
    toolchain: str | None = None,
    traced: bool = False,
    protocol: ProtocolRecord = EDGEQ,
    options: CompileOptions = DEFAULT,
) -> Prepared:
    """Read `model`, compile it for the board's core and link its firmware below `folder`.

    Args:
        protocol: what the firmware speaks with its host: edgeq's link, or MLPerf Tiny's text.
        options: of the compiler.

    Raises:
        GateError: the model does not fit the board.
        UsageError: the protocol does not go with the model or the board.
    """
    from edgeq.compile import compile_graph
    from edgeq.compile.target import Target
    from edgeq.firmware.build import build_firmware
    from edgeq.firmware.fit import check_fit, require_flash
    from edgeq.graph.reader import read_model

    graph = read_model(model)
    compiled = compile_graph(graph, name=model.stem, target=Target.on(board, options))
    verdict = check_fit(graph, compiled, board)
    if not verdict.fits:
        raise GateError(
            f"{model.name} does not fit {board.id}: {'; '.join(verdict.problems)}",
            hint=f"edgeq fit {model} --board {board.id} shows every region",
        )
    image = build_firmware(
        compiled, board, folder / "plain", toolchain=toolchain, traced=traced, protocol=protocol
    )
    require_flash(image, options)
    return Prepared(model, graph, board, compiled, image, folder, toolchain)


def trace_image(ready: Prepared) -> FirmwareImage:
    """Build the firmware that also reports every layer over the link."""
    from edgeq.firmware.build import build_firmware

    return build_firmware(
        ready.compiled,
        ready.board,
        ready.folder / "traced",
        toolchain=ready.toolchain,
        traced=True,
    )
