"""The virtual board's process: `python -m edgeq.device.virtual.unicorn_board --elf FILE ...`.

Prints one JSON line {"port": N, "hook": "c"|"python"} on stdout, then serves its UART on
socket://127.0.0.1:N. Each later line is an edge of the gate: {"gate": 1, "instructions": N,
"cycles": N}. The firmware is reset when the first client connects. A fault ends the process with
code 70 and one line on stderr; the end of stdin ends it too, so that a board never outlives the
program that started it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

FAULT_EXIT = 70


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a virtual board until its firmware faults or stdin ends."""
    options = _parse(arguments)
    from edgeq.core.errors import EdgeqError
    from edgeq.device.virtual.machine import Fault, Layout, Machine, parse_regions
    from edgeq.device.virtual.uart import Wire

    layout = Layout(
        core=options.core,
        dsp="dsp" not in options.without,
        fpu="fpu" not in options.without,
        flash=parse_regions(options.flash),
        ram=parse_regions(options.ram),
        uart=options.uart,
        counter=options.counter,
    )
    wire = Wire(options.port)
    try:
        machine = Machine(layout, options.elf, wire, options.hook, sys.stdout.fileno())
    except EdgeqError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    ready = {"port": wire.port, "hook": "c" if options.hook else "python"}
    print(json.dumps(ready), flush=True)
    wire.wait_for_client()
    try:
        machine.run()
    except Fault as fault:
        print(fault, file=sys.stderr, flush=True)
    return FAULT_EXIT


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    def number(text: str) -> int:
        return int(text, 0)

    parser = argparse.ArgumentParser(prog="unicorn_board", description=__doc__)
    parser.add_argument("--elf", type=Path, required=True)
    parser.add_argument("--core", required=True)
    parser.add_argument("--flash", action="append", required=True, metavar="START:SIZE")
    parser.add_argument("--ram", action="append", required=True, metavar="START:SIZE")
    parser.add_argument("--uart", type=number, default=0x40004000)
    parser.add_argument("--counter", type=number, default=0x4000F000)
    parser.add_argument("--without", action="append", default=[], choices=["dsp", "fpu"])
    parser.add_argument("--hook", type=Path, help="the compiled block hook; Python counts else")
    parser.add_argument("--port", type=int, default=0)
    return parser.parse_args(arguments)


def _end_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        continue
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
