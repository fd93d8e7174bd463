"""A small plan, image and board for tests of measurement."""

from __future__ import annotations

from edgeq.boards.profile import Board, Build, Core, Flash, Link, Memory, Timer
from edgeq.core.records import (
    BoardKind,
    FirmwareImage,
    Plan,
    PlannedLayer,
    PlannedTensor,
    PortRecord,
    RegionUse,
    SizeRecord,
)


def _layer(index: int, op: str, source: int, output: int) -> PlannedLayer:
    return PlannedLayer(
        index=index, op=op, name=f"layer_{index}", nodes=(index,), kernel="eq_test",
        inputs=(source,), output=output, output_offset=4 * (index + 1), output_bytes=4,
        output_shape=(1, 4), macs=16, constant_bytes=16,
    )  # fmt: skip


def _tensor(index: int, first: int, last: int) -> PlannedTensor:
    return PlannedTensor(
        index=index, name=f"t{index}", shape=(1, 4), dtype="int8", bytes=4, offset=4 * index,
        first=first, last=last,
    )  # fmt: skip


def _port(tensor: int) -> PortRecord:
    return PortRecord(
        name=f"t{tensor}", tensor=tensor, shape=(1, 4), dtype="int8", bytes=4, offset=4 * tensor,
        scale=0.5, zero_point=0,
    )  # fmt: skip


PLAN = Plan(
    name="tiny",
    model_sha256="00" * 32,
    model_bytes=1000,
    edgeq_version="0",
    core="cortex-m4",
    macs=32,
    arena_bytes=12,
    arena_lower_bound=8,
    constant_bytes=32,
    inputs=(_port(0),),
    outputs=(_port(2),),
    tensors=(_tensor(0, 0, 0), _tensor(1, 0, 1), _tensor(2, 1, 1)),
    layers=(_layer(0, "FULLY_CONNECTED", 0, 1), _layer(1, "FULLY_CONNECTED", 1, 2)),
)

IMAGE = FirmwareImage(
    elf="tiny.elf",
    board_id="virt-m4",
    model_name="tiny",
    model_sha256="00" * 32,
    toolchain="zig",
    traced=False,
    sizes=SizeRecord(
        flash_bytes=832, code_bytes=800, constant_bytes=32, static_bytes=4, arena_bytes=12,
        image_bytes=4000,
    ),
    regions=(RegionUse(region="flash", start=0, size=4096, used=4000),),
)  # fmt: skip


def virtual_board(kind: BoardKind = "virtual", clock_hz: int = 120_000_000) -> Board:
    """Return a Cortex-M4 board with one flash and one RAM region."""
    return Board(
        id="virt-m4",
        name="Virtual Cortex-M4",
        vendor="edgeq",
        kind=kind,
        verified="emulated",
        core=Core(arch="cortex-m4", fpu="sp", dsp=True),
        clock_hz=clock_hz,
        memory=(
            Memory(name="flash", kind="flash", start=0, size=1 << 22),
            Memory(name="ram", kind="ram", start=0x20000000, size=1 << 20),
        ),
        link=Link(kind="socket"),
        flash=Flash(method="unicorn"),
        build=Build(template="bare-metal", code_region="flash", data_region="ram"),
        timer=Timer(driver="virt-counter", base=0x4000F000, hz=clock_hz, width=64),
    )
