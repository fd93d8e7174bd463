"""Toolchains: a table of compilers, and how each one spells each core."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from edgeq.boards.profile import Board, Core
from edgeq.core.errors import ToolchainError, UsageError, did_you_mean
from edgeq.core.installation import REQUIREMENTS, find_requirement, require

Target = Literal["cortex-m", "riscv", "native"]


class CoreKey(NamedTuple):
    """What a compiler must know of a core."""

    arch: str
    fpu: str = "none"
    dsp: bool = False
    mve: bool = False


# zig's CPU names carry no optional feature: each one is asked for by name. The names of
# arm-none-eabi-gcc carry all of them: what the core lacks is taken away.
ZIG_CPUS: Mapping[CoreKey, str] = {
    CoreKey("cortex-m0"): "-mcpu=cortex_m0",
    CoreKey("cortex-m0plus"): "-mcpu=cortex_m0plus",
    CoreKey("cortex-m3"): "-mcpu=cortex_m3",
    CoreKey("cortex-m4", "none", True): "-mcpu=cortex_m4",
    CoreKey("cortex-m4", "sp", True): "-mcpu=cortex_m4+vfp4d16sp",
    CoreKey("cortex-m7", "none", True): "-mcpu=cortex_m7",
    CoreKey("cortex-m7", "sp", True): "-mcpu=cortex_m7+fp_armv8d16sp",
    CoreKey("cortex-m7", "dp", True): "-mcpu=cortex_m7+fp_armv8d16",
    CoreKey("cortex-m33"): "-mcpu=cortex_m33",
    CoreKey("cortex-m33", "none", True): "-mcpu=cortex_m33+dsp",
    CoreKey("cortex-m33", "sp", True): "-mcpu=cortex_m33+dsp+fp_armv8d16sp",
    CoreKey("cortex-m55", "dp", True): "-mcpu=cortex_m55+fp_armv8d16",
    CoreKey("cortex-m55", "dp", True, True): "-mcpu=cortex_m55+mve_fp+fp_armv8d16",
    CoreKey("cortex-m85", "dp", True, True): "-mcpu=cortex_m85+mve_fp+fp_armv8d16",
}
GCC_CPUS: Mapping[CoreKey, str] = {
    CoreKey("cortex-m0"): "-mcpu=cortex-m0",
    CoreKey("cortex-m0plus"): "-mcpu=cortex-m0plus",
    CoreKey("cortex-m3"): "-mcpu=cortex-m3",
    CoreKey("cortex-m4", "none", True): "-mcpu=cortex-m4+nofp",
    CoreKey("cortex-m4", "sp", True): "-mcpu=cortex-m4 -mfpu=fpv4-sp-d16",
    CoreKey("cortex-m7", "none", True): "-mcpu=cortex-m7+nofp",
    CoreKey("cortex-m7", "sp", True): "-mcpu=cortex-m7 -mfpu=fpv5-sp-d16",
    CoreKey("cortex-m7", "dp", True): "-mcpu=cortex-m7 -mfpu=fpv5-d16",
    CoreKey("cortex-m33"): "-mcpu=cortex-m33+nodsp+nofp",
    CoreKey("cortex-m33", "none", True): "-mcpu=cortex-m33+nofp",
    CoreKey("cortex-m33", "sp", True): "-mcpu=cortex-m33 -mfpu=fpv5-sp-d16",
    CoreKey("cortex-m55", "dp", True): "-mcpu=cortex-m55+nomve",
    CoreKey("cortex-m55", "dp", True, True): "-mcpu=cortex-m55",
}
ZIG_RISCV: Mapping[CoreKey, str] = {
    CoreKey("rv32imc"): "-target riscv32-freestanding-none -mcpu=generic_rv32+m+c+zicsr",
    CoreKey("rv32imac"): "-target riscv32-freestanding-none -mcpu=generic_rv32+m+a+c+zicsr",
    CoreKey("rv64gc", "dp"): "-target riscv64-freestanding-none"
    " -mcpu=generic_rv64+m+a+f+d+c+zicsr -mcmodel=medany",
}
GCC_RISCV: Mapping[CoreKey, str] = {
    CoreKey("rv32imc"): "-misa-spec=2.2 -march=rv32imc -mabi=ilp32",
    CoreKey("rv32imac"): "-misa-spec=2.2 -march=rv32imac -mabi=ilp32",
    CoreKey("rv64gc", "dp"): "-march=rv64gc -mabi=lp64d -mcmodel=medany",
}

COMMON = (
    "-std=c99 -Wall -Wextra -Wpedantic -ffunction-sections -fdata-sections -fno-common"
    " -fno-unwind-tables -fno-asynchronous-unwind-tables -fno-stack-protector"
)
# Clang unrolls at -O2: more code, and slower. Change this and run benchmarks/engine.py.
ROLLED = "-O2 -fno-unroll-loops"
LINK_BARE = "-nostartfiles -Wl,--gc-sections -Wl,--build-id=none -Wl,-e,Reset_Handler"
LINK_NATIVE = "-Wl,--gc-sections -Wl,--build-id=none -pthread"


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A compiler for one kind of target.

    `requirement` is its row in core.installation. `soft` and `hard` select the floating-point
    ABI. `speed` compiles the loops that take the time, the rest is compiled for size.
    `library_flags` compile libc/string.c, whose loops must not become calls of themselves.
    """

    name: str
    requirement: str
    target: Target
    compiler: Callable[[], tuple[str, ...]]
    compile_flags: str
    link_flags: str
    cpus: Mapping[CoreKey, str] | None = None
    soft: str = ""
    hard: str = ""
    speed: str = "-O2"
    library_flags: str = ""
    libraries: str = ""

    def core_flags(self, core: Core) -> tuple[str, ...]:
        """Return how this compiler spells `core`; raise ToolchainError where it cannot."""
        if self.cpus is None:
            return tuple(self.soft.split())
        key = CoreKey(core.arch, core.fpu, core.dsp, core.mve)
        if key not in self.cpus:
            raise ToolchainError(
                f"{self.name} cannot build for {core.arch} with fpu={core.fpu}, "
                f"dsp={core.dsp}, mve={core.mve}",
                hint="check [core] of the board, or choose another --toolchain",
            )
        abi = self.soft if core.fpu == "none" else self.hard
        return (*abi.split(), *self.cpus[key].split())


def zig_program() -> tuple[str, ...]:
    """Return the argv of zig's C compiler, which lies in the PyPI package ziglang."""
    spec = importlib.util.find_spec("ziglang")
    for place in (spec.submodule_search_locations if spec else None) or ():
        for program in (Path(place) / "zig", Path(place) / "zig.exe"):
            if program.is_file():
                return (str(program), "cc")
    require("ziglang")
    raise ToolchainError(
        "the package ziglang holds no program zig", hint="pip install --force-reinstall ziglang"
    )


def on_path(program: str) -> Callable[[], tuple[str, ...]]:
    """Return a function that finds `program` on PATH, or says how to install it."""
    return lambda: (require(program),)


TOOLCHAINS: tuple[Toolchain, ...] = (
    Toolchain(
        "zig", "ziglang", "cortex-m", zig_program,
        compile_flags=f"{COMMON} -fno-sanitize=undefined -fomit-frame-pointer",
        link_flags=LINK_BARE,
        cpus=ZIG_CPUS,
        speed=ROLLED,
        soft="-target thumb-freestanding-eabi",
        hard="-target thumb-freestanding-eabihf",
        library_flags="-fno-builtin",
    ),
    Toolchain(
        "gcc-arm", "arm-none-eabi-gcc", "cortex-m", on_path("arm-none-eabi-gcc"),
        compile_flags=COMMON,
        link_flags=f"{LINK_BARE} -nostdlib",
        cpus=GCC_CPUS,
        soft="-mthumb -mfloat-abi=soft",
        hard="-mthumb -mfloat-abi=hard",
        library_flags="-fno-builtin -fno-tree-loop-distribute-patterns",
        libraries="-lgcc",
    ),
    Toolchain(
        "zig", "ziglang", "riscv", zig_program,
        compile_flags=f"{COMMON} -fno-sanitize=undefined -fomit-frame-pointer",
        link_flags=LINK_BARE,
        cpus=ZIG_RISCV,
        speed=ROLLED,
        library_flags="-fno-builtin",
    ),
    Toolchain(
        "gcc-riscv", "riscv64-unknown-elf-gcc", "riscv", on_path("riscv64-unknown-elf-gcc"),
        compile_flags=f"{COMMON} -ffreestanding",
        link_flags=f"{LINK_BARE} -nostdlib",
        cpus=GCC_RISCV,
        library_flags="-fno-builtin -fno-tree-loop-distribute-patterns",
        libraries="-lgcc",
    ),
    Toolchain("gcc", "gcc", "native", on_path("gcc"), COMMON, LINK_NATIVE),
    Toolchain("clang", "clang", "native", on_path("clang"), COMMON, LINK_NATIVE),
    Toolchain(
        "zig", "ziglang", "native", zig_program,
        compile_flags=f"{COMMON} -fno-sanitize=undefined",
        link_flags=LINK_NATIVE,
        soft="-mcpu=baseline",
    ),
)  # fmt: skip


def target_of(board: Board) -> Target:
    """Return what kind of code `board` runs; raise ToolchainError where edgeq builds none."""
    if board.core.arch == "native":
        if not sys.platform.startswith("linux"):
            raise ToolchainError(
                f"the board {board.id} needs Linux, this is {sys.platform}",
                hint="choose a virtual board, for example --board virt-m4",
            )
        return "native"
    if board.core.arch.startswith("cortex-m"):
        return "cortex-m"
    if board.core.arch.startswith("rv"):
        return "riscv"
    raise ToolchainError(
        f"edgeq builds no firmware for the core {board.core.arch} of {board.id}",
        hint="`edgeq compile` writes C99 that any toolchain builds",
    )


def find_toolchain(board: Board, name: str | None = None) -> Toolchain:
    """Return the toolchain `name` for `board`, or the board's default: the first one installed.

    Raises:
        UsageError: no such toolchain, or not one for this board.
        ToolchainError: none is installed.
    """
    target = target_of(board)
    rows = [t for t in TOOLCHAINS if t.target == target]
    if name is not None:
        chosen = [t for t in rows if t.name == name]
        if not chosen:
            known = [t.name for t in rows]
            raise UsageError(
                f"no toolchain {name!r} for board {board.id}.{did_you_mean(name, known)}",
                hint=f"choose one of: {', '.join(known)}",
            )
        return chosen[0]
    return next((t for t in rows if is_installed(t)), rows[-1] if target == "native" else rows[0])


def is_installed(toolchain: Toolchain) -> bool:
    """Whether the toolchain's package or program is there."""
    row = next(r for r in REQUIREMENTS if r.name == toolchain.requirement)
    return find_requirement(row) is not None


def zig_environment() -> dict[str, str]:
    """Return the variables that keep zig's cache in edgeq's cache folder."""
    from platformdirs import user_cache_dir

    folder = os.environ.get("ZIG_GLOBAL_CACHE_DIR") or str(Path(user_cache_dir("edgeq")) / "zig")
    return {"ZIG_GLOBAL_CACHE_DIR": folder, "ZIG_LOCAL_CACHE_DIR": folder}
