"""How each flash tool is called. None is ever told to write fuses, option bytes or lock bits."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from edgeq.boards.profile import Board
from edgeq.core.errors import InputError
from edgeq.core.processes import python_argv
from edgeq.device import drives
from edgeq.device.flashing.records import BINARY, ELF, READ_BACK, UF2, Job, Step
from edgeq.device.images import uf2_image

JLINK_SCRIPT = "flash.jlink"


def pyocd(job: Job) -> tuple[Step, ...]:
    """Write, read back and compare through pyOCD's Python API, in a process of its own."""
    probe = ("--probe", job.target.serial_number) if job.target.serial_number else ()
    chip = ("--target", job.board.flash.target)
    argv = python_argv("edgeq.device.pyocd_child", *chip, *probe, *job.board.flash.args, ELF)
    return (Step(tuple(argv), success='"event": "verified"'),)


def openocd(job: Job) -> tuple[Step, ...]:
    """Let OpenOCD's `program` write, verify and reset."""
    serial = job.target.serial_number
    probe = ("-c", f"adapter serial {serial}") if serial else ()
    where = ("-f", job.board.flash.target, *job.board.flash.args)
    script = f"program {ELF} verify reset exit"
    return (Step(("openocd", *where, *probe, "-c", script), success="verified ok"),)


def jlink(job: Job) -> tuple[Step, ...]:
    """Run a J-Link Commander script without windows or questions."""
    # J-Link writes its number with zeros before it on USB, and without them everywhere else.
    serial = job.target.serial_number.lstrip("0")
    probe = ("-SelectEmuBySN", serial) if serial else ()
    chip = ("-device", job.board.flash.target)
    wire = ("-if", "SWD", "-speed", "4000", "-autoconnect", "1")
    quiet = ("-NoGui", "1", "-ExitOnError", "1")
    argv = ("JLinkExe", *probe, *chip, *wire, *quiet, "-CommandFile", JLINK_SCRIPT)
    return (Step(argv, success="verify successful"),)


def jlink_files(job: Job) -> Mapping[str, str]:
    """Return the script that `jlink` runs: write, compare, reset, go."""
    at = f"{job.start:#x}"
    lines = ("r", "h", f"loadfile {BINARY} {at}", f"verifybin {BINARY} {at}", "r", "g", "qc")
    return {JLINK_SCRIPT: "".join(f"{line}\n" for line in lines)}


def esptool(job: Job) -> tuple[Step, ...]:
    """Write at the offset in the SPI flash, then let the chip hash what it holds."""
    chip = ("--chip", job.board.flash.target, "--port", job.target.port)
    where = (f"{job.offset:#x}", BINARY)
    write = ("write-flash", *job.board.flash.args, *where)
    return (
        Step(("esptool", *chip, "--after", "no-reset", *write), success="hash of data verified"),
        Step(
            ("esptool", *chip, "--after", "hard-reset", "verify-flash", *where),
            success="verification successful",
        ),
    )


def stm32loader(job: Job) -> tuple[Step, ...]:
    """Erase main flash, write, read back and start, through the boot loader in the chip's ROM."""
    where = ("-p", job.target.port, "-f", job.board.flash.target, *job.board.flash.args)
    at = f"{job.start:#x}"
    argv = ("stm32loader", *where, "-e", "-w", "-v", "-a", at, "-g", at, BINARY)
    return (Step(argv, success="verification ok"),)


def dfu_util(job: Job) -> tuple[Step, ...]:
    """Write through DfuSe, read the same bytes back, leave the boot loader."""
    serial = job.target.serial_number
    probe = ("-S", serial) if serial else ()
    chip = ("dfu-util", "-d", job.board.flash.target, *probe, "-a", "0")
    at = f"{job.start:#x}"
    return (
        Step((*chip, "-s", at, "-D", BINARY)),
        Step((*chip, "-s", f"{at}:{len(job.image)}:leave", "-U", READ_BACK), read_back=READ_BACK),
    )


def bossac(job: Job) -> tuple[Step, ...]:
    """Erase from the offset, write, verify and reset through the SAM-BA boot loader."""
    where = ("--port", job.target.port, "--offset", f"{job.offset:#x}", *job.board.flash.args)
    argv = ("bossac", *where, "--erase", "--write", "--verify", "--reset", BINARY)
    return (Step(argv, success="verify successful"),)


def uf2(job: Job, dry_run: bool) -> str:
    """Copy a UF2 file to the boot loader's drive; return the command that would do the same."""
    family = uf2_family(job.board)
    drive = Path(job.board.flash.target) if dry_run else drives.find_drive(job.board)
    if not dry_run:
        drives.copy_to_drive(drive, UF2, uf2_image(job.segments, family))
        drives.await_reset(drive)
    return f"cp {UF2} {shlex.quote(str(drive))}"


def uf2_family(board: Board) -> int:
    """Return the family id that the profile names; raise InputError where it names none."""
    try:
        return int(board.flash.args[0], 16)
    except (IndexError, ValueError) as error:
        raise InputError(
            f"board '{board.id}': flash.args must name the UF2 family id, e.g. '0xe48bff56'",
            hint="see github.com/microsoft/uf2/blob/master/utils/uf2families.json",
        ) from error
