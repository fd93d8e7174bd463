"""Exports: the model as a library that a build system takes as it is, with an example."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from edgeq.compile.identifiers import c_identifier
from edgeq.compile.source import port_record
from edgeq.core.errors import UsageError, did_you_mean
from edgeq.core.files import shipped_folder
from edgeq.core.records import CompiledModel, PortRecord, Record
from edgeq.firmware.templates import make_renderer
from edgeq.graph.ir import Graph

Engine = Literal["aot", "tflm"]
ENGINES: tuple[Engine, ...] = ("aot", "tflm")
VERSION = "1.0.0"
FOLDER = "exports"
# The record of an export lies in its folder: the next export there knows what is its own.
RECORD = "edgeq-export.json"
# ZIP archives know no earlier date; the same one in each keeps their bytes the same.
ZIP_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Library:
    """A model in source form: files by name, and which of them are compiled, some for speed."""

    name: str
    engine: Engine
    sha256: str
    files: Mapping[str, str]
    sources: tuple[str, ...]
    hot_sources: tuple[str, ...]
    inputs: tuple[PortRecord, ...]
    outputs: tuple[PortRecord, ...]


@dataclass(frozen=True, slots=True)
class Exporter:
    """One ecosystem: a folder of firmware_templates/exports, and what it takes beside it.

    `example` is where run.h goes, `main` whether the plain main.c is the example. The `tflm_`
    fields say how the ecosystem names TensorFlow Lite Micro. `archive` packs all files.
    """

    name: str
    title: str
    example: str
    main: bool = False
    cmake: bool = False
    tflm_target: str = ""
    tflm_include: str = ""
    archive: Callable[[str, Mapping[str, str]], dict[str, bytes]] | None = None


class ExportRecord(Record, frozen=True, kw_only=True):
    """What an export wrote: `files` relative to the folder, and the CRC-32 its example prints."""

    kind: str
    title: str
    engine: Engine
    name: str
    model_sha256: str
    expected_crc32: str | None
    files: tuple[str, ...]


def pack_archive(name: str, files: Mapping[str, str]) -> dict[str, bytes]:
    """Return the .pack of a CMSIS-Pack: a ZIP archive of its files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(path, ZIP_DATE), text.encode(), zipfile.ZIP_DEFLATED)
    return {f"edgeq.{name}.{VERSION}.pack": buffer.getvalue()}


EXPORTERS: Mapping[str, Exporter] = {
    row.name: row
    for row in (
        Exporter("folder", "plain folder with a Makefile", "example", main=True),
        Exporter(
            "cmake", "CMake library", "example", main=True, cmake=True, tflm_target="tflite-micro"
        ),
        Exporter(
            "platformio", "PlatformIO library", "examples/run/src",
            tflm_include="Chirale_TensorFlowLite.h",
        ),
        Exporter(
            "arduino", "Arduino library", "examples/run", tflm_include="Chirale_TensorFlowLite.h"
        ),
        Exporter("esp-idf", "ESP-IDF component", "examples/run/main"),
        Exporter("zephyr", "Zephyr module", "samples/run/src"),
        Exporter("cmsis-pack", "CMSIS-Pack", "example", main=True, archive=pack_archive),
        Exporter(
            "pico-sdk", "Pico SDK library", "example", cmake=True, tflm_target="pico-tflmicro"
        ),
    )
}  # fmt: skip


def find_exporter(kind: str) -> Exporter:
    """Return the row called `kind`; raise UsageError where there is none."""
    if kind not in EXPORTERS:
        raise UsageError(
            f"no export {kind!r}.{did_you_mean(kind, EXPORTERS)}",
            hint=f"choose one of: {', '.join(EXPORTERS)}",
        )
    return EXPORTERS[kind]


def aot_library(compiled: CompiledModel) -> Library:
    """Return the model as edgeq's own C."""
    wanted = (".c", ".h")
    return Library(
        name=compiled.name,
        engine="aot",
        sha256=compiled.plan.model_sha256,
        files={name: text for name, text in compiled.files.items() if name.endswith(wanted)},
        sources=compiled.sources,
        hot_sources=compiled.hot_sources,
        inputs=compiled.plan.inputs,
        outputs=compiled.plan.outputs,
    )


def tflm_library(graph: Graph, files: Mapping[str, str], name: str) -> Library:
    """Return the model for TensorFlow Lite Micro, behind the same four functions.

    Args:
        files: what `edgeq.compile` emits for it: array, header and op resolver.
    """
    stem = c_identifier(name)
    return Library(
        name=stem,
        engine="tflm",
        sha256=graph.sha256,
        files=files,
        sources=(f"{stem}_model.c", f"{stem}.cpp"),
        hot_sources=(),
        inputs=tuple(port_record(graph.tensor(t), 0) for t in graph.inputs),
        outputs=tuple(port_record(graph.tensor(t), 0) for t in graph.outputs),
    )


def render_export(
    library: Library, kind: str, *, expected_crc32: str | None
) -> tuple[ExportRecord, dict[str, str], dict[str, bytes]]:
    """Return the record of an export, its text files and its archives, by relative path.

    Args:
        expected_crc32: of all outputs for the generator's input of seed 1, where it is known.

    Raises:
        UsageError: no such export.
    """
    exporter = find_exporter(kind)
    render = make_renderer(_names(library, exporter, expected_crc32))
    files = {f"src/{name}": text for name, text in library.files.items()}
    for path, template in _templates(exporter, library.engine):
        files[path.replace("NAME", library.name)] = render(template.read_text("utf-8"))
    archives = exporter.archive(library.name, files) if exporter.archive else {}
    record = ExportRecord(
        kind=kind,
        title=exporter.title,
        engine=library.engine,
        name=library.name,
        model_sha256=library.sha256,
        expected_crc32=expected_crc32,
        files=(*sorted(files), *sorted(archives), RECORD),
    )
    files[RECORD] = msgspec.json.format(msgspec.json.encode(record), indent=1).decode() + "\n"
    return record, files, archives


def _templates(exporter: Exporter, engine: Engine) -> Iterator[tuple[str, Path]]:
    """Yield (path in the export, template) of everything beside the library's own files."""
    root = shipped_folder("firmware_templates") / FOLDER
    yield f"{exporter.example}/run.h", root / "common" / "example" / "run.h.j2"
    if exporter.main:
        yield f"{exporter.example}/main.c", root / "common" / "example" / "main.c.j2"
    if exporter.cmake:
        yield "CMakeLists.txt", root / "common" / "cmake" / "CMakeLists.txt.j2"
    if engine == "tflm":
        for part in ("NAME.h", "NAME.cpp"):
            yield f"src/{part}", root / "common" / "tflm" / f"{part}.j2"
    own = root / exporter.name
    for template in sorted(own.rglob("*.j2")):
        yield template.relative_to(own).as_posix().removesuffix(".j2"), template


def _names(library: Library, exporter: Exporter, expected: str | None) -> dict[str, Any]:
    return {
        "name": library.name,
        "macro": library.name.upper(),
        "version": VERSION,
        "description": f"Neural network {library.name} as a library, made by edgeq",
        "kind": exporter.name,
        "engine": library.engine,
        "sha256": library.sha256,
        "sources": library.sources,
        "c_sources": [s for s in library.sources if s.endswith(".c")],
        "hot_sources": library.hot_sources,
        "inputs": library.inputs,
        "outputs": [_printed(port) for port in library.outputs],
        "fills": sorted({port.dtype == "float32" for port in library.inputs}),
        "expected": expected,
        "tflm_target": exporter.tflm_target,
        "tflm_include": exporter.tflm_include,
    }


def _printed(port: PortRecord) -> dict[str, str]:
    """Return how C reads and prints an output: floats in thousandths, for want of %f."""
    if port.dtype == "float32":
        return {"c_type": "float", "value": "(values[i] * 1000.0f)", "unit": " / 1000"}
    return {"c_type": f"{port.dtype}_t", "value": "values[i]", "unit": ""}
