"""Boards that their maker's SDK builds: west, idf.py and arduino-cli flash an exported folder."""

from __future__ import annotations

from edgeq.boards.profile import Board
from edgeq.device.flashing.records import AppTool, Target

BUILD = "build"


def _west(board: Board, target: Target) -> tuple[str, ...]:
    # Not every runner of Zephyr knows --dev-id: it is given only where it makes a difference.
    several = target.serial_number and not target.alone
    probe = ("--dev-id", target.serial_number) if several else ()
    return ("west", "flash", "--build-dir", BUILD, *probe)


def _idf(board: Board, target: Target) -> tuple[str, ...]:
    return ("idf.py", "-p", target.port, "-B", BUILD, "flash")


def _arduino(board: Board, target: Target) -> tuple[str, ...]:
    where = ("--fqbn", board.flash.target, "--port", target.port, "--input-dir", BUILD)
    return ("arduino-cli", "upload", *where, "--verify", ".")


WEST = AppTool(
    export="zephyr",
    example="samples/run",
    build=lambda board: f"west build -b {board.flash.target} -d {BUILD}",
    built=f"{BUILD}/zephyr/zephyr.elf",
    argv=_west,
)
IDF = AppTool(
    export="esp-idf",
    example="examples/run",
    build=lambda board: f"idf.py -B {BUILD} set-target {board.flash.target} build",
    built=f"{BUILD}/flasher_args.json",
    argv=_idf,
    success="hash of data verified",
)
ARDUINO = AppTool(
    export="arduino",
    example="examples/run",
    build=lambda board: f"arduino-cli compile --fqbn {board.flash.target} --build-path {BUILD}",
    built=f"{BUILD}/*.elf",
    argv=_arduino,
)
