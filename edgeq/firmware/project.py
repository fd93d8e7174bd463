"""A firmware project: a template's sources, rendered for one board and one compiled model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edgeq import __version__
from edgeq.boards import checks
from edgeq.boards.profile import Board, Pin, parse_pin
from edgeq.core.errors import InputError, UsageError, did_you_mean
from edgeq.core.files import confined, shipped_folder
from edgeq.core.records import CompiledModel
from edgeq.firmware.dialects import PROTOCOLS, Dialect
from edgeq.firmware.templates import make_renderer

Part = Literal["harness", "library", "model"]

# What each timer driver of the templates counts, in the order in which it gives the values.
COUNTERS: dict[str, tuple[str, ...]] = {
    "virt-counter": ("instructions", "cycles"),
    "systick": ("ticks",),
    "dwt": ("cycles",),
    "nrf-timer": ("ticks",),
    "mcycle": ("cycles",),
    "clock-gettime": ("ns",),
}
# Which of them tells the time, most direct first.
TIME_COUNTERS = ("ns", "ticks", "cycles")
COMMON = "common"
# Folders of a template that hold drivers, and which of its files a board asks for. A driver
# brings the headers beside it whose name its own begins with: stm32h7.c brings stm32.h.
DRIVERS: dict[str, Callable[[Board], str]] = {
    **{kind: choose for kind, (_, choose) in checks.DRIVERS.items()},
    "startup": lambda board: "riscv" if board.core.arch.startswith("rv") else "cortex-m",
}


@dataclass(frozen=True, slots=True)
class Unit:
    """One C file to compile: part of edgeq's harness, of the small library, or of the model.

    `hot` units are compiled for speed, the others for size.
    """

    source: str
    part: Part
    hot: bool = False

    @property
    def object(self) -> str:
        """The object file, in the folder of its part: the linker script tells parts by it."""
        return f"{self.part}/{self.source.removesuffix('.c').replace('/', '.')}.o"


@dataclass(frozen=True, slots=True)
class Project:
    """The files of a firmware by relative path, and how they become one image."""

    files: dict[str, str]
    units: tuple[Unit, ...]
    includes: tuple[str, ...]
    linker_script: str | None
    model_prelude: str | None
    model_flags: tuple[str, ...] = ()


def make_project(
    compiled: CompiledModel, board: Board, dialect: Dialect, *, traced: bool
) -> Project:
    """Render the board's template around `compiled`, speaking `dialect`.

    Raises:
        InputError: the board names a template or driver that does not exist.
    """
    render = _renderer(compiled, board, dialect, traced=traced)
    files: dict[str, str] = {}
    for name, path in _template_files(board, dialect):
        text = path.read_text("utf-8")
        files[name.removesuffix(".j2")] = render(text) if name.endswith(".j2") else text
    harness = [Unit(f, "harness") for f in files if f.startswith("harness/") and f.endswith(".c")]
    library = [Unit(f, "library", hot=True) for f in files if f.startswith("libc/")]
    files |= _model_files(compiled)
    return Project(
        files=files,
        units=(
            *harness,
            *(u for u in library if u.source.endswith(".c")),
            *_model_units(compiled),
        ),
        includes=tuple(f for f in ("harness", "model", "libc") if _has_folder(files, f)),
        linker_script="firmware.ld" if "firmware.ld" in files else None,
        model_prelude="harness/trace.h" if traced else None,
        model_flags=_placing_flags(compiled) if board.build.template == "bare-metal" else (),
    )


def make_library(compiled: CompiledModel) -> Project:
    """Return the model and its kernels alone, with the C library's header that they include."""
    libc = shipped_folder("firmware_templates") / "bare-metal" / "libc" / "string.h"
    return Project(
        files=_model_files(compiled) | {"libc/string.h": libc.read_text("utf-8")},
        units=_model_units(compiled),
        includes=("model", "libc"),
        linker_script=None,
        model_prelude=None,
    )


def _model_files(compiled: CompiledModel) -> dict[str, str]:
    return {f"model/{name}": text for name, text in compiled.files.items()}


def _model_units(compiled: CompiledModel) -> tuple[Unit, ...]:
    return tuple(Unit(f"model/{s}", "model", s in compiled.hot_sources) for s in compiled.sources)


def _has_folder(files: dict[str, str], folder: str) -> bool:
    return any(name.startswith(f"{folder}/") for name in files)


def _template_files(board: Board, dialect: Dialect) -> Iterator[tuple[str, Path]]:
    """Yield (path in the project, file) of everything the board's firmware is made of."""
    names = checks.template_names()
    if not board.build.template and board.build.export:
        raise UsageError(
            f"edgeq has no firmware template for {board.id}: its chip is built by its maker's SDK",
            hint=f"hand the model to it: edgeq export MODEL --as {board.build.export} --out FOLDER",
        )
    if board.build.template not in names:
        raise InputError(
            f"board {board.id}: build.template: no template {board.build.template!r}."
            f"{did_you_mean(board.build.template, names)}",
            hint=f"choose one of: {', '.join(names)}",
        )
    root = shipped_folder("firmware_templates")
    folder, spoken = root / board.build.template, root / PROTOCOLS / dialect.protocol
    for path in sorted(p for f in (root / COMMON, spoken, folder) for p in f.iterdir()):
        if path.is_file():
            yield (path.name if ".ld" in path.suffixes else f"harness/{path.name}"), path
    for kind, name in dialect.drivers.items():
        yield f"harness/{kind}.c", confined(spoken / kind, f"{name}.c")
    for kind, choose in DRIVERS.items():
        if (folder / kind).is_dir():
            driver = _driver(folder / kind, choose(board), board)
            yield f"harness/{kind}.c", driver
            for header in sorted((folder / kind).glob("*.h")):
                if driver.stem.startswith(header.stem):
                    yield f"harness/{header.name}", header
    for path in sorted((folder / "libc").glob("*")):
        yield f"libc/{path.name}", path


def _driver(folder: Path, name: str, board: Board) -> Path:
    known = sorted(path.stem for path in folder.glob("*.c"))
    if name not in known:
        raise InputError(
            f"board {board.id}: template {board.build.template} has no {folder.name} driver "
            f"{name!r}.{did_you_mean(name, known)}",
            hint=f"choose one of: {', '.join(known)}",
        )
    return confined(folder, f"{name}.c")


def _renderer(
    compiled: CompiledModel, board: Board, dialect: Dialect, *, traced: bool
) -> Callable[[str], str]:
    counters = COUNTERS[board.timer.driver] if board.timer else ()
    names = {
        **dialect.names,
        "board": board,
        "model": compiled.plan,
        "sha256": bytes.fromhex(compiled.plan.model_sha256 or "00" * 32),
        "counters": counters,
        "time_counter": next((counters.index(n) for n in TIME_COUNTERS if n in counters), 0),
        "baud": dialect.baud or board.link.baud,
        "gate_pulsed": dialect.pulsed,
        "harness_helpers": dialect.counts,
        "pins": _pins(board),
        "traced": traced,
        "version": __version__,
    }
    return make_renderer(names)


def _pins(board: Board) -> dict[str, Pin]:
    """Return the board's pins by the name that their macros begin with."""
    gate = board.gate.pin if board.gate else ""
    named = {"UART_TX": board.link.tx, "UART_RX": board.link.rx, "GATE": gate}
    try:
        return {role: parse_pin(pin) for role, pin in named.items() if pin}
    except ValueError as error:
        raise InputError(
            f"board {board.id}: link: {error}", hint="see `edgeq boards check`"
        ) from error


def _placing_flags(compiled: CompiledModel) -> tuple[str, ...]:
    """Return what places the hottest constants where the linker script copies them to RAM."""
    if not compiled.plan.fast_bytes:
        return ()
    section = '__attribute__((section(".fast_constants")))'
    return (f"-D{compiled.name.upper()}_FAST={section}",)
