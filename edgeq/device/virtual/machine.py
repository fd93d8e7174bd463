"""A microcontroller run by Unicorn: core, memory, UART and counters.

Unicorn's engine is GPL-2.0: this module is imported in the virtual board's own process alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import unicorn

from edgeq.core.errors import InputError
from edgeq.device import elf
from edgeq.device.virtual.counters import CompiledCounter, PythonCounter, Region
from edgeq.device.virtual.cycles import count_cycles, cycle_table
from edgeq.device.virtual.gate import GateReporter
from edgeq.device.virtual.processors import processor_of
from edgeq.device.virtual.thumb import DSP_KINDS, FPU_KINDS
from edgeq.device.virtual.uart import Uart, Wire

PAGE = 0x1000
PRIVATE_BUS, PRIVATE_BUS_SIZE = 0xE0000000, 0x100000
SYSTEM_SPACE = 0xE000E000
GATE = 0x10  # behind the counters
AIRCR, AIRCR_RESET, CPACR, CPACR_FPU = 0xD0C, 0x05FA0004, 0xD88, 0xF << 20
_ACCESSES = {
    unicorn.UC_MEM_READ_UNMAPPED: "read of unmapped", unicorn.UC_MEM_READ_PROT: "read of protected",
    unicorn.UC_MEM_WRITE_UNMAPPED: "write to unmapped", unicorn.UC_MEM_WRITE_PROT: "write to flash",
    unicorn.UC_MEM_FETCH_UNMAPPED: "jump to unmapped", unicorn.UC_MEM_FETCH_PROT: "jump to data",
}  # fmt: skip


class Fault(Exception):
    """The firmware did what the core cannot do; the text names PC, LR and SP."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Core, memory and peripherals of a virtual board, as its profile tells them."""

    core: str
    dsp: bool
    fpu: bool
    flash: tuple[Region, ...]
    ram: tuple[Region, ...]
    uart: int
    counter: int


class Machine:
    """A powered board with its firmware in flash; `run` ends with a Fault only."""

    def __init__(
        self, layout: Layout, firmware: Path, wire: Wire, hook: Path | None, report: int
    ) -> None:
        """`report` is the file descriptor that gets the edges of the gate."""
        self._layout = layout
        self._table = cycle_table(layout.core)
        self._processor = processor_of(layout.core)
        self._uc = self._processor.make(layout.core)
        self._system = bytearray(PAGE)
        self._latched = (0, 0)
        self._restart = False
        self._cause = ""
        self._map_memory()
        self._load(firmware)
        regions = (*layout.flash, *layout.ram)
        self._counter = (
            CompiledCounter(hook, regions, self._table.refill, self._learn)
            if hook
            else PythonCounter(self._table.refill, self._learn)
        )
        self._counter.attach(self._uc)
        self._gate = GateReporter(report, self._counter.read)
        self._uart = Uart(wire, lambda: self._counter.read()[0])
        self._map_peripherals()
        self._uc.hook_add(unicorn.UC_HOOK_INTR, self._on_exception)
        self._uc.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._on_bad_access)

    def run(self) -> None:
        """Run the firmware from reset, again after each reset that it asks for.

        Raises:
            Fault: the firmware faulted; what it wrote to the UART before is sent.
        """
        while True:
            self._restart, self._cause = False, ""
            entry = self._processor.reset(self._uc, self._layout.flash[0].start)
            error = ""
            try:
                self._uc.emu_start(entry, 0xFFFFFFFE)
            except unicorn.UcError as failure:
                error = str(failure)
            self._uart.flush()
            if not self._restart:
                self._gate.close()
                raise Fault(self._describe(self._cause or error or "the firmware returned"))

    def _map_memory(self) -> None:
        for region in self._layout.flash:
            self._uc.mem_map(*region, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        for region in self._layout.ram:
            self._uc.mem_map(*region)
            # What a reset leaves in RAM is no zeros; here it is the same for every run.
            pattern = bytes((i * 197 + 61) & 0xFF for i in range(256))
            self._uc.mem_write(region.start, pattern * (region.size // 256))
        if self._processor.has_system_space:
            self._uc.mem_map(PRIVATE_BUS, SYSTEM_SPACE - PRIVATE_BUS)
            after = SYSTEM_SPACE + PAGE
            self._uc.mem_map(after, PRIVATE_BUS + PRIVATE_BUS_SIZE - after)

    def _map_peripherals(self) -> None:
        self._uc.mmio_map(
            self._layout.uart, PAGE,
            lambda uc, offset, size, data: self._uart.read(offset), None,
            lambda uc, offset, size, value, data: self._uart.write(offset, value), None,
        )  # fmt: skip
        self._uc.mmio_map(
            self._layout.counter, PAGE, self._read_counter, None, self._write_counter, None
        )
        if self._processor.has_system_space:
            self._uc.mmio_map(SYSTEM_SPACE, PAGE, self._read_system, None, self._write_system, None)

    def _load(self, firmware: Path) -> None:
        for segment in elf.read_segments(firmware):
            if not any(_holds(region, segment) for region in self._layout.flash):
                raise InputError(
                    f"firmware {firmware} loads {len(segment.data)} bytes at"
                    f" {segment.address:#010x}, which is no flash of this board",
                    hint="build it for this board",
                )
            self._uc.mem_write(segment.address, segment.data)
        # Unicorn runs some instructions that the real core lacks: the ELF must not ask for them.
        elf.check_core(firmware, self._layout.core)

    def _learn(self, address: int, size: int) -> tuple[int, int]:
        """Return instructions and cycles of a block that runs for the first time."""
        instructions = list(self._processor.decode(bytes(self._uc.mem_read(address, size))))
        kinds = {instruction.kind for instruction in instructions}
        if kinds & DSP_KINDS and not self._layout.dsp:
            self._stop(f"DSP instruction on a {self._layout.core}, in the block at {address:#010x}")
        if kinds & FPU_KINDS and not self._layout.fpu:
            self._stop(f"FPU instruction on a core without FPU, in the block at {address:#010x}")
        elif kinds & FPU_KINDS and not self._is_fpu_on():
            self._stop(f"FPU used before CPACR enables it, in the block at {address:#010x}")
        return len(instructions), count_cycles(instructions, self._table)

    def _is_fpu_on(self) -> bool:
        value = int.from_bytes(self._system[CPACR : CPACR + 4], "little")
        return value & CPACR_FPU == CPACR_FPU

    def _read_counter(self, uc: Any, offset: int, size: int, data: Any) -> int:
        if offset == 0:
            self._latched = self._counter.read()
        index, high = offset >> 3, offset & 4
        value = self._latched[index] if index < 2 else 0
        return value >> 32 if high else value & 0xFFFFFFFF

    def _write_counter(self, uc: Any, offset: int, size: int, value: int, data: Any) -> None:
        """Set the gate; the counters are read-only."""
        if offset == GATE:
            self._gate.set(value & 1)

    def _read_system(self, uc: Any, offset: int, size: int, data: Any) -> int:
        return int.from_bytes(self._system[offset : offset + size], "little")

    def _write_system(self, uc: Any, offset: int, size: int, value: int, data: Any) -> None:
        value &= (1 << 8 * size) - 1
        self._system[offset : offset + size] = value.to_bytes(size, "little")
        if offset == AIRCR and value == AIRCR_RESET:
            self._system[:] = bytes(PAGE)
            self._restart = True
            uc.emu_stop()

    def _on_exception(self, uc: Any, number: int, data: Any) -> None:
        self._stop(self._processor.exceptions.get(number, f"exception {number}"))

    def _on_bad_access(
        self, uc: Any, access: int, address: int, size: int, value: int, data: Any
    ) -> bool:
        self._cause = f"{_ACCESSES.get(access, 'bad access to')} address {address:#010x}"
        return False

    def _stop(self, cause: str) -> None:
        self._cause = self._cause or cause
        self._uc.emu_stop()

    def _describe(self, cause: str) -> str:
        registers = self._processor.registers.items()
        values = ", ".join(f"{n} {self._uc.reg_read(r):#010x}" for n, r in registers)
        return f"fault: {cause}; {values}"


def _holds(region: Region, segment: elf.Segment) -> bool:
    end = segment.address + len(segment.data)
    return region.start <= segment.address and end <= region.start + region.size


def parse_regions(texts: Sequence[str]) -> tuple[Region, ...]:
    """Return the regions of 'START:SIZE' texts; raise ValueError for what is no whole pages."""
    regions = []
    for text in texts:
        start, size = (int(part, 0) for part in text.split(":"))
        if start % PAGE or size % PAGE or not 0 < size <= 1 << 28 or start + size > PRIVATE_BUS:
            raise ValueError(f"region {text} is no whole number of 4 KiB pages below 0xE0000000")
        regions.append(Region(start, size))
    return tuple(regions)
