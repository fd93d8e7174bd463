"""Where boards come from: the user's folder first, then the shipped profiles."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
import platformdirs

from edgeq.boards.profile import Board, Memory, parse_pin
from edgeq.core.errors import InputError, did_you_mean
from edgeq.core.files import read_bytes, shipped_folder

MAX_BYTES = 64 << 10
USER_FOLDER = "EDGEQ_BOARDS_DIR"
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,47}\Z")
_MACRO = re.compile(r"[A-Z][A-Z0-9_]{0,30}\Z")
_WIDTHS = range(16, 65)


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
    if ref.endswith(".toml"):
        return read_board(Path(ref))
    known = _known()
    if ref not in known:
        raise InputError(
            f"no board {ref!r}.{did_you_mean(ref, known)}",
            hint="`edgeq boards list` shows every board; a path to a board's .toml works too",
        )
    return read_board(known[ref])


def read_board(path: Path) -> Board:
    """Return the profile in a TOML file.

    Raises:
        InputError: the file is not there, not TOML, or no valid profile.
    """
    data = read_bytes(path, what="board profile", limit=MAX_BYTES)
    try:
        board = msgspec.toml.decode(data, type=Board)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(
            f"board profile {path.name}: {error}",
            hint="`edgeq boards schema` prints the JSON Schema of a profile",
        ) from error
    if not _ID.match(board.id):
        raise InputError(
            f"board profile {path.name}: id: {board.id!r} is not a board id",
            hint="use at most 48 lower-case letters, digits and hyphens",
        )
    return board


def board_schema() -> dict[str, Any]:
    """Return the JSON Schema of a board profile."""
    return msgspec.json.schema(Board)


def check_board(board: Board, *, methods: Collection[str]) -> tuple[str, ...]:
    """Return what is wrong with a profile beyond its types; empty where it is sound.

    Args:
        methods: the names of the flashers.
    """
    return (*_region_problems(board), *_part_problems(board, methods))


def _region_problems(board: Board) -> Iterator[str]:
    names = [r.name for r in board.memory]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield f"memory: two regions are called {name!r}"
    for region in board.memory:
        if region.size <= 0 or region.start < 0 or region.wait_states < 0:
            yield f"memory.{region.name}: start, size and wait_states must not be negative or empty"
        if region.alias_of and region.alias_of not in names:
            yield f"memory.{region.name}: alias_of names no region: {region.alias_of!r}"
    real = [r for r in board.memory if not r.alias_of]
    for a, b in combinations(real, 2):
        if a.start < b.start + b.size and b.start < a.start + a.size:
            yield f"memory: {a.name} and {b.name} overlap"
    for field, wanted, kind in (
        ("build.code_region", board.build.code_region, "flash"),
        ("build.data_region", board.build.data_region, "ram"),
    ):
        yield from _named_region(board, field, wanted, kind)
    stack, data = board.build.stack_bytes, _find(board, board.build.data_region)
    if stack <= 0 or (data is not None and stack > data.size):
        yield f"build.stack_bytes: {stack} bytes do not fit {board.build.data_region or 'the RAM'}"


def _named_region(board: Board, field: str, name: str, kind: str) -> Iterator[str]:
    if board.kind == "linux":
        return
    region = _find(board, name)
    if region is None:
        yield f"{field}: no memory region is called {name!r}"
    elif region.kind != kind:
        yield f"{field}: {name!r} is {region.kind}, not {kind}"


def _find(board: Board, name: str) -> Memory | None:
    return next((r for r in board.memory if r.name == name), None)


def _part_problems(board: Board, methods: Collection[str]) -> Iterator[str]:
    if board.clock_hz <= 0:
        yield f"clock_hz: {board.clock_hz} Hz"
    if board.kind != "linux" and board.flash.method not in methods:
        near = did_you_mean(board.flash.method, methods)
        yield f"flash.method: no flasher {board.flash.method!r}.{near}"
    yield from _build_problems(board)
    if board.timer is not None and (board.timer.hz <= 0 or board.timer.width not in _WIDTHS):
        yield f"timer: {board.timer.hz} Hz with {board.timer.width} bits"
    for path in board.sources:
        if path.split(".")[0] not in Board.__struct_fields__:
            yield f"sources: no field {path!r}"


def _build_problems(board: Board) -> Iterator[str]:
    build = board.build
    folders = {p.name for p in shipped_folder("firmware_templates").iterdir() if p.is_dir()}
    if build.template and build.template not in folders:
        yield f"build.template: no firmware template {build.template!r}"
    if not (build.template or build.export or board.kind == "linux"):
        yield "build: neither a template nor an export: nothing reaches this board"
    for name in build.settings:
        if not _MACRO.match(name):
            yield f"build.settings: {name!r} is no name of a macro"
    for field, pin in (("link.tx", board.link.tx), ("link.rx", board.link.rx)):
        try:
            _ = parse_pin(pin) if pin else None
        except ValueError as error:
            yield f"{field}: {error}"


def _known() -> dict[str, Path]:
    """Return the profiles by file stem; later folders win."""
    folders = (shipped_folder("boards"), user_folder())
    return {p.stem: p for folder in folders if folder.is_dir() for p in folder.glob("*.toml")}


def user_folder() -> Path:
    """Return where the user's own profiles lie: EDGEQ_BOARDS_DIR, or the configuration folder."""
    given = os.environ.get(USER_FOLDER)
    return Path(given) if given else platformdirs.user_config_path("edgeq") / "boards"
