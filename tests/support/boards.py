"""Boards for tests: a shipped one, changed in part."""

from __future__ import annotations

import msgspec

from edgeq.boards.profile import Board
from edgeq.boards.registry import find_board


def board_with(
    method: str,
    target: str = "",
    args: tuple[str, ...] = (),
    usb_ids: tuple[str, ...] = (),
    like: str = "virt-m4",
) -> Board:
    """Return the board `like`, flashed by another method and with other USB ids."""
    board = find_board(like)
    flash = msgspec.structs.replace(board.flash, method=method, target=target, args=args)
    link = msgspec.structs.replace(board.link, usb_ids=usb_ids)
    return msgspec.structs.replace(board, flash=flash, link=link)
