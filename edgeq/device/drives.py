"""UF2 drives: boards whose boot loader shows itself as a small USB drive."""

from __future__ import annotations

import contextlib
import os
import string
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from edgeq.boards.profile import Board
from edgeq.core.errors import DeviceError

# The file that every UF2 boot loader shows; it names the board (github.com/microsoft/uf2).
INFO = "INFO_UF2.TXT"
INFO_LIMIT = 4096
RESET_S = 10.0


def find_drive(board: Board, mounts: Iterable[Path] | None = None) -> Path:
    """Return the one mounted drive whose INFO_UF2.TXT has the Board-ID in `board.flash.target`.

    Raises:
        DeviceError: no drive matches, or more than one: edgeq never guesses.
    """
    wanted = board.flash.target
    found = [m for m in (list_mounts() if mounts is None else mounts) if _board_id(m) == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        raise DeviceError(
            f"more than one drive is a '{wanted}': {', '.join(map(str, found))}",
            hint="unplug all boards but one",
        )
    raise DeviceError(
        f"no drive of board '{board.id}' (Board-ID {wanted}) is mounted",
        hint="start its boot loader (hold BOOTSEL while plugging in, or press reset twice)",
    )


def list_mounts() -> Iterator[Path]:
    """Yield the folders at which drives may be mounted."""
    if os.name == "nt":
        yield from (Path(f"{letter}:\\") for letter in string.ascii_uppercase)
        return
    yield from _mounted()
    yield from Path("/Volumes").glob("*")


def _mounted() -> Mapping[Path, Path]:
    """Return the device of each mounted folder (Linux)."""
    found = {}
    with contextlib.suppress(OSError):
        for line in Path("/proc/mounts").read_text().splitlines():
            # Spaces and the like are octal escapes there.
            device, folder = (
                Path(word.encode().decode("unicode_escape")) for word in line.split()[:2]
            )
            found[folder] = device
    return found


def await_reset(drive: Path, timeout_s: float = RESET_S) -> None:
    """Wait until the drive is gone: the boot loader starts what it has taken as a whole.

    A boot loader stays where a block is missing, or where every block is for another family.

    Raises:
        DeviceError: the drive is still there after `timeout_s`.
    """
    device = _mounted().get(drive)
    deadline = time.monotonic() + timeout_s
    while _board_id(drive) is not None and (device is None or device.exists()):
        if time.monotonic() > deadline:
            raise DeviceError(
                f"the boot loader at {drive} did not take the firmware: it is still there",
                hint="is it this board? its UF2 family id is in the profile's flash.args",
            )
        time.sleep(0.05)


def copy_to_drive(drive: Path, name: str, data: bytes) -> None:
    """Write the file through to the drive; raise DeviceError where it goes away before the end.

    The board resets as soon as it has the last block: closing the file may fail after that.
    """
    try:
        handle = os.open(drive / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    except OSError as error:
        raise _gone(drive, error) from error
    try:
        at = 0
        while at < len(data):
            at += os.write(handle, data[at:])
    except OSError as error:
        raise _gone(drive, error) from error
    finally:
        with contextlib.suppress(OSError):
            os.fsync(handle)
        with contextlib.suppress(OSError):
            os.close(handle)


def _board_id(mount: Path) -> str | None:
    with contextlib.suppress(OSError):
        with (mount / INFO).open("rb") as file:
            text = file.read(INFO_LIMIT).decode("utf-8", "replace")
        for line in text.splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "Board-ID":
                return value.strip()
    return None


def _gone(drive: Path, error: OSError) -> DeviceError:
    return DeviceError(
        f"cannot write the firmware to {drive}: {error.strerror or error}",
        hint="is the drive still there, and writable?",
    )
