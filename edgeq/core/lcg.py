"""The byte generator for check values: anyone can reproduce the same input from a seed.

x = seed; for every byte x = x * 1664525 + 1013904223 (mod 2^32), the byte is x >> 24
(constants: Numerical Recipes, "quick and dirty" generators).
"""

from __future__ import annotations


def generate_bytes(seed: int, count: int) -> bytes:
    """Return `count` bytes of the generator started at `seed`."""
    x = seed & 0xFFFFFFFF
    out = bytearray(count)
    for i in range(count):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = x >> 24
    return bytes(out)
