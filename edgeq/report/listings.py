"""What there is, as tables: boards, ports, datasets, and what is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from edgeq.core.records import Record
from edgeq.core.units import format_bytes
from edgeq.report.table import Tables, facts, make_table, shape_text

if TYPE_CHECKING:
    from edgeq.boards.profile import Board
    from edgeq.convert.training.examples.table import Example
    from edgeq.core.installation import Installed
    from edgeq.data.catalog import Listed
    from edgeq.device.ports import SerialPort
    from edgeq.firmware.exports import ExportRecord


def boards_tables(boards: Sequence[Board]) -> Tables:
    """Every board in a line."""
    rows = (
        (b.id, b.name, b.core.arch, f"{b.clock_hz / 1e6:g} MHz", memory_text(b, "flash"),
         memory_text(b, "ram"), b.flash.method, b.verified)
        for b in boards
    )  # fmt: skip
    return (make_table("Boards", "id|name|core|>clock|>flash|>RAM|flasher|verified", rows),)


def memory_text(board: Board, kind: str) -> str:
    """Return the sum of the board's regions of a kind."""
    regions = (r for r in board.memory if r.kind == kind and not r.alias_of)
    return format_bytes(sum(r.size for r in regions))


def board_tables(board: Board) -> Tables:
    """One board, with the source of each value."""
    core = board.core
    extras = [core.fpu != "none" and f"FPU {core.fpu}", core.dsp and "DSP", core.mve and "MVE"]
    extras += [core.npu]
    values = {
        "name": board.name,
        "aliases": ", ".join(board.aliases) or None,
        "vendor": board.vendor,
        "kind, verified": f"{board.kind}, {board.verified}",
        "core": ", ".join([core.arch, *(str(e) for e in extras if e)]),
        "clock": f"{board.clock_hz / 1e6:g} MHz",
        "link": " ".join(filter(None, (board.link.kind, board.link.uart, *board.link.usb_ids))),
        "flasher": " ".join(filter(None, (board.flash.method, board.flash.target))),
        "timer": f"{board.timer.driver}, {board.timer.width} bits at {board.timer.hz / 1e6:g} MHz"
        if board.timer
        else None,
        "gate": (board.gate.pin or board.gate.driver) if board.gate else None,
        "power": board.power.source if board.power else None,
        "more": board.url or None,
    }
    regions = (
        (r.name, r.kind, f"{r.start:#010x}", format_bytes(r.size), str(r.wait_states),
         "yes" if r.cached else "-", f"as {r.alias_of}: {r.note}" if r.alias_of else r.note)
        for r in board.memory
    )  # fmt: skip
    return (
        facts(board.id, values),
        make_table("Memory", "region|kind|>start|>size|>waits|cached|note", regions),
        make_table("Sources", "field|read in", board.sources.items()),
    )


def problem_tables(problems: Mapping[str, Sequence[str]]) -> Tables:
    """What is wrong with the profiles."""
    rows = [(board, p) for board, found in problems.items() for p in found or ("sound",)]
    return (make_table("Board profiles", "board|problem", rows),)


def doctor_tables(rows: Sequence[Installed]) -> Tables:
    """What is installed, and how to install the rest."""
    lines = (
        (r.name, r.found or "missing", r.needed_for, "" if r.found else r.install) for r in rows
    )
    return (make_table("Installation", "requirement|found|needed for|install with", lines),)


def ports_tables(ports: Sequence[SerialPort]) -> Tables:
    """The serial ports of this computer."""
    rows = ((p.device, p.description, p.usb_id or "-", ", ".join(p.boards) or "-") for p in ports)
    return (make_table("Serial ports", "port|description|USB id|may be", rows),)


def datasets_tables(datasets: Sequence[Listed]) -> Tables:
    """Every dataset in a line."""
    rows = (
        (d.manifest.id, d.manifest.name, d.manifest.metric, _tag(d.manifest.source),
         "there" if d.found else "missing", d.manifest.licence)
        for d in datasets
    )  # fmt: skip
    return (make_table("Datasets", "id|name|metric|source|data|licence", rows),)


def _tag(record: Record) -> str:
    return str(record.__struct_config__.tag)


def dataset_tables(dataset: Listed) -> Tables:
    """One dataset."""
    manifest = dataset.manifest
    values = {
        "name": manifest.name,
        "description": manifest.description or None,
        "licence": manifest.licence,
        "origin": manifest.origin or None,
        "metric": manifest.metric,
        "labels": ", ".join(manifest.labels) or None,
        "source": _tag(manifest.source),
        "data": "there" if dataset.found else "missing",
        "reader": _tag(manifest.reader),
        "preprocessing": ", ".join(map(_tag, manifest.preprocessing)) or None,
        "sample": shape_text(manifest.sample.shape) if manifest.sample.shape else None,
    }
    return (facts(manifest.id, values),)


def examples_tables(examples: Mapping[str, Example]) -> Tables:
    """Every example in a line."""
    rows = ((name, e.task, e.dataset, str(e.epochs), str(e.seed)) for name, e in examples.items())
    return (make_table("Examples", "name|task|dataset|>epochs|>seed", rows),)


def export_tables(record: ExportRecord) -> Tables:
    """What an export is, and the files that it has."""
    values = {
        "export": record.title,
        "engine": record.engine,
        "name": record.name,
        "model SHA-256": record.model_sha256,
        "CRC-32 of the example's output": record.expected_crc32 or "not known",
    }
    files = make_table("Files", "path", ((path,) for path in record.files))
    return (facts("Export", values), files)
