"""Flashers: how firmware gets onto a board. One row a method; tools run as processes.

The order is the same for every row: the ELF is read and checked against the board's core and
flash before anything is erased; then it is written; then it is read back where the tool can.
No row writes fuses, option bytes or lock bits.
"""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeq.boards.profile import Board
from edgeq.core.errors import DeviceError, InputError, UsageError, did_you_mean, one_line
from edgeq.core.files import read_bytes, sha256_hex, write_atomic
from edgeq.core.installation import require
from edgeq.core.processes import TimedOut, run
from edgeq.core.records import FirmwareImage, Record, RegionUse
from edgeq.device import drives
from edgeq.device.elf import MAX_ELF_BYTES, Segment, check_core, read_segments
from edgeq.device.images import check_regions, flat_image, uf2_image
from edgeq.device.ports import check_port, find_port

FLASH_S = 300.0
# Tools run in a folder of their own that holds the firmware under these names: no path of the
# user's reaches a tool's command language, and no file of the user's is taken for its settings.
ELF, BINARY, UF2 = "firmware.elf", "firmware.bin", "firmware.uf2"


class FlashReport(Record, frozen=True, kw_only=True):
    """What was written to which board, and how.

    `commands` are the exact commands, run in a folder that holds the firmware as firmware.elf
    and firmware.bin; `verified` says how the written bytes were checked.
    """

    board_id: str
    method: str
    dry_run: bool
    commands: tuple[str, ...]
    verified: str
    elf_sha256: str
    image_bytes: int
    regions: tuple[RegionUse, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Job:
    """One firmware to flash: where its first byte goes, and the port where the tool needs one."""

    board: Board
    segments: tuple[Segment, ...]
    port: str

    @property
    def start(self) -> int:
        """The lowest address that is written."""
        return self.segments[0].address


@dataclass(frozen=True, slots=True)
class Step:
    """One command; it worked where it exits with 0 and says `success` (any case)."""

    argv: tuple[str, ...]
    success: str = ""


@dataclass(frozen=True, slots=True)
class Flasher:
    """One method. `steps` are its commands; a method without any loads at the session's start.

    `tool` is the program's row in core.installation, `write` is for methods that need no tool.
    """

    name: str
    verified: str
    tool: str = ""
    hint: str = ""
    needs_port: bool = False
    steps: Callable[[Job], tuple[Step, ...]] = lambda job: ()
    write: Callable[[Job, bool], str] | None = None


def _pyocd(job: Job) -> tuple[Step, ...]:
    common = ("--no-config", "--no-wait", "--target", job.board.flash.target, *job.board.flash.args)
    return (
        Step(("pyocd", "load", *common, "--erase", "sector", "--format", "elf", ELF)),
        Step(
            (
                "pyocd",
                "commander",
                *common,
                "-c",
                f"compare {job.start:#x} {BINARY}",
                "-c",
                "reset",
            ),
            success="bytes match",
        ),
    )


def _openocd(job: Job) -> tuple[Step, ...]:
    script = f"program {ELF} verify reset exit"
    return (
        Step(
            ("openocd", "-f", job.board.flash.target, *job.board.flash.args, "-c", script),
            success="verified ok",
        ),
    )


def _bossac(job: Job) -> tuple[Step, ...]:
    base = min(r.start for r in job.board.memory if r.kind == "flash")
    where = ("--port", job.port, "--offset", f"{job.start - base:#x}", *job.board.flash.args)
    return (
        Step(
            ("bossac", *where, "--erase", "--write", "--verify", "--reset", BINARY),
            success="verify successful",
        ),
    )


def _uf2(job: Job, dry_run: bool) -> str:
    drive = drives.find_drive(job.board) if not dry_run else Path(job.board.flash.target)
    if not dry_run:
        drives.copy_to_drive(drive, UF2, uf2_image(job.segments, _family(job.board)))
    return f"cp {UF2} {shlex.quote(str(drive))}"


def _family(board: Board) -> int:
    try:
        return int(board.flash.args[0], 16)
    except (IndexError, ValueError) as error:
        raise InputError(
            f"board '{board.id}': flash.args must name the UF2 family id, e.g. '0xe48bff56'",
            hint="see github.com/microsoft/uf2/blob/master/utils/uf2families.json",
        ) from error


_LOADED = "read back from the ELF when a session starts"
_PROBE = "is the probe connected, and the only one? (its name or target is in the board's [flash])"
FLASHERS: Mapping[str, Flasher] = {
    row.name: row
    for row in (
        Flasher("unicorn", _LOADED),
        Flasher("qemu", _LOADED),
        Flasher("host", _LOADED),
        Flasher("pyocd", "compared by pyocd", tool="pyocd", hint=_PROBE, steps=_pyocd),
        Flasher("openocd", "verified by openocd", tool="openocd", hint=_PROBE, steps=_openocd),
        Flasher(
            "bossac", "verified by bossac", tool="bossac", needs_port=True, steps=_bossac,
            hint="press the board's reset button twice: its boot loader must be running",
        ),
        Flasher(
            "uf2", "block by block by the board's boot loader", write=_uf2,
        ),
    )
}  # fmt: skip


def flash_image(
    board: Board, image: FirmwareImage, *, port: str | None = None, dry_run: bool = False
) -> FlashReport:
    """Write `image` to the board and verify it; with `dry_run` only say how.

    Raises:
        InputError: the firmware is damaged, for another core, or outside the board's flash;
            or the profile names no known method. Nothing was erased.
        UsageError: the port's name is not allowed.
        ToolchainError: the tool is not installed, with the command that installs it.
        DeviceError: no board, more than one, or the tool failed.
    """
    started = time.monotonic()
    flasher = find_flasher(board)
    raw = read_bytes(Path(image.elf), what="firmware", limit=MAX_ELF_BYTES)
    commands: tuple[str, ...] = ()
    if board.core.arch != "native":
        job = Job(board, _checked_segments(board, Path(image.elf)), "")
        commands = _flash(flasher, _with_port(flasher, job, port, dry_run), raw, dry_run)
    return FlashReport(
        board_id=board.id,
        method=flasher.name,
        dry_run=dry_run,
        commands=commands,
        verified=flasher.verified if not dry_run else "not written: dry run",
        elf_sha256=sha256_hex(raw),
        image_bytes=image.sizes.image_bytes,
        regions=image.regions,
        seconds=time.monotonic() - started,
    )


def find_flasher(board: Board) -> Flasher:
    """Return the row that the board's profile names; raise InputError where there is none."""
    method = board.flash.method
    if method not in FLASHERS:
        raise InputError(
            f"board '{board.id}': flash.method: no flasher {method!r}."
            f"{did_you_mean(method, FLASHERS)}",
            hint=f"choose one of: {', '.join(FLASHERS)}",
        )
    return FLASHERS[method]


def _checked_segments(board: Board, elf: Path) -> tuple[Segment, ...]:
    check_core(elf, board.core.arch)
    segments = read_segments(elf)
    check_regions(board, segments)
    return segments


def _with_port(flasher: Flasher, job: Job, port: str | None, dry_run: bool) -> Job:
    if not flasher.needs_port:
        return job
    if port is not None and "://" in port:
        raise UsageError(f"cannot flash over {port}", hint="name the board's serial port")
    if port is not None:
        return Job(job.board, job.segments, check_port(port))
    return Job(job.board, job.segments, "PORT" if dry_run else find_port(job.board))


def _flash(flasher: Flasher, job: Job, elf: bytes, dry_run: bool) -> tuple[str, ...]:
    if flasher.write is not None:
        return (flasher.write(job, dry_run),)
    steps = flasher.steps(job)
    if not dry_run and steps:
        require(flasher.tool)
        with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
            write_atomic(Path(folder) / ELF, elf)
            write_atomic(Path(folder) / BINARY, flat_image(job.segments)[1])
            for step in steps:
                _run_step(flasher, job.board, step, Path(folder))
    return tuple(shlex.join(step.argv) for step in steps)


def _run_step(flasher: Flasher, board: Board, step: Step, folder: Path) -> None:
    try:
        done = run(step.argv, timeout_s=FLASH_S, cwd=folder)
    except TimedOut as error:
        raise DeviceError(str(error), hint=flasher.hint) from error
    said = f"{done.stdout}\n{done.stderr}"
    if done.returncode == 0 and step.success in said.lower():
        return
    lines = [line for line in said.splitlines() if line.strip()]
    telling = [x for x in lines if "error" in x.lower() or "fail" in x.lower()] or lines[-1:]
    reason = one_line(telling[0]) if telling else f"exit code {done.returncode}"
    raise DeviceError(
        f"{flasher.name} could not flash board '{board.id}': {reason}", hint=flasher.hint
    )
