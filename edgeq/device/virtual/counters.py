"""Counts of executed instructions and modelled cycles, block by block.

The compiled hook looks each block up in a table; a block that is new asks Python once. The
Python hook does the same, some ten times slower, where no C compiler is at hand.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

# Returns (instructions, cycles) of the block of `size` bytes at `address`.
Learn = Callable[[int, int], "tuple[int, int]"]
_UC_HOOK_BLOCK = 8


class Region(NamedTuple):
    """Memory that code may run in."""

    start: int
    size: int


class _Block(ctypes.Structure):
    _fields_ = (
        ("size", ctypes.c_uint32),
        ("instructions", ctypes.c_uint32),
        ("cycles", ctypes.c_uint32),
    )


class _Region(ctypes.Structure):
    _fields_ = (
        ("start", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("blocks", ctypes.POINTER(_Block)),
    )


_LEARN = ctypes.CFUNCTYPE(None, ctypes.c_uint32, ctypes.c_uint32, ctypes.POINTER(_Block))
_MAX_REGIONS = 8


class _Counter(ctypes.Structure):
    _fields_ = (
        ("instructions", ctypes.c_uint64),
        ("cycles", ctypes.c_uint64),
        ("next", ctypes.c_uint32),
        ("refill", ctypes.c_uint32),
        ("learn", _LEARN),
        ("region_count", ctypes.c_uint32),
        ("regions", _Region * _MAX_REGIONS),
    )


class CompiledCounter:
    """Counts by a C function that Unicorn calls directly."""

    def __init__(self, library: Path, regions: Sequence[Region], refill: int, learn: Learn) -> None:
        self._function = ctypes.CDLL(str(library)).edgeq_count_block
        self._tables = [(_Block * (region.size // 2))() for region in regions]
        self._counter = _Counter(refill=refill, region_count=len(regions))
        for slot, region, table in zip(self._counter.regions, regions, self._tables, strict=False):
            slot.start, slot.size = region
            slot.blocks = ctypes.cast(table, ctypes.POINTER(_Block))

        def fill(address: int, size: int, block: Any) -> None:
            block[0].instructions, block[0].cycles = learn(address, size)
            block[0].size = size

        self._counter.learn = _LEARN(fill)

    def attach(self, uc: Any) -> None:
        """Hook every block of `uc` from now on."""
        from unicorn import UcError
        from unicorn.unicorn_py3.unicorn import uclib

        self._handle = ctypes.c_size_t()
        status = uclib.uc_hook_add(
            uc._uch,
            ctypes.byref(self._handle),
            _UC_HOOK_BLOCK,
            ctypes.cast(self._function, ctypes.c_void_p),
            ctypes.cast(ctypes.pointer(self._counter), ctypes.c_void_p),
            ctypes.c_uint64(1),
            ctypes.c_uint64(0),
        )
        if status:
            raise UcError(status)

    def read(self) -> tuple[int, int]:
        """Return instructions and cycles so far, with the block that runs now."""
        return self._counter.instructions, self._counter.cycles


class PythonCounter:
    """Counts by a Python function; the same numbers, slower."""

    def __init__(self, refill: int, learn: Learn) -> None:
        self._refill, self._learn = refill, learn
        self._blocks: dict[tuple[int, int], tuple[int, int]] = {}
        self._instructions = self._cycles = self._next = 0

    def attach(self, uc: Any) -> None:
        """Hook every block of `uc` from now on."""
        uc.hook_add(_UC_HOOK_BLOCK, self._on_block)

    def read(self) -> tuple[int, int]:
        """Return instructions and cycles so far, with the block that runs now."""
        return self._instructions, self._cycles

    def _on_block(self, uc: Any, address: int, size: int, _: object) -> None:
        cost = self._blocks.get((address, size))
        if cost is None:
            cost = self._blocks[address, size] = self._learn(address, size)
        self._instructions += cost[0]
        self._cycles += cost[1]
        if address != self._next:
            self._cycles += self._refill
        self._next = address + size
