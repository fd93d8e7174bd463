"""Build: a compiled model and a board become one linked firmware image."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from edgeq.boards.profile import Board
from edgeq.core.errors import GateError, ToolchainError, UsageError
from edgeq.core.files import write_tree
from edgeq.core.processes import Completed, run
from edgeq.core.records import EDGEQ, CompiledModel, FirmwareImage, Plan, ProtocolRecord, SizeRecord
from edgeq.core.units import format_bytes
from edgeq.firmware.dialects import Dialect, find_dialect
from edgeq.firmware.project import Project, Unit, make_library, make_project
from edgeq.firmware.sizes import measure_image, measure_library
from edgeq.firmware.toolchains import Toolchain, find_toolchain, zig_environment

# Words of the line to quote, the most telling first: what follows a cause also says "error".
TELLING = ("undefined", "error: ", "error")
DEFECT = "this is a defect of edgeq or of the toolchain; try another --toolchain"
# The drivers check what the profile says: a wrong one stops there.
HINTS = {
    "harness/clock.c": "check clock_hz, link and build.settings of the board's profile",
    "harness/startup.c": "check the board's [core]",
}
JOBS = 2
OBJECTS = "obj"
COMPILE_TIMEOUT_S = 300.0
SIZE = "-Os"
# lld: "section '.text' will not fit in region 'flash': overflowed by 12 bytes"
# GNU ld: "region `flash' overflowed by 12 bytes"
OVERFLOW = re.compile(r"region [`'](\w+)'[: ]+overflowed by (\d+) bytes")


@dataclass(frozen=True, slots=True)
class Build:
    """One build in work: relative paths below `folder`, so that no image holds a path."""

    project: Project
    board: Board
    toolchain: Toolchain
    folder: Path
    strict: bool


def build_firmware(
    compiled: CompiledModel,
    board: Board,
    out: Path,
    *,
    toolchain: str | None = None,
    traced: bool = False,
    strict: bool = False,
    protocol: ProtocolRecord = EDGEQ,
) -> FirmwareImage:
    """Build the firmware of `compiled` for `board` below `out`.

    `out` receives the sources (harness/, model/, libc/, firmware.ld), the objects (obj/), and
    `firmware.elf`, which appears only when the whole build succeeded.

    Args:
        toolchain: a name of firmware.toolchains; the board's first installed one by default.
        traced: report every layer over the link.
        strict: compiler warnings are errors.
        protocol: what the firmware speaks with its host.

    Raises:
        GateError: the firmware is larger than a memory region.
        ToolchainError: the toolchain is missing or failed.
        InputError: the board names a template or driver that does not exist.
        UsageError: no such toolchain for this board, `out` cannot be written, or the protocol
            does not go with the model or the board.
    """
    chosen = find_toolchain(board, toolchain)
    chosen.compiler()
    dialect = find_dialect(protocol, compiled.plan, board, traced=traced)
    project = make_project(compiled, board, dialect, traced=traced)
    build = Build(project, board, chosen, Path(out), strict)
    write_tree(build.folder, project.files)
    _compile_all(build)
    return _deliver(build, _link(build), compiled.plan, dialect, traced=traced)


def build_library(
    compiled: CompiledModel,
    board: Board,
    out: Path,
    *,
    toolchain: str | None = None,
    strict: bool = False,
) -> SizeRecord:
    """Compile the model and its kernels alone for the board's core, and return their sizes.

    For boards whose firmware is built by their maker's SDK. `image_bytes` is the library's own.

    Raises:
        ToolchainError: the toolchain is missing or failed.
        UsageError: no such toolchain for this board, or `out` cannot be written.
    """
    chosen = find_toolchain(board, toolchain)
    chosen.compiler()
    build = Build(make_library(compiled), board, chosen, Path(out), strict)
    write_tree(build.folder, build.project.files)
    _compile_all(build)
    return measure_library(build.folder / OBJECTS, compiled.plan)


def compile_flags(build: Build, unit: Unit) -> list[str]:
    """Return the flags that compile `unit`, without the compiler, its input and its output."""
    chosen = build.toolchain
    flags = [*chosen.core_flags(build.board.core), *chosen.compile_flags.split()]
    flags += chosen.speed.split() if unit.hot else [SIZE]
    flags += [f"-I{folder}" for folder in build.project.includes]
    # The same image in any folder, wherever the compiler is installed.
    flags.append(f"-ffile-prefix-map={build.folder.resolve()}=.")
    flags.append(f"-ffile-prefix-map={Path(chosen.compiler()[0]).parent}=toolchain")
    if build.strict:
        flags.append("-Werror")
    if unit.part == "library":
        flags += chosen.library_flags.split()
    if unit.part == "model":
        flags += build.project.model_flags
    if unit.part == "model" and build.project.model_prelude:
        flags += ["-include", build.project.model_prelude]
    return flags


def _compile_all(build: Build) -> None:
    _make_folders(build)
    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(lambda unit: _compile(build, unit), build.project.units))


def _compile(build: Build, unit: Unit) -> None:
    target = f"{OBJECTS}/{unit.object}"
    done = _run(build, [*compile_flags(build, unit), "-c", unit.source, "-o", target])
    if done.returncode != 0:
        raise ToolchainError(
            f"{build.toolchain.name} failed on {unit.source}: {first_error(done.stderr)}",
            hint=HINTS.get(unit.source, DEFECT),
        )


def _link(build: Build) -> Path:
    chosen, project = build.toolchain, build.project
    objects = [f"{OBJECTS}/{unit.object}" for unit in project.units]
    flags = [*chosen.core_flags(build.board.core), *chosen.link_flags.split()]
    if project.linker_script:
        flags += ["-T", project.linker_script]
    target = f"{OBJECTS}/linked.elf"
    done = _run(build, [*flags, *objects, *chosen.libraries.split(), "-o", target])
    if done.returncode != 0:
        raise link_error(done.stderr, build.board, chosen.name)
    return build.folder / target


def _deliver(
    build: Build, linked: Path, plan: Plan, dialect: Dialect, *, traced: bool
) -> FirmwareImage:
    """Measure what was linked, give it its name, and describe it."""
    sizes, regions = measure_image(linked, build.folder / OBJECTS, plan, build.board)
    elf = build.folder / "firmware.elf"
    os.replace(linked, elf)
    return FirmwareImage(
        elf=str(elf),
        board_id=build.board.id,
        model_name=plan.name,
        model_sha256=plan.model_sha256,
        toolchain=build.toolchain.name,
        traced=traced,
        sizes=sizes,
        regions=regions,
        protocol=dialect.protocol,
        mode=dialect.mode,
        baud=dialect.baud,
    )


def link_error(message: str, board: Board, toolchain: str) -> GateError | ToolchainError:
    """Return the error that a failed link stands for."""
    overflows = {name: int(count) for name, count in OVERFLOW.findall(message)}
    if not overflows:
        return ToolchainError(
            f"{toolchain} could not link the firmware: {first_error(message)}",
            hint=DEFECT,
        )
    short = ", ".join(
        f"region {name!r} of {board.id} is too small by {count:,} bytes"
        f" (it has {format_bytes(board.region(name).size)})"
        for name, count in overflows.items()
    )
    return GateError(
        f"the firmware does not fit: {short}",
        hint="`edgeq fit` shows what needs the memory; choose a larger board or a smaller model",
    )


def first_error(message: str) -> str:
    """Return the line of a compiler's or linker's output that says what is wrong."""
    lines = [line for line in message.splitlines() if line.strip()]
    telling = (line for word in TELLING for line in lines if word in line)
    return next(telling, lines[0] if lines else "no message")


def _run(build: Build, arguments: list[str]) -> Completed:
    return run(
        [*build.toolchain.compiler(), *arguments],
        timeout_s=COMPILE_TIMEOUT_S,
        cwd=build.folder,
        env=zig_environment() if build.toolchain.requirement == "ziglang" else None,
    )


def _make_folders(build: Build) -> None:
    for folder in {Path(unit.object).parent for unit in build.project.units}:
        try:
            (build.folder / OBJECTS / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"cannot write {build.folder}: {error.strerror}", hint="choose another folder"
            ) from error
