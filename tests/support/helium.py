"""Generated C on an emulated Cortex-M55: many models in one image, started once."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.boards.registry import find_board
from edgeq.compile import compile_graph
from edgeq.compile.source import NAMES, kernel_paths
from edgeq.compile.target import Target
from edgeq.core.records import CompiledModel
from edgeq.firmware.toolchains import find_toolchain, zig_environment
from edgeq.graph.ir import DTYPES, Graph
from tests.support.native import write_library
from tests.support.tools import need_program

Array = NDArray[Any]
Case = tuple[Graph, Sequence[Array]]

BOARD = "qemu-an547"
_SECONDS = 120

_LINKER = """
ENTRY(Reset_Handler)
SECTIONS {
  .text 0 : { KEEP(*(.vectors)) *(.text*) *(.rodata*) }
  .arenas 0x21000000 : { first_arena = .; *(.bss.m*_arena) . = . + 64; last_arena = .; }
  .data 0x20000000 : { *(.data*) *(.bss*) *(COMMON) }
  /DISCARD/ : { *(.ARM.exidx*) }
}
"""

_MAIN = """
#include <stdint.h>
#include <stddef.h>
void *memset(void *to, int value, size_t count);
void *memcpy(void *to, const void *from, size_t count);
void Reset_Handler(void);
extern int8_t first_arena[], last_arena[];
__attribute__((section(".vectors"), used)) static const uintptr_t vectors[] = {
    0x20080000u, (uintptr_t)Reset_Handler};

void *memset(void *to, int value, size_t count)
{
    volatile char *p = to;
    while (count--) *p++ = (char)value;
    return to;
}

void *memcpy(void *to, const void *from, size_t count)
{
    volatile char *p = to;
    const char *q = from;
    while (count--) *p++ = *q++;
    return to;
}

static uint32_t host(uint32_t operation, const void *block)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = block;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void send(uint32_t file, const void *data, uint32_t count)
{
    const uint32_t block[3] = {file, (uint32_t)(uintptr_t)data, count};
    host(5, block);
}

/* Whether nothing outside the model's own arena was written. */
static int8_t intact(const int8_t *arena, uint32_t size)
{
    const int8_t *p;
    for (p = first_arena; p < last_arena; p++)
        if ((p < arena || p >= arena + size) && *p != 0x5a) return 0;
    return 1;
}
"""

_MODEL = """
#include "{name}.h"
static void run_{name}(uint32_t file)
{{
    static const unsigned in[] = {{{inputs}}}, out[] = {{{outputs}}};
    static const unsigned char data[] = {{{data}}};
    const unsigned char *from = data;
    int8_t *const arena = (int8_t *){name}_input(0) - {offset};
    int8_t whole;
    int i;
    memset(first_arena, 0x5a, (size_t)(last_arena - first_arena));
    {name}_init();
    for (i = 0; i < {macro}_INPUTS; i++) {{
        memcpy({name}_input(i), from, in[i]);
        from += in[i];
    }}
    {name}_invoke();
    whole = intact(arena, {macro}_ARENA_BYTES);
    send(file, &whole, 1);
    for (i = 0; i < {macro}_OUTPUTS; i++) send(file, {name}_output(i), out[i]);
}}
"""

_START = """
void Reset_Handler(void)
{{
    static const char name[] = ":tt";
    const uint32_t block[3] = {{(uint32_t)(uintptr_t)name, 4, 3}};
    uint32_t file;
    *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20;
    __asm__ volatile("dsb\\n isb");
    file = host(1, block);
{runs}
    host(0x18, (const void *)0x20026);
    for (;;) continue;
}}
"""


def run_helium(cases: Sequence[Case]) -> list[list[Array]]:
    """Return the outputs of each graph on its inputs; no kernel wrote outside its arena.

    Skips the test where QEMU or a cross compiler is missing.
    """
    need_program("qemu-system-arm")
    board = find_board(BOARD)
    target = Target.of(board.core)
    models = [compile_graph(g, name=f"m{i}", target=target) for i, (g, _) in enumerate(cases)]
    with tempfile.TemporaryDirectory() as folder:
        elf = _build(models, cases, Path(folder))
        return _outputs(_emulate(elf), [g for g, _ in cases])


def _build(models: Sequence[CompiledModel], cases: Sequence[Case], folder: Path) -> Path:
    board = find_board(BOARD)
    chain = find_toolchain(board, "zig")
    for model in models:
        write_library(model, folder)
    for file in kernel_paths().values():
        shutil.copy(file, folder)
    shutil.copy(kernel_paths()[NAMES], folder)
    inputs = [case[1] for case in cases]
    runs = "".join(f"    run_{m.name}(file);\n" for m in models)
    parts = [_MAIN, *map(_model_text, models, inputs), _START.format(runs=runs)]
    (folder / "main.c").write_text("".join(parts))
    (folder / "memory.ld").write_text(_LINKER)
    kernels = sorted({s for m in models for s in m.sources[1:]})
    command = [
        *chain.compiler(), *chain.core_flags(board.core), *chain.compile_flags.split(), "-O2",
        *chain.link_flags.split(), "-T", "memory.ld", "-o", "image.elf", "main.c",
        *(f"{m.name}.c" for m in models), *kernels,
    ]  # fmt: skip
    environment = {**os.environ, **zig_environment()}
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return folder / "image.elf"


def _model_text(model: CompiledModel, inputs: Sequence[Array]) -> str:
    plan = model.plan
    data = b"".join(np.ascontiguousarray(a).tobytes() for a in inputs)
    return _MODEL.format(
        name=plan.name,
        macro=plan.name.upper(),
        inputs=", ".join(str(p.bytes) for p in plan.inputs),
        outputs=", ".join(str(p.bytes) for p in plan.outputs),
        data=", ".join(map(str, data)),
        offset=plan.inputs[0].offset,
    )


def _emulate(elf: Path) -> bytes:
    command = [
        "qemu-system-arm", "-M", "mps3-an547", "-display", "none", "-monitor", "none",
        "-serial", "none", "-semihosting-config", "enable=on,target=native", "-kernel", str(elf),
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout


def _outputs(data: bytes, graphs: Sequence[Graph]) -> list[list[Array]]:
    results, at = [], 0
    for number, graph in enumerate(graphs):
        assert data[at] == 1, f"model {number} wrote outside its arena"
        at += 1
        arrays = []
        for index in graph.outputs:
            t = graph.tensor(index)
            flat = np.frombuffer(data, DTYPES[t.dtype], t.elements, at)
            arrays.append(flat.reshape(t.shape))
            at += t.bytes
        results.append(arrays)
    assert at == len(data)
    return results
