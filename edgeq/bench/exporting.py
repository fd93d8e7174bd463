"""Export a model: its library, rendered for a build system, with the output it must give."""

from __future__ import annotations

import contextlib
import zlib
from pathlib import Path

from edgeq.bench.inputs import as_arrays, generate_input
from edgeq.boards.profile import Board, CoreName
from edgeq.core.errors import EdgeqError, UsageError
from edgeq.core.files import write_atomic, write_tree
from edgeq.firmware.exports import (
    Engine,
    ExportRecord,
    Library,
    aot_library,
    find_exporter,
    render_export,
    tflm_library,
)
from edgeq.graph.ir import Graph

# The example's input: the byte generator from this seed.
SEED = 1


def export_model(
    model: Path,
    graph: Graph,
    kind: str,
    out: Path,
    *,
    engine: Engine,
    board: Board | None,
    name: str,
) -> ExportRecord:
    """Write the model as `kind` of library to `out`, which is empty or holds an earlier export.

    Raises:
        UsageError: no such export, or `out` holds other files.
        InputError: the engine does not support the model.
    """
    find_exporter(kind)
    library = _make_library(model, graph, engine, board, name)
    record, files, archives = render_export(
        library, kind, expected_crc32=_expected_crc32(graph, library)
    )
    _check_folder(out, record)
    write_tree(out, files)
    for path, data in archives.items():
        write_atomic(out / path, data)
    return record


def _make_library(
    model: Path, graph: Graph, engine: Engine, board: Board | None, name: str
) -> Library:
    if engine == "aot":
        from edgeq.compile import compile_graph

        core: CoreName = board.core.arch if board else "native"
        return aot_library(compile_graph(graph, name=name, core=core))
    from edgeq.compile.emission import Target, emit_graph
    from edgeq.core.files import read_bytes

    target = Target(core=board.core.arch, npu=board.core.npu) if board else Target()
    _, files = emit_graph(graph, read_bytes(model, what="model"), name, target)
    return tflm_library(graph, files, name)


def _expected_crc32(graph: Graph, library: Library) -> str | None:
    """Return what the example must print; None where edgeq's oracle lacks an operator."""
    from edgeq.graph.oracle import Oracle

    item = generate_input(library.inputs, SEED)
    with contextlib.suppress(EdgeqError):
        outputs = Oracle(graph).run(as_arrays(library.inputs, item)).outputs
        return f"{zlib.crc32(b''.join(array.tobytes() for array in outputs)):08x}"
    return None


def _check_folder(out: Path, record: ExportRecord) -> None:
    """A folder with files that this export does not write is somebody's work."""
    if out.is_dir():
        held = (p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
        if strange := sorted(set(held) - set(record.files)):
            raise UsageError(
                f"{out} holds other files already, for example {strange[0]}",
                hint="choose an empty folder with --out",
            )
