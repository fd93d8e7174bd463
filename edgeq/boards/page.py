"""The boards page, made from the shipped profiles.

`python -m edgeq.boards.page > docs/boards.md` writes it.
"""

from __future__ import annotations

import sys

from edgeq.boards.profile import Board
from edgeq.boards.registry import read_board
from edgeq.core.files import shipped_folder
from edgeq.core.units import format_bytes

_HEAD = """\
# Boards

Every board that edgeq ships a profile of; `edgeq boards show BOARD` says the rest, with the source
of each value. [Add a board](add-a-board.md) tells how yours joins them.

`gate` is the pin that tells a power meter of inferences.
`verified` is how far a board was tried: `emulated` in an emulator, `builds` as far as the linked
firmware, `profile-only` not at all. A board that is built by an export gets its firmware from its
maker's SDK, to which `edgeq export` hands the model.
"""
_KINDS = {
    "mcu": "Microcontroller boards",
    "linux": "Linux boards",
    "virtual": "Virtual boards",
}
_COLUMNS = (
    "board",
    "core",
    "clock",
    "flash",
    "RAM",
    "link",
    "gate",
    "flasher",
    "verified",
    "built by",
)


def boards_page() -> str:
    """Return the page in Markdown."""
    profiles = (read_board(path) for path in shipped_folder("boards").glob("*.toml"))
    boards = sorted(profiles, key=lambda board: board.id)
    parts = [_HEAD]
    for kind, title in _KINDS.items():
        rows = [_row(board) for board in boards if board.kind == kind]
        lines = [_COLUMNS, ("---",) * len(_COLUMNS), *rows]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        parts.append(f"## {title}\n\n{table}\n")
    return "\n".join(parts)


def _row(board: Board) -> tuple[str, ...]:
    core = board.core
    extras = [f"fpu {core.fpu}"] if core.fpu != "none" else []
    extras += ["mve"] if core.mve else []
    extras += [core.npu] if core.npu else []
    return (
        f"`{board.id}`",
        ", ".join((core.arch, *extras)),
        f"{board.clock_hz / 1e6:g} MHz" if core.arch != "native" else "-",
        _memory(board, "flash"),
        _memory(board, "ram"),
        " ".join(filter(None, (board.link.kind, board.link.uart))),
        (board.gate.pin or board.gate.driver) if board.gate else "-",
        board.flash.method,
        board.verified,
        _builder(board),
    )


def _builder(board: Board) -> str:
    if board.build.template:
        return f"template {board.build.template}"
    return f"export {board.build.export}" if board.build.export else "its own compiler"


def _memory(board: Board, kind: str) -> str:
    sizes = [r.size for r in board.memory if r.kind == kind and not r.alias_of]
    return format_bytes(sum(sizes)) if sizes else "-"


if __name__ == "__main__":
    sys.stdout.write(boards_page())
