"""Cross-checks of a profile beyond its types: what it says must not contradict itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

from edgeq.boards.profile import Board, Memory, parse_pin
from edgeq.core.errors import did_you_mean
from edgeq.core.files import shipped_folder

NO_FLASHER = "none"
NO_GATE = "none"
# What makes a folder of firmware_templates/ a template: the ground that a protocol runs on.
GROUND = "platform.c"
WIDTHS = range(16, 65)
ADDRESSES = 1 << 32
CLOCKS = (1_000_000, 10_000_000_000)
# What a microcontroller may have of each kind, in bytes.
SIZES = {"flash": (8 << 10, 64 << 20), "ram": (4 << 10, 64 << 20)}
# Folders of a template, the field that names one of their drivers, and what it names.
DRIVERS: dict[str, tuple[str, Callable[[Board], str]]] = {
    "clock": ("build.clock", lambda board: board.build.clock),
    "uart": ("link.uart", lambda board: board.link.uart),
    "timer": ("timer.driver", lambda board: board.timer.driver if board.timer else ""),
    "gpio": ("gate.driver", lambda board: board.gate.driver if board.gate else NO_GATE),
}


class Known(NamedTuple):
    """What other rooms know: the names of the flashers and of the exports; and what is asked."""

    methods: Collection[str]
    exports: Collection[str]
    sourced: bool


def check_board(
    board: Board,
    *,
    methods: Collection[str],
    exports: Collection[str] = (),
    sourced: bool = True,
) -> tuple[str, ...]:
    """Return what is wrong with a profile, each beginning with its field; empty where it is sound.

    Args:
        methods: the names of the flashers.
        exports: the names of the exports; not checked where empty.
        sourced: ask for a source of each group of values, as of the profiles that are shipped.
    """
    known = Known(methods, exports, sourced)
    return tuple(problem for check in CHECKS for problem in check(board, known))


def _check_regions(board: Board, known: Known) -> Iterator[str]:
    names = [r.name for r in board.memory]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield f"memory: two regions are called {name!r}"
    for region in board.memory:
        yield from _region_problems(board, region)
    for a, b in combinations(board.memory, 2):
        if a.start < b.start + b.size and b.start < a.start + a.size:
            yield f"memory: {a.name} and {b.name} overlap"


def _region_problems(board: Board, region: Memory) -> Iterator[str]:
    field = f"memory.{region.name}"
    if region.size <= 0 or region.start < 0 or region.wait_states < 0:
        yield f"{field}: start, size and wait_states must not be negative or empty"
        return
    if board.kind == "mcu":
        low, high = SIZES[region.kind]
        if not low <= region.size <= high:
            yield f"{field}: {region.size} bytes of {region.kind} on a microcontroller"
        if region.start + region.size > ADDRESSES:
            yield f"{field}: ends beyond 32-bit addresses"
    if region.alias_of:
        target = _find(board, region.alias_of)
        if target is None:
            yield f"{field}: alias_of names no region: {region.alias_of!r}"
        elif target.alias_of or (target.kind, target.size) != (region.kind, region.size):
            yield f"{field}: alias_of: {target.name!r} differs in kind or size, or is an alias"


def _check_places(board: Board, known: Known) -> Iterator[str]:
    build = board.build
    for field, name, kind in (
        ("build.code_region", build.code_region, "flash"),
        ("build.data_region", build.data_region, "ram"),
    ):
        if name or board.kind != "linux":
            yield from _place_problems(board, field, name, kind)
    data = _find(board, build.data_region)
    if build.stack_bytes <= 0 or (data is not None and build.stack_bytes > data.size):
        where = build.data_region or "the RAM"
        yield f"build.stack_bytes: {build.stack_bytes} bytes do not fit {where}"


def _place_problems(board: Board, field: str, name: str, kind: str) -> Iterator[str]:
    region = _find(board, name)
    if region is None:
        yield f"{field}: no memory region is called {name!r}"
    elif region.kind != kind:
        yield f"{field}: {name!r} is {region.kind}, not {kind}"
    elif region.alias_of:
        yield f"{field}: {name!r} is an alias: name {region.alias_of!r}"


def _find(board: Board, name: str) -> Memory | None:
    return next((r for r in board.memory if r.name == name), None)


def _check_clocks(board: Board, known: Known) -> Iterator[str]:
    if not CLOCKS[0] <= board.clock_hz <= CLOCKS[1]:
        yield f"clock_hz: {board.clock_hz} Hz"
    timer = board.timer
    if timer is None:
        return
    if timer.hz <= 0 or timer.width not in WIDTHS:
        yield f"timer: {timer.hz} Hz with {timer.width} bits"
    if timer.driver == "dwt" and (timer.hz, timer.width) != (board.clock_hz, 32):
        yield f"timer: dwt counts the core's clock of {board.clock_hz} Hz in 32 bits"


def _check_names(board: Board, known: Known) -> Iterator[str]:
    build, method = board.build, board.flash.method
    templates = template_names()
    if build.template and build.template not in templates:
        near = did_you_mean(build.template, templates)
        yield f"build.template: no firmware template {build.template!r}.{near}"
    if build.export and known.exports and build.export not in known.exports:
        near = did_you_mean(build.export, known.exports)
        yield f"build.export: no export {build.export!r}.{near}"
    if not (build.template or build.export or board.kind == "linux"):
        yield "build: neither a template nor an export: nothing reaches this board"
    if method == NO_FLASHER:
        if build.template and board.kind != "linux":
            yield f"flash.method: 'none', but the template {build.template} makes firmware to flash"
    elif method not in known.methods:
        yield f"flash.method: no flasher {method!r}.{did_you_mean(method, known.methods)}"


def _check_drivers(board: Board, known: Known) -> Iterator[str]:
    folder = shipped_folder("firmware_templates") / (board.build.template or NO_FLASHER)
    chosen: list[Path] = []
    for kind, (field, name_of) in DRIVERS.items():
        names = sorted(path.stem for path in (folder / kind).glob("*.c"))
        if not names:
            continue
        if name_of(board) not in names:
            near = did_you_mean(name_of(board), names)
            yield f"{field}: template {folder.name} has no driver {name_of(board)!r}.{near}"
        else:
            chosen.append(folder / kind / f"{name_of(board)}.c")
    words = {word for path in chosen for word in re.findall(r"\w+", path.read_text("utf-8"))}
    for name in board.build.settings if chosen else ():
        if name not in words:
            yield f"build.settings.{name}: no driver of this board asks for it"


def _check_link(board: Board, known: Known) -> Iterator[str]:
    link = board.link
    for field, pin in _uart_pins(board):
        try:
            parse_pin(pin)
        except ValueError as error:
            yield f"{field}: {error}"
    if board.kind == "mcu" and board.build.template:
        given = {"uart_base": link.uart_base, "tx": link.tx, "rx": link.rx}
        for field, value in given.items():
            if not value:
                yield f"link.{field}: the template needs it to reach the UART"


def _driver_text(board: Board, name: str) -> str:
    folder = shipped_folder("firmware_templates") / (board.build.template or NO_FLASHER)
    known = {path.stem: path for path in (folder / "gpio").glob("*.c")}
    return known[name].read_text("utf-8") if name in known else ""


def _uart_pins(board: Board) -> tuple[tuple[str, str], ...]:
    named = (("link.tx", board.link.tx), ("link.rx", board.link.rx))
    return tuple((field, pin) for field, pin in named if pin)


def _check_gate(board: Board, known: Known) -> Iterator[str]:
    gate = board.gate
    if gate is None:
        return
    if not board.build.template:
        yield "gate: only a firmware template raises it"
    if not gate.base and "GATE_BASE" in _driver_text(board, gate.driver):
        yield f"gate.base: the driver {gate.driver} needs it"
    if not gate.pin:
        if board.kind == "mcu":
            yield "gate.pin: which pin?"
        return
    try:
        pin = parse_pin(gate.pin)
        others = {parse_pin(p)[:2]: f for f, p in _uart_pins(board)}
    except ValueError as error:
        yield f"gate.pin: {error}"
        return
    if pin.function:
        yield f"gate.pin: {gate.pin}: an output has no alternate function"
    if pin[:2] in others:
        yield f"gate.pin: {gate.pin} is {others[pin[:2]]}"


def _check_power(board: Board, known: Known) -> Iterator[str]:
    power = board.power
    if power is None:
        return
    if not power.source:
        yield "power.source: where are the figures from?"
    if not 0.5 <= power.voltage_v <= 30:
        yield f"power.voltage_v: {power.voltage_v} V"
    amperes = [a for a in (power.sleep_a, power.idle_a, power.active_a) if a is not None]
    if any(not 0 < a <= 20 for a in amperes) or any(a > b for a, b in pairwise(amperes)):
        yield "power: sleep_a, idle_a and active_a must rise, each from 0 to 20 A"


def _check_sources(board: Board, known: Known) -> Iterator[str]:
    for path in board.sources:
        if not _has_field(path):
            yield f"sources: no field {path!r}"
    if not known.sourced or board.kind == "virtual" or board.core.arch == "native":
        return
    groups = ["clock_hz", "core", "link", "flash"]
    groups += ["memory"] if board.memory else []
    groups += ["build"] if board.build.export or board.build.settings else []
    groups += ["timer"] if board.timer else []
    groups += ["gate"] if board.gate else []
    cited = {path.split(".")[0] for path, source in board.sources.items() if source}
    for group in groups:
        if group not in cited:
            yield f"sources: none for {group}"


def _has_field(path: str) -> bool:
    head, _, tail = path.partition(".")
    if head not in Board.__struct_fields__:
        return False
    kinds = {"core", "link", "flash", "build", "timer", "gate", "power"}
    return not tail or (head in kinds and tail in _fields_of(head)) or head == "memory"


def _fields_of(section: str) -> tuple[str, ...]:
    field = next(f for f in msgspec.structs.fields(Board) if f.name == section)
    options = getattr(field.type, "__args__", (field.type,))
    return next(tuple(t.__struct_fields__) for t in options if hasattr(t, "__struct_fields__"))


def template_names() -> tuple[str, ...]:
    """Return the names of the firmware templates."""
    folders = shipped_folder("firmware_templates").iterdir()
    return tuple(sorted(f.name for f in folders if (f / GROUND).is_file()))


Check = Callable[[Board, Known], Iterator[str]]
CHECKS: tuple[Check, ...] = (
    _check_regions,
    _check_places,
    _check_clocks,
    _check_names,
    _check_drivers,
    _check_link,
    _check_gate,
    _check_power,
    _check_sources,
)
