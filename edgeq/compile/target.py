"""What a library is compiled for: the processor, the goal, and the memory that there is."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgeq.boards.profile import Board, Core, CoreName
from edgeq.core.records import DEFAULT, CompileOptions

# Cores whose DSP extension is not optional.
_DSP = ("cortex-m4", "cortex-m7", "cortex-m55", "cortex-m85")

# What the firmware around a model takes of RAM, without stack, arena and inputs.
HARNESS_RAM_BYTES = 2_560


@dataclass(frozen=True, slots=True)
class Target:
    """The processor that kernels are chosen for, and what the user asked of the compiler.

    `dsp`: SMLAD and its kin on 32-bit registers; `mve`: Helium's 128-bit vectors. `room` is the RAM
    that a board's firmware leaves for the arena and a copy of the inputs, None where it is unknown;
    `slow_flash`: constants in flash cost wait states that those in RAM do not. `decoding` has, by
    node, the bytes of the arena for weights that are kept as codes; 0: as few as the node can do
    with.
    """

    core: CoreName = "native"
    dsp: bool = False
    mve: bool = False
    options: CompileOptions = DEFAULT
    room: int | None = None
    slow_flash: bool = False
    decoding: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, core: Core, options: CompileOptions = DEFAULT) -> Target:
        """Return the target of a board's core."""
        dsp = core.dsp or core.arch in _DSP
        return cls(core.arch, dsp, core.mve, options)

    @classmethod
    def on(cls, board: Board, options: CompileOptions = DEFAULT) -> Target:
        """Return the target of a board: its core, and the room in its RAM."""
        regions = {region.name: region for region in board.memory}
        code, data = (
            regions.get(name) for name in (board.build.code_region, board.build.data_region)
        )
        target = cls.of(board.core, options)
        if code is None or data is None:
            return target
        room = data.size - board.build.stack_bytes - HARNESS_RAM_BYTES
        return replace(target, room=room, slow_flash=code.wait_states > data.wait_states)


NATIVE = Target()
