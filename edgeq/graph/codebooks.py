"""Weights of few distinct values: the values found in the constant, and codes of 1, 2 or 4 bits.

Training that clusters weights (Han, Mao and Dally 2016, section 3), or makes them ternary or
binary, leaves an int8 constant with few distinct values. Codes that number them take fewer bits;
kernels look them up again, so that results stay what the int8 weights give.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BITS = (1, 2, 4)  # of a code: they divide a byte


@dataclass(frozen=True, slots=True)
class Codebook:
    """The distinct values of a constant, ascending, and the bits of the codes that number them."""

    values: tuple[int, ...]
    bits: int

    @property
    def name(self) -> str:
        """A C name that two codebooks share only where they are equal."""
        digits = "".join(f"{v & 0xFF:02x}" for v in self.values)
        return f"book{self.bits}_{digits}"

    def table(self) -> NDArray[np.int8]:
        """Return what each four bits of codes stand for, flat: [16][4 / bits]."""
        values = np.zeros(1 << self.bits, np.int8)
        values[: len(self.values)] = self.values
        shifts = np.arange(0, 4, self.bits)
        table: NDArray[np.int8] = values[np.arange(16)[:, None] >> shifts & (1 << self.bits) - 1]
        return table.reshape(-1)

    def pair_table(self) -> NDArray[np.int8]:
        """Return the table for pairs (a, b) that are read as int16 a + 256 b.

        Where four bits are one value alone, the table is that of values.
        """
        table = self.table()
        if self.bits < 4:
            table[1::2] -= (table[0::2] < 0).astype(np.int8)
        return table

    def row_bytes(self, count: int) -> int:
        """Return the bytes of `count` codes."""
        return -(-count * self.bits // 8)

    def encode(self, rows: NDArray[np.int8]) -> NDArray[np.uint8]:
        """Return the codes of [rows, count] as bytes [rows, row_bytes], the first in low bits."""
        codes = np.searchsorted(np.array(self.values), rows.astype(np.int64))
        each = 8 // self.bits
        filled = np.pad(codes, ((0, 0), (0, -codes.shape[1] % each)))
        shifted = filled.reshape(len(codes), -1, each) << np.arange(0, 8, self.bits)
        packed: NDArray[np.uint8] = shifted.sum(axis=2).astype(np.uint8)
        return packed


def code_bits(values: int) -> int | None:
    """Return the fewest bits that number so many values, None where a byte is what it takes."""
    return next((bits for bits in BITS if 0 < values <= 1 << bits), None)


def find_codebook(values: NDArray[np.int8]) -> Codebook | None:
    """Return the codebook of int8 values of any shape, None where they are more than 16."""
    counts = np.bincount(values.reshape(-1).view(np.uint8), minlength=256)
    found = np.flatnonzero(counts).astype(np.uint8).view(np.int8)
    bits = code_bits(len(found))
    return Codebook(tuple(sorted(found.tolist())), bits) if bits else None
