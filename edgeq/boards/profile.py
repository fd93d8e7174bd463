"""The board profile: one TOML file a board, decoded strictly. Adding a board needs no code."""

from __future__ import annotations

from typing import Literal

import msgspec

from edgeq.core.records import BoardKind, Record

CoreName = Literal[
    "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55",
    "cortex-m85", "cortex-a53", "cortex-a72", "cortex-a76", "rv32imc", "rv32imac", "xtensa-lx6",
    "xtensa-lx7", "native",
]  # fmt: skip
Verified = Literal["hardware", "emulated", "builds", "profile-only"]


class Core(Record, frozen=True, kw_only=True):
    """The processor core. `fpu`: none, single or double precision."""

    arch: CoreName
    fpu: Literal["none", "sp", "dp"] = "none"
    dsp: bool = False
    mve: bool = False
    npu: str = ""


class Memory(Record, frozen=True, kw_only=True):
    """One memory region. Addresses and sizes in bytes; `wait_states` at the profile's clock."""

    name: str
    kind: Literal["flash", "ram"]
    start: int
    size: int
    wait_states: int = 0
    alias_of: str = ""
    note: str = ""


class Link(Record, frozen=True, kw_only=True):
    """How the host reaches the firmware. `usb_ids` are 'vid:pid' in lower-case hex."""

    kind: Literal["uart", "usb-cdc", "socket", "stdio", "ssh"]
    baud: int = 115200
    uart: str = ""
    uart_base: int = 0
    usb_ids: tuple[str, ...] = ()


class Flash(Record, frozen=True, kw_only=True):
    """How firmware gets onto the board: a row of the flasher table, and its arguments."""

    method: str
    target: str = ""
    args: tuple[str, ...] = ()


class Timer(Record, frozen=True, kw_only=True):
    """The tick counter that the firmware reads. `width` in bits, `hz` ticks a second."""

    driver: str
    base: int = 0
    hz: int
    width: int


class Build(Record, frozen=True, kw_only=True):
    """Which template and memory regions make the firmware."""

    template: str
    code_region: str = ""
    data_region: str = ""
    stack_bytes: int = 4096
    defines: tuple[str, ...] = ()


class Power(Record, frozen=True, kw_only=True):
    """Power figures for `estimated` energy, with their source."""

    source: str
    voltage_v: float
    active_a: float | None = None
    idle_a: float | None = None
    sleep_a: float | None = None


class Board(Record, frozen=True, kw_only=True):
    """A board profile. `sources` maps a field path to where its value was read."""

    schema: Literal[1] = 1
    id: str
    name: str
    vendor: str
    kind: BoardKind
    verified: Verified
    url: str = ""
    core: Core
    clock_hz: int
    memory: tuple[Memory, ...]
    link: Link
    flash: Flash
    build: Build
    timer: Timer | None = None
    power: Power | None = None
    sources: dict[str, str] = msgspec.field(default_factory=dict)

    def region(self, name: str) -> Memory:
        """Return the memory region called `name`; raise KeyError if there is none."""
        return next(r for r in self.memory if r.name == name)
