"""RISC-V instructions by kind: what a cycle table needs to know of them, and no more.

Encodings: The RISC-V Instruction Set Manual, volume I, chapters "RV32/64G Instruction Set
Listings" and "C Standard Extension for Compressed Instructions".
"""

from __future__ import annotations

from collections.abc import Iterator

from edgeq.device.virtual.thumb import Instruction

# By the opcode of a 32-bit instruction; what is not here is plain data processing, 'alu'.
_WIDE = {
    0x03: "load", 0x23: "store", 0x63: "branch", 0x67: "branch", 0x6F: "branch",
    0x0F: "barrier", 0x73: "system",
}  # fmt: skip
# By quadrant and function of a 16-bit one. Quadrant 2, function 4 holds jumps and moves.
_NARROW = {
    (0, 2): "load", (0, 6): "store", (1, 1): "branch", (1, 5): "branch", (1, 6): "branch",
    (1, 7): "branch", (2, 2): "load", (2, 6): "store",
}  # fmt: skip
_OP, _MULDIV = 0x33, 1
_JUMPS = 4


def decode(code: bytes) -> Iterator[Instruction]:
    """Yield the instructions of straight-line code (little-endian halfwords)."""
    at = 0
    while at + 2 <= len(code):
        first = int.from_bytes(code[at : at + 2], "little")
        if first & 3 == 3:
            yield Instruction(4, _wide_kind(int.from_bytes(code[at : at + 4], "little")))
            at += 4
        else:
            yield Instruction(2, _narrow_kind(first))
            at += 2


def _wide_kind(word: int) -> str:
    opcode = word & 0x7F
    if opcode == _OP and word >> 25 == _MULDIV:
        return "div" if word >> 14 & 1 else "mul"
    return _WIDE.get(opcode, "alu")


def _narrow_kind(halfword: int) -> str:
    quadrant, function = halfword & 3, halfword >> 13
    # C.JR and C.JALR name a register and no second one.
    if (quadrant, function) == (2, _JUMPS) and halfword >> 7 & 31 and not halfword >> 2 & 31:
        return "branch"
    return _NARROW.get((quadrant, function), "alu")
