"""Kernels as C: no two headers clash, and each file compiles alone, for each core it may meet."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from edgeq.boards.registry import find_board
from edgeq.compile.source import DECLARED, kernel_paths, kernel_text
from edgeq.core.files import shipped_folder
from edgeq.core.processes import run
from edgeq.firmware.toolchains import (
    TOOLCHAINS,
    Toolchain,
    is_installed,
    target_of,
    zig_environment,
)
from tests.support.native import WARNINGS, require_compiler

HEADERS = sorted(name for name in kernel_paths() if name.endswith(".h"))
SOURCES = sorted(name for name in kernel_paths() if name.endswith(".c"))
INCLUDES = sorted({f"-I{path.parent}" for path in kernel_paths().values()})
LIBC = shipped_folder("firmware_templates") / "bare-metal" / "libc"
# Between them: C, assembly of Thumb-1, of Thumb-2 with and without the DSP extension, Helium.
BOARDS = ("virt-m0plus", "virt-m3", "virt-m4", "virt-m7", "virt-m33", "qemu-an547", "virt-rv32imc")
FAST = (("host", "clang"), ("virt-m4", "gcc-arm"))  # the others take longer together

_TYPE = re.compile(r"^(?:struct|union|enum) (\w+) \{", re.MULTILINE)
_ALIAS = re.compile(r"^typedef [^;]*?(\w+)\([^;]*;|^typedef [^;]*?(\w+);", re.MULTILINE)
_INLINE = re.compile(r"^(?:\w+ )?static (?:inline )?[^;={]*?(\w+)\([^;{]*\)\n\{", re.MULTILINE)
_SHARED = re.compile(r"^(?!static)[\w ]*?\w[ *]+(eq_\w+)\([^;{]*\)\n\{", re.MULTILINE)
_ASM = re.compile(r'__asm__( volatile)?\s*\((?!"r\d+"\))(.*?)\);\n', re.DOTALL)


def names_in(text: str) -> set[str]:
    """Return the types and functions that a header defines, each once: #else may repeat one."""
    found = [pattern.findall(text) for pattern in (_TYPE, _INLINE)]
    aliases = ["".join(match) for match in _ALIAS.findall(text)]
    return {*found[0], *found[1], *aliases}


def test_no_two_headers_define_the_same_name() -> None:
    names = {header: names_in(kernel_text(header)) for header in HEADERS}
    assert {"eq_output", "eq_line_kernel", "eq_clamp", "eq_scaled"} <= set().union(*names.values())
    counts = Counter(name for found in names.values() for name in found)
    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("backwards", [False, True])
def test_all_headers_go_into_one_file(compiler: str, backwards: bool, tmp_path: Path) -> None:
    lines = [f'#include "{header}"\n' for header in sorted(HEADERS, reverse=backwards)]
    (tmp_path / "all.c").write_text("".join(lines))
    flags = (*WARNINGS, "-Wno-unused-function", "-fsyntax-only", *INCLUDES)
    done = run([require_compiler(compiler), *flags, "all.c"], timeout_s=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_every_function_that_files_share_takes_the_library_s_name() -> None:
    declared = {name for header in HEADERS for name in DECLARED.findall(kernel_text(header))}
    shared = {name for source in SOURCES for name in _SHARED.findall(kernel_text(source))}
    assert {"eq_mve_open_lines", "eq_conv"} <= shared
    assert shared - declared == set()


def _builds() -> list[object]:
    pairs = [
        (board, toolchain.name)
        for board in ("host", *BOARDS)
        for toolchain in TOOLCHAINS
        if toolchain.target == target_of(find_board(board))
    ]
    return [pytest.param(*p, marks=() if p in FAST else pytest.mark.slow) for p in pairs]


@pytest.mark.parametrize(("board", "name"), _builds())
def test_each_kernel_compiles_alone_without_a_warning(
    board: str, name: str, tmp_path: Path
) -> None:
    profile = find_board(board)
    toolchain = _need(name, target_of(profile))
    flags = [*toolchain.compile_flags.split(), "-Werror", *toolchain.speed.split()]
    if toolchain.target != "native":
        flags.append(f"-I{LIBC}")
    sources = [str(kernel_paths()[source]) for source in SOURCES]
    done = run(
        [
            *toolchain.compiler(),
            *flags,
            *INCLUDES,
            *toolchain.core_flags(profile.core),
            "-c",
            *sources,
        ],
        timeout_s=300,
        cwd=tmp_path,
        env=zig_environment(),
    )
    assert done.returncode == 0, done.stderr


def _need(name: str, target: str) -> Toolchain:
    toolchain = next(t for t in TOOLCHAINS if (t.name, t.target) == (name, target))
    if not is_installed(toolchain):
        pytest.skip(f"{name} is not installed")
    return toolchain


def test_assembly_that_writes_memory_is_never_dropped() -> None:
    """Without volatile, a compiler may drop assembly whose outputs nothing reads."""
    writers, dropped = 0, []
    for file in (*HEADERS, *SOURCES):
        text = kernel_text(file)
        macros = dict(re.findall(r"#define (\w+)(?:\([^)]*\))? *((?:.*\\\n)*.*)\n", text))
        for volatile, body in _ASM.findall(text):
            code = body.split('"memory"')[0]
            words = re.findall(r"\b[A-Z_]+\b", code)
            code += "".join(macros.get(word, "") for word in words)
            if '"memory"' in body and re.search(r"\b(?:str|strb|strd|stm|stmia)\b", code):
                writers += 1
                dropped += [] if volatile else [file]
    assert dropped == []
    assert writers >= 5
