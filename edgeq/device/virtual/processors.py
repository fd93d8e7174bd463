"""The two architectures that Unicorn runs for virtual boards, and where they differ.

Unicorn's engine is GPL-2.0: this module is imported in the virtual board's own process alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import unicorn
from unicorn import arm_const as arm
from unicorn import riscv_const as riscv

from edgeq.device.virtual.riscv import decode as decode_riscv
from edgeq.device.virtual.thumb import Instruction
from edgeq.device.virtual.thumb import decode as decode_thumb

# What Unicorn calls each core.
MODELS = {
    "cortex-m0plus": arm.UC_CPU_ARM_CORTEX_M0,
    "cortex-m3": arm.UC_CPU_ARM_CORTEX_M3,
    "cortex-m4": arm.UC_CPU_ARM_CORTEX_M4,
    "cortex-m7": arm.UC_CPU_ARM_CORTEX_M7,
    "cortex-m33": arm.UC_CPU_ARM_CORTEX_M33,
}


@dataclass(frozen=True, slots=True)
class Processor:
    """An architecture: how it is made and reset, and what its numbers mean.

    `reset(uc, flash)` puts the registers as a reset does, with flash at that address, and returns
    where to begin. `exceptions` are the numbers that Unicorn gives them (QEMU's).
    `has_system_space`: Cortex-M's private bus, with the registers of the core itself.
    """

    make: Callable[[str], Any]
    reset: Callable[[Any, int], int]
    decode: Callable[[bytes], Iterator[Instruction]]
    exceptions: Mapping[int, str]
    registers: Mapping[str, int]
    has_system_space: bool


def processor_of(core: str) -> Processor:
    """Return the architecture of a core, e.g. 'cortex-m4' or 'rv32imc'."""
    return RISCV if core.startswith("rv") else CORTEX_M


def _make_cortex_m(core: str) -> Any:
    # UC_MODE_MCLASS would make every core a Cortex-M33, whatever model is set.
    uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
    uc.ctl_set_cpu_model(MODELS[core])
    if uc.ctl_get_cpu_model() != MODELS[core]:
        raise RuntimeError(f"Unicorn did not take the model of a {core}")
    return uc


def _reset_cortex_m(uc: Any, flash: int) -> int:
    """Take the stack and the entry from the vector table."""
    stack, entry = (int.from_bytes(uc.mem_read(flash + i, 4), "little") for i in (0, 4))
    uc.reg_write(arm.UC_ARM_REG_SP, stack)
    uc.reg_write(arm.UC_ARM_REG_LR, 0xFFFFFFFF)
    return entry | 1


def _make_riscv(core: str) -> Any:
    return unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)


def _reset_riscv(uc: Any, flash: int) -> int:
    """Begin where flash does; the firmware sets its own stack."""
    uc.reg_write(riscv.UC_RISCV_REG_RA, 0xFFFFFFFF)
    return flash


CORTEX_M = Processor(
    make=_make_cortex_m,
    reset=_reset_cortex_m,
    decode=decode_thumb,
    exceptions={
        1: "undefined instruction", 2: "SVC without a handler", 3: "instruction fetch fault",
        4: "data fault (unaligned access)", 7: "breakpoint", 17: "use of an absent coprocessor",
        18: "use of an invalid state",
    },
    registers={
        "PC": arm.UC_ARM_REG_PC, "LR": arm.UC_ARM_REG_LR, "SP": arm.UC_ARM_REG_SP,
        "R0": arm.UC_ARM_REG_R0, "R1": arm.UC_ARM_REG_R1,
        "R2": arm.UC_ARM_REG_R2, "R3": arm.UC_ARM_REG_R3,
    },
    has_system_space=True,
)  # fmt: skip

RISCV = Processor(
    make=_make_riscv,
    reset=_reset_riscv,
    decode=decode_riscv,
    exceptions={
        0: "misaligned instruction", 1: "instruction fetch fault", 2: "illegal instruction",
        3: "breakpoint", 4: "misaligned load", 5: "load fault", 6: "misaligned store",
        7: "store fault", 8: "call of the environment", 11: "call of the environment",
    },
    registers={
        "PC": riscv.UC_RISCV_REG_PC, "RA": riscv.UC_RISCV_REG_RA, "SP": riscv.UC_RISCV_REG_SP,
        "A0": riscv.UC_RISCV_REG_A0, "A1": riscv.UC_RISCV_REG_A1,
        "A2": riscv.UC_RISCV_REG_A2, "A3": riscv.UC_RISCV_REG_A3,
    },
    has_system_space=False,
)  # fmt: skip
