"""Which boards a sweep means: ids, patterns, profiles and aliases become profiles."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from edgeq.boards.profile import Board
from edgeq.boards.registry import find_board, list_boards
from edgeq.core.errors import InputError
from edgeq.sweep.manifest import Exclusion, Manifest, Options

WILD = frozenset("*?[")


def choose_boards(manifest: Manifest, folder: Path) -> tuple[Board, ...]:
    """Return the boards in the manifest's order, each once; a pattern's in the order of ids.

    Args:
        folder: of the manifest, where the paths of its own profiles begin.

    Raises:
        InputError: no such board, a pattern that matches none, two profiles of one id.
    """
    known = list_boards()
    words = [w for word in manifest.boards for w in manifest.aliases.get(word, (word,))]
    found: dict[str, Board] = {}
    for word in words:
        for board in _matches(word, known, folder):
            if found.setdefault(board.id, board) != board:
                raise InputError(
                    f"sweep {manifest.name}: two boards have the id {board.id!r}",
                    hint="give one of the profiles another id",
                )
    return tuple(found.values())


def _matches(word: str, known: tuple[Board, ...], folder: Path) -> tuple[Board, ...]:
    if word.endswith(".toml"):
        return (find_board(str(folder / word)),)
    if not WILD & set(word):
        return (find_board(word),)
    boards = tuple(b for b in known if fnmatchcase(b.id, word))
    if not boards:
        raise InputError(f"no board matches {word!r}", hint="`edgeq boards list` shows every board")
    return boards


def with_stack(board: Board, options: Options) -> Board:
    """Return the board with the stack that the options ask for."""
    if options.stack_bytes is None:
        return board
    build = msgspec.structs.replace(board.build, stack_bytes=options.stack_bytes)
    return msgspec.structs.replace(board, build=build)


def is_excluded(rule: Exclusion, names: tuple[str, str, str, str]) -> bool:
    """Tell whether the rule leaves out the cell of this model, scheme, board and options."""
    patterns = (rule.model, rule.scheme, rule.board, rule.options)
    return all(map(fnmatchcase, names, patterns))
