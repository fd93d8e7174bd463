"""Everything that is wrong with a board's profile, the flasher's words included."""

from __future__ import annotations

from collections.abc import Collection

from edgeq.boards.checks import check_board
from edgeq.boards.profile import Board
from edgeq.boards.registry import is_shipped
from edgeq.device.flashing.table import FLASHERS, flash_problems


def board_problems(board: Board, *, exports: Collection[str]) -> tuple[str, ...]:
    """Return what is wrong with the profile, each beginning with its field; empty where sound.

    A profile that is shipped has a source for each group of its values; a user's need not.

    Args:
        exports: the names of the exports.
    """
    sourced = is_shipped(board.id)
    found = check_board(board, methods=FLASHERS, exports=exports, sourced=sourced)
    return (*found, *flash_problems(board))
