"""Export a model: its library, rendered for a build system, with the output it must give."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from edgeq.bench.inputs import generate_input
from edgeq.bench.oracles import checksum, compute_outputs
from edgeq.boards.profile import Board
from edgeq.core.errors import EdgeqError, UsageError
from edgeq.core.files import confined, read_bytes, write_atomic, write_tree
from edgeq.core.records import DEFAULT, CompileOptions
from edgeq.firmware.exports import (
    RECORD,
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
MAX_RECORD_BYTES = 1 << 20


def export_model(
    model: Path,
    graph: Graph,
    kind: str,
    out: Path,
    *,
    engine: Engine,
    board: Board | None,
    name: str,
    options: CompileOptions = DEFAULT,
) -> ExportRecord:
    """Write the model as `kind` of library to `out`, which is empty or holds an earlier export.

    What has been built there stays; files of the earlier export that are no more are removed.

    Raises:
        UsageError: no such export, `out` holds other files, or `options` for an engine without any.
        InputError: the engine does not support the model.
    """
    find_exporter(kind)
    library = _make_library(model, graph, engine, board, name, options)
    record, files, archives = render_export(
        library, kind, expected_crc32=_expected_crc32(graph, library)
    )
    # A build would compile what the earlier export wrote and this one does not.
    stale = [confined(out, name) for name in set(_earlier_files(out)) - set(record.files)]
    write_tree(out, files)
    for file, data in archives.items():
        write_atomic(out / file, data)
    for path in stale:
        path.unlink(missing_ok=True)
    return record


def _make_library(
    model: Path,
    graph: Graph,
    engine: Engine,
    board: Board | None,
    name: str,
    options: CompileOptions,
) -> Library:
    if engine == "aot":
        from edgeq.compile import compile_graph
        from edgeq.compile.target import Target

        target = Target.of(board.core, options) if board else Target(options=options)
        return aot_library(compile_graph(graph, name=name, target=target))
    if options != DEFAULT:
        raise UsageError(
            "the tflm engine does not compile: --optimize, --no-pass, --ram and --flash are not "
            "for it",
            hint="leave them out, or export with --engine aot",
        )
    from edgeq.compile.emission import EmissionTarget, emit_graph

    emitted = (
        EmissionTarget(core=board.core.arch, npu=board.core.npu) if board else EmissionTarget()
    )
    _, files = emit_graph(graph, read_bytes(model, what="model"), name, emitted)
    return tflm_library(graph, files, name)


def _expected_crc32(graph: Graph, library: Library) -> str | None:
    """Return what the example must print; None where edgeq's oracle lacks an operator."""
    item = generate_input(library.inputs, SEED)
    with contextlib.suppress(EdgeqError):
        return checksum(compute_outputs(graph, library.inputs, [item])[0])
    return None


def _earlier_files(out: Path) -> tuple[str, ...]:
    """Return the files of the export that `out` holds; a folder of anything else is refused."""
    if not out.is_dir() or not any(out.iterdir()):
        return ()
    try:
        data = read_bytes(out / RECORD, what="record of an export", limit=MAX_RECORD_BYTES)
        return msgspec.json.decode(data, type=ExportRecord).files
    except (EdgeqError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{out} holds other files already, and no earlier export",
            hint="choose an empty folder with --out",
        ) from error
