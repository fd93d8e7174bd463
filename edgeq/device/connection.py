"""Open a session with a board, whatever kind it is, and make sure that it runs our firmware."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edgeq.boards.profile import Board
from edgeq.core.errors import DeviceError, UsageError
from edgeq.core.records import FirmwareImage
from edgeq.device.elf import check_core
from edgeq.device.link import Deadlines
from edgeq.device.packets import Hello
from edgeq.device.ports import find_port
from edgeq.device.session import BoardSession
from edgeq.device.streams import Stream, open_stream
from edgeq.device.virtual.launch import open_host, open_qemu, open_unicorn

# Boards that run as processes, by flash method; every other board is behind a port.
_PROCESSES: dict[str, Callable[[Board, str], Stream]] = {
    "unicorn": open_unicorn,
    "qemu": open_qemu,
    "host": open_host,
}


def open_board(
    board: Board,
    image: FirmwareImage,
    *,
    port: str | None = None,
    deadlines: Deadlines | None = None,
) -> BoardSession:
    """Open a session with the board and check that it runs `image`.

    Args:
        port: serial port or socket:// or rfc2217:// URL; None starts a virtual board's process,
            or looks for the one port with the board's USB id.

    Raises:
        UsageError: the port's name is not allowed.
        ToolchainError: what runs the virtual board is not installed.
        DeviceError: no such port, in use, no answer, or another firmware is on the board.
    """
    session = BoardSession(connect(board, image, port), deadlines)
    try:
        check_firmware(session.hello, image)
    except BaseException:
        session.close()
        raise
    return session


def runs_as_process(board: Board, port: str | None) -> bool:
    """Whether a session starts the board itself, which then runs whatever image it is given."""
    return port is None and board.flash.method in _PROCESSES


def connect(board: Board, image: FirmwareImage, port: str | None = None) -> Stream:
    """Open the bytes to the board that runs `image`, whatever protocol it speaks.

    Raises:
        UsageError: the port's name is not allowed.
        ToolchainError: what runs the virtual board is not installed.
        DeviceError: no such port, in use, or the virtual board did not start.
    """
    if runs_as_process(board, port):
        return start_board(board, image.elf)
    return open_stream(port or find_port(board), baud=image.baud or board.link.baud)


def start_board(board: Board, elf: str) -> Stream:
    """Start the board that runs as a process on this computer, with `elf` as its firmware.

    Raises:
        UsageError: the board is no such one.
        ToolchainError: what runs it is not installed.
        InputError: the firmware is not for this board.
        DeviceError: it did not start.
    """
    if board.flash.method not in _PROCESSES:
        raise UsageError(
            f"board {board.id} does not run on this computer",
            hint="choose one with the flasher unicorn, qemu or host: edgeq boards list",
        )
    if board.core.arch != "native":
        check_core(Path(elf), board.core.arch)
    return _PROCESSES[board.flash.method](board, elf)


def check_firmware(hello: Hello, image: FirmwareImage) -> None:
    """Raise DeviceError unless the board runs the firmware that `image` describes."""
    expected = {
        "model": (hello.model_name, image.model_name),
        "model SHA-256": (hello.model_sha256, image.model_sha256),
        "board": (hello.board_id, image.board_id),
        "traced": (hello.traced, image.traced),
    }
    for what, (found, wanted) in expected.items():
        if found != wanted:
            raise DeviceError(
                f"another firmware is on the board: its {what} is {found!r}, not {wanted!r}",
                hint="flash it first: `edgeq flash`",
            )
