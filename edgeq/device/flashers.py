"""Flash a board by the method that its profile names; every tool runs as a process.

The order is the same for every row: the firmware is read and checked against the board's core
and flash before anything is erased; the one board that is meant is found; then it is written;
then it is read back or verified. No row writes fuses, option bytes or lock bits.
"""

from __future__ import annotations

import shlex
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from edgeq.boards.profile import Board
from edgeq.core.errors import DeviceError, InputError, UsageError, one_line
from edgeq.core.files import read_bytes, sha256_hex, write_atomic
from edgeq.core.installation import require
from edgeq.core.processes import TimedOut, run
from edgeq.core.records import FirmwareImage
from edgeq.device.elf import MAX_ELF_BYTES, Segment, check_core, read_segments
from edgeq.device.flashing.records import BINARY, ELF, Flasher, Job, Step, Target
from edgeq.device.flashing.records import FlashReport as FlashReport
from edgeq.device.flashing.table import FLASHERS as FLASHERS
from edgeq.device.flashing.table import NOT_FLASHED
from edgeq.device.flashing.table import find_flasher as find_flasher
from edgeq.device.images import check_regions, first_difference, flat_image
from edgeq.device.ports import find_port
from edgeq.device.usb import check_local, find_dfu, find_probe

FLASH_S = 300.0


def flash_image(
    board: Board,
    image: FirmwareImage,
    *,
    port: str | None = None,
    dry_run: bool = False,
    timeout_s: float = FLASH_S,
) -> FlashReport:
    """Write `image` to the board and verify it; with `dry_run` only say how.

    Args:
        port: the board's serial port; None looks for the one board with the profile's USB ids.
        timeout_s: for each command of the tool.

    Raises:
        InputError: the firmware is damaged, for another core, or outside the board's flash;
            or the profile names no known method. Nothing was erased.
        UsageError: the port's name is not allowed, or the board is flashed by its SDK.
        ToolchainError: the tool is not installed, with the command that installs it.
        DeviceError: no board, more than one, or the tool failed.
    """
    started = time.monotonic()
    flasher = find_flasher(board)
    check_firmware_method(board)
    raw = read_bytes(Path(image.elf), what="firmware", limit=MAX_ELF_BYTES)
    commands: tuple[str, ...] = ()
    if board.core.arch != "native":
        segments = _checked_segments(board, Path(image.elf))
        job = Job(board, segments, flat_image(segments)[1])
        commands = _flash(flasher, job, raw, port, dry_run, timeout_s)
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


def check_firmware_method(board: Board) -> None:
    """Raise UsageError for a board that its SDK builds and flashes, with the commands to use."""
    flasher = find_flasher(board)
    app = flasher.app
    if flasher is NOT_FLASHED:
        raise UsageError(
            f"edgeq does not flash board '{board.id}'",
            hint=f"edgeq export MODEL --as {board.build.export or 'folder'} --out APP,"
            " and its maker's tools",
        )
    if app is not None:
        raise UsageError(
            f"the firmware of board '{board.id}' is built by its SDK, not by edgeq",
            hint=f"edgeq export MODEL --as {app.export} --out LIB; in LIB/{app.example}:"
            f" {app.build(board)}; then: edgeq flash --app LIB/{app.example} --board {board.id}",
        )


def _checked_segments(board: Board, elf: Path) -> tuple[Segment, ...]:
    check_core(elf, board.core.arch)
    segments = read_segments(elf)
    check_regions(board, segments)
    return segments


def find_target(flasher: Flasher, board: Board, port: str | None, dry_run: bool) -> Target:
    """Return which connected board is meant; a dry run looks for none.

    Raises:
        UsageError: the port's name is not allowed.
        DeviceError: no board is connected, or more than one may be it.
    """
    if dry_run:
        name = check_local(port) if port is not None else "PORT"
        return Target(port=name if flasher.needs == "port" else "")
    if flasher.needs == "port":
        return Target(port=check_local(port) if port is not None else find_port(board))
    if flasher.needs == "probe":
        return find_probe(board, port)
    return find_dfu(board) if flasher.needs == "dfu" else Target()


def _flash(
    flasher: Flasher, job: Job, elf: bytes, port: str | None, dry_run: bool, timeout_s: float
) -> tuple[str, ...]:
    if flasher.write is not None:
        return (flasher.write(job, dry_run),)
    if flasher.steps is None:
        return ()
    # A port that is refused, or a board that is not there, comes before a tool to install.
    job = replace(job, target=find_target(flasher, job.board, port, dry_run))
    if not dry_run:
        require(flasher.requirement)
    steps = flasher.steps(job)
    if not dry_run:
        with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
            folder = Path(name)
            write_atomic(folder / ELF, elf)
            write_atomic(folder / BINARY, job.image)
            for file, text in (flasher.files(job) if flasher.files else {}).items():
                write_atomic(folder / file, text)
            for step in steps:
                run_step(flasher, job.board, step, folder, timeout_s)
                _compare(flasher, job, step, folder)
    return tuple(shlex.join(step.argv) for step in steps)


def run_step(flasher: Flasher, board: Board, step: Step, folder: Path, timeout_s: float) -> None:
    """Run one command in `folder`; raise DeviceError unless it says that it worked."""
    program, *rest = step.argv
    argv = [require(program) if program == flasher.requirement else program, *rest]
    try:
        done = run(argv, timeout_s=timeout_s, cwd=folder)
    except TimedOut as error:
        raise DeviceError(str(error), hint=flasher.hint) from error
    said = f"{done.stdout}\n{done.stderr}"
    if done.returncode == 0 and step.success in said.lower():
        return
    if step.read_back and (folder / step.read_back).is_file():
        return  # what was read back is compared: it decides
    lines = [line for line in said.splitlines() if line.strip()]
    telling = [x for x in lines if "error" in x.lower() or "fail" in x.lower()] or lines[-1:]
    reason = one_line(telling[0])[:300] if telling else f"exit code {done.returncode}"
    raise DeviceError(
        f"{flasher.name} could not flash board '{board.id}': {reason}", hint=flasher.hint
    )


def _compare(flasher: Flasher, job: Job, step: Step, folder: Path) -> None:
    """Compare what a step read back with the image; raise DeviceError where it differs."""
    if not step.read_back:
        return
    try:
        data = read_bytes(folder / step.read_back, what="read-back", limit=MAX_ELF_BYTES)
    except InputError as error:
        raise DeviceError(f"{flasher.name}: {error}", hint=flasher.hint) from error
    at = first_difference(data, job.image)
    if at is not None:
        raise DeviceError(
            f"flash of board '{job.board.id}' differs from the firmware at {job.start + at:#010x}",
            hint="flash it again; where it differs each time, the flash is worn or protected",
        )
