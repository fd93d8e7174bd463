"""`boards new`: a profile from a few words, sound, and never over another file."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq import api
from edgeq.boards import registry
from edgeq.boards.drafts import Draft, Span, draft_profile, format_span, parse_span
from edgeq.boards.profile import Board
from edgeq.cli.app import run
from edgeq.core.errors import InputError, UsageError

MINE = Draft(
    id="my-board",
    like="nucleo-f446re",
    name='My "board"',
    clock_hz=180_000_000,
    flash="256K@0x08000000",
    ram="64K@0x20000000",
    usb_ids=("0483:374B",),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(registry.USER_FOLDER, str(tmp_path / "boards"))
    return tmp_path / "boards"


def test_a_new_board_is_found_and_sound(folder: Path) -> None:
    board, path = api.new_board(MINE)
    assert path == folder / "my-board.toml"
    assert registry.find_board("my-board") == board
    assert api.check_boards("my-board") == {"my-board": ()}
    assert (board.name, board.verified, board.url) == ('My "board"', "profile-only", "")
    flash, ram = board.memory
    assert (flash.start, flash.size, flash.cached) == (0x0800_0000, 256 << 10, True)
    assert (ram.start, ram.size) == (0x2000_0000, 64 << 10)
    assert board.link.usb_ids == ("0483:374b",)
    assert board.sources["memory"] == "given by the user"
    assert board.sources["core"] == "given by the user: as in nucleo-f446re"


def test_what_is_not_said_is_as_in_the_board_it_is_like(folder: Path) -> None:
    board, _ = api.new_board(Draft(id="plain", like="stm32f746g-disco"))
    like = registry.find_board("stm32f746g-disco")
    assert (board.memory, board.link, board.build) == (like.memory, like.link, like.build)
    assert board.power is None


@pytest.mark.parametrize("board", registry.list_boards(), ids=lambda b: b.id)
def test_every_board_can_be_drafted_from(board: Board) -> None:
    text = draft_profile(Draft(id="my-board", like=board.id))
    assert registry.decode_board(text, what="draft").memory == board.memory


@pytest.mark.parametrize("hostile", ["../x", "x" * 300, "", "a/b", "A", "x\n", "-x", "x.toml"])
def test_a_hostile_id_writes_nothing(folder: Path, hostile: str) -> None:
    with pytest.raises(InputError, match="is not a board id"):
        api.new_board(Draft(id=hostile, like="nucleo-f446re"))
    assert not folder.exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"like": ""}, "--like"),
        ({"like": "nucleo"}, "no board 'nucleo'"),
        ({"flash": "256K"}, "--flash: '256K' is no memory region"),
        ({"ram": "64K@0x08000000"}, "flash and ram overlap"),
        ({"ram": "1@0x20000000"}, "memory.ram: 1 bytes of ram"),
        ({"usb_ids": ("0483",)}, "--usb-id"),
        ({"clock_hz": 0}, "clock_hz: 0 Hz"),
    ],
)
def test_a_wrong_value_writes_nothing(folder: Path, change: dict[str, str], said: str) -> None:
    fields = {name: getattr(MINE, name) for name in MINE.__struct_fields__}
    with pytest.raises((InputError, UsageError), match=said):
        api.new_board(Draft(**(fields | change)))
    assert not folder.exists()


def test_a_file_that_is_there_is_not_written_over(folder: Path) -> None:
    _, path = api.new_board(MINE)
    before = path.read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        api.new_board(Draft(id="my-board", like="nucleo-l432kc"))
    assert path.read_bytes() == before


@given(st.integers(0, 2**32 - 1), st.integers(0, 999), st.sampled_from(["", "K", "M"]))
def test_a_region_reads_back(start: int, count: int, unit: str) -> None:
    scale = {"": 1, "K": 1 << 10, "M": 1 << 20}[unit]
    assert parse_span(f"{count}{unit}@{start:#x}", field="--ram") == Span(start, count * scale)


@given(st.text(alphabet="0123456789KMG@x_- ", max_size=20))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--ram"):
        parse_span(text.replace("@", "@q"), field="--ram")


def test_the_default_of_a_question_is_the_region_of_the_board() -> None:
    assert format_span(registry.find_board("nucleo-f446re"), "flash") == "512K@0x08000000"
    assert format_span(registry.find_board("nucleo-f446re"), "rom") == ""


class Terminal(io.StringIO):
    """Standard input as a person types it."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_asks_for_what_is_not_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        sys, "stdin", Terminal("nucleo-f446re\n84000000\nMine\n\n64K@0x20000000\n\n")
    )
    assert run(["boards", "new", "asked"]) == 0
    assert str(folder / "asked.toml") in capsys.readouterr().err
    board, like = registry.find_board("asked"), registry.find_board("nucleo-f446re")
    assert (board.name, board.clock_hz, board.region("ram").size) == ("Mine", 84_000_000, 64 << 10)
    assert (board.region("flash").size, board.link) == (like.region("flash").size, like.link)
    assert board.sources["link"] == "given by the user: as in nucleo-f446re"


def test_a_terminal_that_ends_writes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("nucleo-f446re\n"))
    assert run(["boards", "new", "asked"]) != 0
    assert not folder.exists()


@pytest.mark.parametrize("name", ["x" * 300 + ".toml", "board", "no/such/../../x", "."])
def test_a_hostile_place_writes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        api.new_board(MINE, out=tmp_path / name)
    assert not list(tmp_path.rglob("*"))


def test_without_a_terminal_the_board_it_is_like_must_be_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert run(["boards", "new", "asked"]) == 2
    assert "--like" in capsys.readouterr().err
    out = folder.parent / "here.toml"
    assert run(["boards", "new", "asked", "--like", "virt-m4", "-o", str(out)]) == 0
    assert registry.find_board(str(out)).id == "asked"
    assert not folder.exists()
