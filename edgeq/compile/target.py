"""What a library is compiled for: the processor, the goal, and the memory that there is."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.boards.profile import Core, CoreName
from edgeq.core.records import DEFAULT, CompileOptions

# Cores whose DSP extension is not optional.
_DSP = ("cortex-m4", "cortex-m7", "cortex-m55", "cortex-m85")


@dataclass(frozen=True, slots=True)
class Target:
    """The processor that kernels are chosen for, and what the user asked of the compiler.

    `dsp`: SMLAD and its kin on 32-bit registers; `mve`: Helium's 128-bit vectors.
    """

    core: CoreName = "native"
    dsp: bool = False
    mve: bool = False
    options: CompileOptions = DEFAULT

    @classmethod
    def of(cls, core: Core, options: CompileOptions = DEFAULT) -> Target:
        """Return the target of a board's core."""
        dsp = core.dsp or core.arch in _DSP
        return cls(core.arch, dsp, core.mve, options)


NATIVE = Target()
