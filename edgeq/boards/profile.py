"""The board profile: one TOML file a board, decoded strictly. Adding a board needs no code."""

from __future__ import annotations

import re
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

from edgeq.core.records import BoardKind, Record

CoreName = Literal[
    "cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33",
    "cortex-m55", "cortex-m85", "cortex-a53", "cortex-a72", "cortex-a76", "rv32imc", "rv32imac",
    "rv64gc", "xtensa-lx6", "xtensa-lx7", "native",
]  # fmt: skip
Verified = Literal["hardware", "emulated", "builds", "profile-only"]
# These words reach a linker script and a C header.
RegionName = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,31}$")]
MacroName = Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9_]{0,30}$")]
UsbId = Annotated[str, Meta(pattern=r"^[0-9a-f]{4}:[0-9a-f]{4}$")]


class Core(Record, frozen=True, kw_only=True):
    """The processor core. `fpu`: none, single or double precision."""

    arch: CoreName
    fpu: Literal["none", "sp", "dp"] = "none"
    dsp: bool = False
    mve: bool = False
    npu: str = ""


class Memory(Record, frozen=True, kw_only=True):
    """One memory region. Addresses and sizes in bytes; `wait_states` at the profile's clock.

    `cached`: code and constants are read through a cache or a prefetch accelerator. `alias_of`
    names the region whose bytes are seen here under another address.
    """

    name: RegionName
    kind: Literal["flash", "ram"]
    start: int
    size: int
    wait_states: int = 0
    cached: bool = False
    alias_of: str = ""
    note: str = ""


class Link(Record, frozen=True, kw_only=True):
    """How the host reaches the firmware. `usb_ids` are 'vid:pid' in lower-case hex.

    `uart` is a driver of the template, `uart_base` the address of its registers; `tx` and `rx`
    are the board's pins as its maker writes them (`parse_pin`).
    """

    kind: Literal["uart", "usb-cdc", "socket", "stdio", "ssh"]
    baud: int = 115200
    uart: str = ""
    uart_base: int = 0
    tx: str = ""
    rx: str = ""
    usb_ids: tuple[UsbId, ...] = ()


class Flash(Record, frozen=True, kw_only=True):
    """How firmware gets onto the board: a row of the flasher table, and its arguments.

    The method is 'none' where nothing is flashed (Linux), or only by the maker's own SDK.
    """

    method: str
    target: str = ""
    args: tuple[str, ...] = ()


class Timer(Record, frozen=True, kw_only=True):
    """The tick counter that the firmware reads. `width` in bits, `hz` ticks a second."""

    driver: str
    base: int = 0
    hz: int
    width: int


class Gate(Record, frozen=True, kw_only=True):
    """The output that is high while the model runs, so that a meter sees each inference.

    `driver` is a file of the template's gpio folder, `base` the address of its registers; `pin`
    is the board's pin as its maker writes it (`parse_pin`), '' where the driver knows one only.
    """

    driver: str
    base: int = 0
    pin: str = ""


class Build(Record, frozen=True, kw_only=True):
    """Which template and memory regions make the firmware.

    A board whose chip needs its maker's SDK has no template; `export` names the row of
    `edgeq export` that hands the model to that SDK. `clock` is a driver of the template;
    `settings` are numbers for the drivers, each a macro of config.h.
    """

    template: str = ""
    export: str = ""
    clock: str = "reset"
    code_region: str = ""
    data_region: str = ""
    stack_bytes: int = 4096
    settings: dict[MacroName, int] = msgspec.field(default_factory=dict)


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
    gate: Gate | None = None
    power: Power | None = None
    sources: dict[str, str] = msgspec.field(default_factory=dict)

    def region(self, name: str) -> Memory:
        """Return the memory region called `name`; raise KeyError if there is none."""
        return next(r for r in self.memory if r.name == name)


class Pin(NamedTuple):
    """A pin of a chip: its port and number there, and the alternate function that it takes."""

    port: int
    number: int
    function: int


# 'PA2:7' (port A, pin 2, function 7), 'P0.06' (port 0, pin 6), 'GP0' (pin 0)
_LETTER_PIN = re.compile(r"P([A-K])(\d{1,2})(?::(\d{1,2}))?\Z")
_NUMBER_PIN = re.compile(r"(?:P(\d)\.|GP)(\d{1,2})(?::(\d{1,2}))?\Z")


def parse_pin(name: str) -> Pin:
    """Return the pin that a maker writes as 'PA2:7', 'P0.06' or 'GP0'; ValueError for another."""
    if found := _LETTER_PIN.match(name):
        return Pin(ord(found[1]) - ord("A"), int(found[2]), int(found[3] or 0))
    if found := _NUMBER_PIN.match(name):
        return Pin(int(found[1] or 0), int(found[2]), int(found[3] or 0))
    raise ValueError(f"{name!r} is no pin: write PA2:7, P0.06 or GP0")
