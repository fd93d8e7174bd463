"""Thumb instructions by kind: what a cycle table needs to know of them, and no more.

Encodings: Armv7-M Architecture Reference Manual (ARM DDI 0403), chapters A5.2 and A5.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

# Kinds. Those of DSP and FPU also say which extension a core needs.
DSP_KINDS = frozenset({"dsp", "dsp_long"})
FPU_KINDS = frozenset(
    {"fpu", "fpu_mla", "fpu_div", "fpu_move", "fpu_load", "fpu_store",
     "fpu_load_multiple", "fpu_store_multiple"}
)  # fmt: skip


class Instruction(NamedTuple):
    """An instruction: bytes, kind, and how many registers it moves (1 unless multiple)."""

    size: int
    kind: str
    registers: int = 1


class _Row(NamedTuple):
    mask: int
    value: int
    kind: str


# First match wins; what matches nothing is plain data processing, 'alu'.
_NARROW = tuple(_Row(*row) for row in (
    (0xFFC0, 0x4340, "mul"),
    (0xFF80, 0x4780, "call"),
    (0xFF00, 0x4700, "branch"),
    (0xF800, 0x4800, "load"),
    (0xFE00, 0x5600, "load"),
    (0xF800, 0x5800, "load"),
    (0xF000, 0x5000, "store"),
    (0xE800, 0x6800, "load"),
    (0xE800, 0x6000, "store"),
    (0xE800, 0x8800, "load"),
    (0xF800, 0x8000, "store"),
    (0xF800, 0x9000, "store"),
    (0xFE00, 0xB400, "store_multiple"),
    (0xFF00, 0xBC00, "load_multiple"),
    (0xFF00, 0xBD00, "pop_pc"),
    (0xF500, 0xB100, "branch"),
    (0xF800, 0xC000, "store_multiple"),
    (0xF800, 0xC800, "load_multiple"),
    (0xF000, 0xD000, "branch"),
    (0xF800, 0xE000, "branch"),
))  # fmt: skip

# Both halfwords as one word, the first one on top.
_WIDE = tuple(_Row(*row) for row in (
    # branches and control
    (0xF800D000, 0xF000D000, "call"),
    (0xF800D000, 0xF0009000, "branch"),
    (0xFFF0D000, 0xF3B08000, "barrier"),
    (0xFFF0D000, 0xF3A08000, "alu"),
    (0xFFE0D000, 0xF3808000, "system"),
    (0xFFE0D000, 0xF3E08000, "system"),
    (0xF800D000, 0xF0008000, "branch"),
    # load and store multiple, dual, exclusive, table branch
    (0xFFD08000, 0xE8908000, "pop_pc"),
    (0xFFD08000, 0xE9108000, "pop_pc"),
    (0xFE500000, 0xE8100000, "load_multiple"),
    (0xFE500000, 0xE8000000, "store_multiple"),
    (0xFFF0FFE0, 0xE8D0F000, "table_branch"),
    (0xFF700000, 0xE8500000, "load"),
    (0xFF700000, 0xE8400000, "store"),
    (0xFE500000, 0xE8500000, "load_dual"),
    (0xFE500000, 0xE8400000, "store_dual"),
    # load and store single
    (0xFE100000, 0xF8000000, "store"),
    (0xFE100000, 0xF8100000, "load"),
    # data processing of the DSP extension
    (0xFFF00010, 0xEAC00000, "dsp"),
    (0xFFF0F0F0, 0xF3200000, "dsp"),
    (0xFFF0F0F0, 0xF3A00000, "dsp"),
    (0xFFAFF080, 0xFA0FF080, "alu"),
    (0xFF80F080, 0xFA00F080, "dsp"),
    (0xFF80F080, 0xFA80F000, "dsp"),
    (0xFFF0F0C0, 0xFA80F080, "dsp"),
    (0xFFF0F0C0, 0xFAA0F080, "dsp"),
    # multiply and divide
    (0xFFF0F0F0, 0xFB00F000, "mul"),
    (0xFFF000E0, 0xFB000000, "mla"),
    (0xFF800000, 0xFB000000, "dsp"),
    (0xFFD000F0, 0xFB800000, "long_mul"),
    (0xFFD000F0, 0xFB9000F0, "div"),
    (0xFFD000F0, 0xFBC00000, "long_mla"),
    (0xFF800000, 0xFB800000, "dsp_long"),
    # floating point
    (0xFFE00E00, 0xEC400A00, "fpu_move"),
    (0xFF300E00, 0xED100A00, "fpu_load"),
    (0xFF300E00, 0xED000A00, "fpu_store"),
    (0xFE100E00, 0xEC100A00, "fpu_load_multiple"),
    (0xFE100E00, 0xEC000A00, "fpu_store_multiple"),
    (0xFF000E10, 0xEE000A10, "fpu_move"),
    (0xFFB00E50, 0xEE800A00, "fpu_div"),
    (0xFFBF0ED0, 0xEEB10AC0, "fpu_div"),
    (0xFFA00E10, 0xEE000A00, "fpu_mla"),
    (0xFFB00E10, 0xEE900A00, "fpu_mla"),
    (0xFFB00E10, 0xEEA00A00, "fpu_mla"),
    (0xEF000E10, 0xEE000A00, "fpu"),
))  # fmt: skip


def decode(code: bytes) -> Iterator[Instruction]:
    """Yield the instructions of straight-line code (little-endian halfwords)."""
    at = 0
    while at + 2 <= len(code):
        first = int.from_bytes(code[at : at + 2], "little")
        if is_wide(first):
            second = int.from_bytes(code[at + 2 : at + 4], "little")
            yield _classify_wide(first << 16 | second)
            at += 4
        else:
            yield _classify_narrow(first)
            at += 2


def is_wide(halfword: int) -> bool:
    """Tell whether this first halfword begins a 32-bit instruction."""
    return halfword >= 0xE800


def _classify_narrow(code: int) -> Instruction:
    kind = _find(_NARROW, code)
    if kind in ("load_multiple", "store_multiple", "pop_pc"):
        # PUSH and POP add LR or PC in bit 8, which LDM and STM use for the base register.
        listed = code & (0x1FF if code & 0xF000 == 0xB000 else 0xFF)
        return Instruction(2, kind, listed.bit_count())
    return Instruction(2, kind)


def _classify_wide(code: int) -> Instruction:
    kind = _find(_WIDE, code)
    if kind in ("load_multiple", "store_multiple", "pop_pc"):
        return Instruction(4, kind, (code & 0xFFFF).bit_count())
    if kind in ("load_dual", "store_dual"):
        return Instruction(4, kind, 2)
    if kind in ("fpu_load_multiple", "fpu_store_multiple"):
        return Instruction(4, kind, code & 0xFF)
    return Instruction(4, kind)


def _find(rows: tuple[_Row, ...], code: int) -> str:
    return next((row.kind for row in rows if code & row.mask == row.value), "alu")
