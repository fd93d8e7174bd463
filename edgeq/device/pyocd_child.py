"""Child process: write firmware through pyOCD's Python API, read it back and compare.

Speaks JSON lines on stdout, {"event": "probe" | "progress" | "verified", ...}, and errors on
stderr. It runs in a folder of its own: no configuration or script of the user's is taken up.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from edgeq.core.errors import DeviceError, EdgeqError, one_line
from edgeq.device.elf import read_segments
from edgeq.device.images import first_difference

BLOCK = 4096


def main(arguments: list[str]) -> int:
    """Flash as the arguments say; return the exit code."""
    parser = argparse.ArgumentParser(prog="pyocd_child", allow_abbrev=False)
    parser.add_argument("elf", type=Path)
    parser.add_argument("--target", required=True)
    parser.add_argument("--probe", help="the probe's whole unique id")
    parser.add_argument("--frequency", type=int, help="of the debug port, in Hz")
    parser.add_argument("--connect", help="pyOCD's connect mode")
    chosen = parser.parse_args(arguments)
    try:
        _flash(chosen)
    except EdgeqError as error:
        print(f"error: {error.cause}", file=sys.stderr)
        return error.exit_code
    except Exception as error:
        # pyOCD, libusb and the probe's own stack each have errors of their own.
        print(f"error: {one_line(f'{type(error).__name__}: {error}')}", file=sys.stderr)
        return DeviceError.exit_code
    return 0


def _flash(chosen: argparse.Namespace) -> None:
    from pyocd.core.helpers import ConnectHelper
    from pyocd.core.session import Session
    from pyocd.flash.file_programmer import FileProgrammer

    segments = read_segments(chosen.elf)
    found = ConnectHelper.get_all_connected_probes(blocking=False)
    probe = _only_probe(found, chosen.probe)
    _say("probe", unique_id=probe.unique_id, description=probe.description)
    options = {
        "target_override": chosen.target,
        "no_config": True,
        "frequency": chosen.frequency,
        "connect_mode": chosen.connect,
        "chip_erase": "sector",
    }
    given = {name: value for name, value in options.items() if value is not None}
    with Session(probe, options=given) as session:
        programmer = FileProgrammer(session, progress=_progress, chip_erase="sector")
        programmer.add_file(str(chosen.elf), file_format="elf")
        programmer.commit()
        target = session.target
        target.reset_and_halt()
        total = sum(_compare(target, address, data) for address, data in segments)
        _say("verified", bytes=total)
        target.reset()


def _only_probe(found: list[Any], wanted: str | None) -> Any:
    exact = [p for p in found if wanted is None or _plain(p.unique_id) == _plain(wanted)]
    if len(exact) == 1:
        return exact[0]
    if exact:
        names = ", ".join(f"{p.description} ({p.unique_id})" for p in exact)
        raise DeviceError(f"more than one debug probe is connected: {names}", hint="name one")
    what = "no debug probe is connected" if wanted is None else f"no debug probe {wanted}"
    raise DeviceError(what, hint="connect it")


def _plain(unique_id: str) -> str:
    """Return the id as it can be compared: J-Link has zeros before it on USB alone."""
    return unique_id.lower().lstrip("0")


def _compare(target: Any, address: int, data: bytes) -> int:
    """Return the number of bytes that are as they should be; raise DeviceError at the first not."""
    for at in range(0, len(data), BLOCK):
        part = data[at : at + BLOCK]
        read = bytes(target.read_memory_block8(address + at, len(part)))
        wrong = first_difference(read, part)
        if wrong is not None:
            raise DeviceError(
                f"flash differs from the firmware at {address + at + wrong:#010x}",
                hint="flash it again",
            )
    return len(data)


def _progress(share: float) -> None:
    _say("progress", share=round(share, 3))


def _say(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, **fields}), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
