"""New profiles: a shipped board's file with what the user says of another board."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgeq.boards import registry
from edgeq.boards.profile import Board
from edgeq.core.errors import InputError, UsageError
from edgeq.core.files import read_bytes, write_atomic
from edgeq.core.records import Record

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

GIVEN = "given by the user"
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20}
_SPAN = re.compile(r"(\d{1,9})([KM]?)@(0x[0-9a-fA-F_]{1,10}|\d{1,10})\Z")
_USB_ID = re.compile(r"[0-9a-fA-F]{4}:[0-9a-fA-F]{4}\Z")


class Span(NamedTuple):
    """A memory region's place: its first address and its size in bytes."""

    start: int
    size: int


class Draft(Record, frozen=True, kw_only=True):
    """What a user says of a new board; None where it is as in the board that it is like.

    `flash` and `ram` are texts such as '512K@0x08000000' (`parse_span`).
    """

    id: str
    like: str
    name: str | None = None
    clock_hz: int | None = None
    flash: str | None = None
    ram: str | None = None
    usb_ids: tuple[str, ...] | None = None


def parse_span(text: str, *, field: str) -> Span:
    """Return the region in a text such as '512K@0x08000000'; raise UsageError naming `field`."""
    found = _SPAN.match(text.strip())
    if found is None:
        raise UsageError(
            f"{field}: {text[:40]!r} is no memory region", hint="write SIZE@START: 512K@0x08000000"
        )
    return Span(int(found[3].replace("_", ""), 0), int(found[1]) * UNITS[found[2]])


def format_span(board: Board, name: str) -> str:
    """Return the board's region called `name` as `parse_span` reads it, or '' without one."""
    region = next((r for r in board.memory if r.name == name), None)
    if region is None:
        return ""
    unit = next(u for u in ("M", "K", "") if region.size % UNITS[u] == 0)
    return f"{region.size // UNITS[unit]}{unit}@{region.start:#010x}"


def draft_profile(draft: Draft) -> str:
    """Return the TOML text of the new profile; it says `profile-only` and where values are from.

    Raises:
        InputError: the id is none, there is no board `like`, or the values make no profile.
        UsageError: a value is not written as it should be.
    """
    import tomlkit

    registry.check_id(draft.id, what="id")
    if not draft.like:
        raise UsageError(
            "--like: which board is it most like?", hint="`edgeq boards list` shows every board"
        )
    data = read_bytes(registry.find_file(draft.like), what="board profile")
    like = registry.decode_board(data, what=f"board {draft.like}")
    document = tomlkit.parse(data.decode("utf-8"))
    document["id"], document["name"] = draft.id, draft.name or draft.id
    document["verified"] = "profile-only"
    for stale in ("url", "power", "aliases"):
        document.pop(stale, None)
    given = {
        *_set_clock(document, like, draft.clock_hz),
        *_set_memory(document, like, draft),
        *_set_usb_ids(document, draft.usb_ids),
    }
    document["sources"] = _sources(like, given)
    text = tomlkit.dumps(document)
    registry.decode_board(text, what=f"board {draft.id}")
    return text


def new_profile(
    draft: Draft, out: Path | None, check: Callable[[Board], Iterable[str]]
) -> tuple[Board, Path]:
    """Write the drafted profile to `out` or into the user's folder; return it and its path.

    Raises:
        InputError, UsageError: as `draft_profile`; or `check` finds a problem, or the file is
            there already. Nothing was written.
    """
    text = draft_profile(draft)
    board = registry.decode_board(text, what=f"board {draft.id}")
    if problems := tuple(check(board)):
        raise InputError(
            f"board {draft.id}: {'; '.join(problems)}",
            hint=f"compare `edgeq boards show {draft.like}`",
        )
    path = out if out is not None else registry.user_folder() / f"{draft.id}.toml"
    if path.suffix != ".toml":
        raise UsageError(f"{path} is no .toml file", hint=f"--out {draft.id}.toml")
    if os.path.lexists(path):
        raise UsageError(f"{path} is there already", hint="edit it, or choose another id or --out")
    write_atomic(path, text)
    return board, path


def _set_clock(document: TOMLDocument, like: Board, clock_hz: int | None) -> tuple[str, ...]:
    if clock_hz is None:
        return ()
    document["clock_hz"] = _number(clock_hz)
    timer: Any = document.get("timer")
    if timer is not None and like.timer is not None and like.timer.hz == like.clock_hz:
        timer["hz"] = _number(clock_hz)
        return ("clock_hz", "timer")
    return ("clock_hz",)


def _set_memory(document: TOMLDocument, like: Board, draft: Draft) -> tuple[str, ...]:
    """Place the regions of code and data; the other regions of the board it is like go."""
    places = {like.build.code_region: draft.flash, like.build.data_region: draft.ram}
    if not any(places.values()):
        return ()
    regions: Any = document["memory"]
    for index in reversed(range(len(regions))):
        if regions[index]["name"] not in places:
            del regions[index]
    for region in regions:
        region.pop("note", None)
        place = places[region["name"]]
        if place is not None:
            span = parse_span(place, field=f"--{region['kind']}")
            region["start"], region["size"] = _address(span.start), _address(span.size)
    return ("memory",)


def _set_usb_ids(document: TOMLDocument, usb_ids: tuple[str, ...] | None) -> tuple[str, ...]:
    if usb_ids is None:
        return ()
    for usb_id in usb_ids:
        if not _USB_ID.match(usb_id):
            raise UsageError(f"--usb-id: {usb_id[:40]!r}", hint="write VID:PID, e.g. 0483:374b")
    link: Any = document["link"]
    link["usb_ids"] = [usb_id.lower() for usb_id in usb_ids]
    return ("link",)


def _sources(like: Board, given: set[str]) -> dict[str, str]:
    """Say of each group of values that it is the user's, or as in the board that this is like."""
    groups = ["clock_hz", "core", "memory", "link", "flash", "build"]
    groups += ["timer"] if like.timer else []
    groups += ["gate"] if like.gate else []
    return {group: GIVEN if group in given else f"{GIVEN}: as in {like.id}" for group in groups}


def _number(value: int) -> Any:
    return _integer(value, f"{value:_}")


def _address(value: int) -> Any:
    digits = f"{value:08X}"
    return _integer(value, f"0x{digits[:-4]}_{digits[-4:]}")


def _integer(value: int, raw: str) -> Any:
    """Return a TOML integer that is written as `raw`."""
    from tomlkit.items import Integer, Trivia

    return Integer(value, Trivia(), raw)
