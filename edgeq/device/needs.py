"""What a board needs of this computer: tools, and the right to open its port and its probe."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from edgeq.boards.profile import Board
from edgeq.core.installation import REQUIREMENTS, Installed, check_requirement
from edgeq.device.flashing.records import Flasher
from edgeq.device.flashing.table import find_flasher
from edgeq.device.ports import list_ports
from edgeq.device.virtual.launch import qemu_program

RULE_FOLDERS = tuple(
    Path(name) for name in ("/etc/udev/rules.d", "/run/udev/rules.d", "/usr/lib/udev/rules.d",
                            "/lib/udev/rules.d", "/usr/local/lib/udev/rules.d")
)  # fmt: skip
# Who owns serial ports: Debian and its kin, Arch and its kin.
GROUPS = ("dialout", "uucp")


def check_needs(board: Board, tools: Iterable[str] = ()) -> tuple[Installed, ...]:
    """Return a row for everything that `board` needs, and for nothing else.

    Args:
        tools: rows of core.installation that are needed to build for it.
    """
    flasher = find_flasher(board)
    names = [*tools, *_flash_tools(board, flasher)]
    rows = {r.name: check_requirement(r, required=True) for r in REQUIREMENTS if r.name in names}
    return (*rows.values(), *_rights(board, flasher))


def _flash_tools(board: Board, flasher: Flasher) -> tuple[str, ...]:
    if flasher.name == "qemu":
        return (qemu_program(board),)
    behind_port = board.link.kind in ("uart", "usb-cdc") and board.kind == "mcu"
    return (flasher.requirement, *(("pyserial",) if behind_port else ()))


def _rights(board: Board, flasher: Flasher) -> Iterable[Installed]:
    if not sys.platform.startswith("linux") or board.kind != "mcu":
        return
    if board.link.kind in ("uart", "usb-cdc"):
        yield _port_row(board)
    if flasher.needs in ("probe", "dfu"):
        yield _udev_row(board, flasher)


def _port_row(board: Board) -> Installed:
    ports = [p.device for p in list_ports((board,)) if p.boards]
    closed = [p for p in ports if not os.access(p, os.R_OK | os.W_OK)]
    open_ports = ", ".join(p for p in ports if p not in closed)
    return Installed(
        name="right to open serial ports",
        found=(open_ports or _group_right()) if not closed else None,
        needed_for=f"reaching {board.id}" + (f" at {', '.join(closed)}" if closed else ""),
        install="sudo usermod -aG dialout $USER, then log in again",
        required=bool(closed),
    )


def _group_right() -> str | None:
    if os.geteuid() == 0:
        return "root"
    import grp

    for name in GROUPS:
        with contextlib.suppress(KeyError):
            if grp.getgrnam(name).gr_gid in os.getgroups():
                return f"group {name}"
    return None


def _udev_row(board: Board, flasher: Flasher) -> Installed:
    ids = (board.flash.target,) if flasher.needs == "dfu" else board.link.usb_ids
    vendors = {i.partition(":")[0] for i in ids}
    return Installed(
        name="udev rule of the probe" if flasher.needs == "probe" else "udev rule",
        found="root" if os.geteuid() == 0 else find_rule(vendors),
        needed_for=f"{flasher.name} without root",
        install="add a file to /etc/udev/rules.d with the line"
        f' SUBSYSTEM=="usb", ATTRS{{idVendor}}=="{min(vendors, default="VID")}", MODE="0666",'
        " then: sudo udevadm control --reload",
        required=False,
    )


def find_rule(vendors: Iterable[str], folders: Iterable[Path] = RULE_FOLDERS) -> str | None:
    """Return the first udev rules file that names one of the USB vendors, None where none does."""
    wanted = [f'idVendor}}=="{vendor}"' for vendor in vendors]
    for folder in folders:
        for path in sorted(folder.glob("*.rules")):
            with contextlib.suppress(OSError):
                if any(w in path.read_text("utf-8", "replace") for w in wanted):
                    return str(path)
    return None
