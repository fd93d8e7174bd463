"""Where boards come from: the user's folder first, then the shipped profiles."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from edgeq.boards.profile import Board
from edgeq.core.errors import InputError, did_you_mean
from edgeq.core.files import read_bytes, shipped_folder

MAX_BYTES = 64 << 10
USER_FOLDER = "EDGEQ_BOARDS_DIR"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,47}\Z")


def list_boards() -> tuple[Board, ...]:
    """Return every board, sorted by id; the user's replace the shipped ones of the same id.

    Raises:
        InputError: a profile is wrong; names the file and the field.
    """
    return tuple(read_board(path) for _, path in sorted(_known().items()))


def find_board(ref: str) -> Board:
    """Return the board with the id `ref`, or the one in the TOML file at the path `ref`.

    Raises:
        InputError: there is no such board, or its profile is wrong.
    """
    return read_board(find_file(ref))


def is_shipped(board_id: str) -> bool:
    """Tell whether a profile of this id is shipped: the user's may replace it."""
    return (shipped_folder("boards") / f"{board_id}.toml").is_file()


def find_file(ref: str) -> Path:
    """Return the TOML file of the board with the id or alias `ref`, or `ref` where it is a file.

    Raises:
        InputError: there is no such board.
    """
    if ref.endswith(".toml"):
        return Path(ref)
    known = _known()
    if ref not in known:
        aliases = list_aliases()
        if ref in aliases:
            return known[aliases[ref][0]]
        raise InputError(
            f"no board {ref!r}.{did_you_mean(ref, (*known, *aliases))}",
            hint="`edgeq boards list` shows every board; a path to a board's .toml works too",
        )
    return known[ref]


def list_aliases() -> dict[str, tuple[str, ...]]:
    """Return each alias and the files' ids that claim it; one, where all is well.

    A profile that cannot be read claims none: it must not hide the others.
    """
    claims: dict[str, tuple[str, ...]] = {}
    for stem, path in sorted(_known().items()):
        with contextlib.suppress(InputError):
            for alias in read_board(path).aliases:
                claims[alias] = (*claims.get(alias, ()), stem)
    return claims


def alias_problems(board: Board) -> tuple[str, ...]:
    """Return what is wrong with the board's aliases among all boards that there are."""
    claims, known = list_aliases(), _known()
    problems = [f"aliases: {alias!r} is a board's id" for alias in board.aliases if alias in known]
    for alias in board.aliases:
        others = [other for other in claims.get(alias, ()) if other != board.id]
        problems += [f"aliases: {alias!r} is also {other}'s" for other in others]
    if len(set(board.aliases)) < len(board.aliases):
        problems.append("aliases: one stands there twice")
    return tuple(problems)


def read_board(path: Path) -> Board:
    """Return the profile in a TOML file.

    Raises:
        InputError: the file is not there, not TOML, or no valid profile.
    """
    data = read_bytes(path, what="board profile", limit=MAX_BYTES)
    return decode_board(data, what=f"board profile {path.name}")


def decode_board(data: bytes | str, *, what: str) -> Board:
    """Return the profile in a TOML text; raise InputError naming `what` and the field."""
    try:
        board = msgspec.toml.decode(data, type=Board)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(
            f"{what}: {error}", hint="`edgeq boards schema` prints the JSON Schema of a profile"
        ) from error
    check_id(board.id, what=f"{what}: id")
    return board


def check_id(text: str, *, what: str) -> str:
    """Return `text` where it is a board's id; raise InputError naming `what` it should be."""
    if _ID.match(text):
        return text
    raise InputError(
        f"{what}: {text[:60]!r} is not a board id",
        hint="use at most 48 lower-case letters, digits and hyphens",
    )


def board_schema() -> dict[str, Any]:
    """Return the JSON Schema of a board profile."""
    return msgspec.json.schema(Board)


def _known() -> dict[str, Path]:
    """Return the profiles by file stem; later folders win."""
    folders = (shipped_folder("boards"), user_folder())
    return {p.stem: p for folder in folders if folder.is_dir() for p in folder.glob("*.toml")}


def user_folder() -> Path:
    """Return where the user's own profiles lie: EDGEQ_BOARDS_DIR, or the configuration folder."""
    given = os.environ.get(USER_FOLDER)
    return Path(given) if given else platformdirs.user_config_path("edgeq") / "boards"
