"""Boards are data: shipped ones are sound, the user's come first, broken ones are refused."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from edgeq import api
from edgeq.boards import registry
from edgeq.boards.profile import Board
from edgeq.core.errors import InputError
from edgeq.core.files import shipped_folder
from tests.support.texts import edited

M4 = (shipped_folder("boards") / "virt-m4.toml").read_text("utf-8")


def _board(tmp_path: Path, text: str, name: str = "mine") -> str:
    path = tmp_path / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("board", registry.list_boards(), ids=lambda b: b.id)
def test_a_shipped_board_lies_in_a_file_of_its_name(board: Board) -> None:
    assert (shipped_folder("boards") / f"{board.id}.toml").is_file()
    assert board.sources


@pytest.mark.parametrize("board", registry.list_boards(), ids=lambda b: b.id)
def test_the_schema_describes_the_shipped_boards(board: Board) -> None:
    jsonschema.validate(json.loads(msgspec.json.encode(board)), registry.board_schema())


def test_the_users_board_replaces_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _board(tmp_path, edited(M4, "Virtual Cortex-M4", "Mine"), "virt-m4")
    monkeypatch.setenv(registry.USER_FOLDER, str(tmp_path))
    assert registry.find_board("virt-m4").name == "Mine"
    assert [b.id for b in registry.list_boards()].count("virt-m4") == 1


def test_an_unknown_board_names_its_neighbours() -> None:
    with pytest.raises(InputError, match=r"no board 'virt-m5'\. Did you mean virt-m"):
        registry.find_board("virt-m5")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('vendor = "edgeq"', 'vendor = "edgeq"\nvoltage = 5', "voltage"),
        ('arch = "cortex-m4"', 'arch = "cortex-m5"', "arch"),
        ('id = "virt-m4"', 'id = "../evil"', "not a board id"),
        ("clock_hz = 120_000_000", 'clock_hz = "fast"', "clock_hz"),
        ("[core]", "[core", "mine.toml"),
    ],
)
def test_a_broken_profile_is_refused_by_its_field(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    with pytest.raises(InputError, match=said) as refusal:
        registry.find_board(_board(tmp_path, edited(M4, old, new)))
    assert "mine.toml" in str(refusal.value)
    assert refusal.value.hint


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("start = 0x2000_0000", "start = 0x0010_0000", "overlap"),
        ('method = "unicorn"', 'method = "unicron"', "Did you mean unicorn"),
        ('template = "bare-metal"', 'template = "bare"', "build.template"),
        ('code_region = "flash"', 'code_region = "rom"', "build.code_region"),
        ('data_region = "ram"', 'data_region = "flash"', "is flash, not ram"),
        ("stack_bytes = 8192", "stack_bytes = 2_000_000", "stack_bytes"),
        ("width = 64", "width = 8", "timer"),
        ("size = 0x10_0000", "size = 0", "memory.ram"),
        ("memory = ", "memroy = ", "sources"),
    ],
)
def test_a_contradiction_is_a_problem(tmp_path: Path, old: str, new: str, problem: str) -> None:
    path = _board(tmp_path, edited(M4, old, new))
    (found,) = api.check_boards(path).values()
    assert any(problem in text for text in found), found


def test_a_huge_profile_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        registry.find_board(_board(tmp_path, M4 + "#" * registry.MAX_BYTES))


@pytest.mark.parametrize(
    ("alias", "board"),
    [("rpi3", "raspberry-pi-3b"), ("rpi4", "raspberry-pi-4b"), ("rpi5", "raspberry-pi-5"),
     ("rpizero2", "raspberry-pi-zero-2w")],
)  # fmt: skip
def test_a_board_is_found_by_its_short_name(alias: str, board: str) -> None:
    assert registry.find_board(alias).id == board


def test_a_short_name_that_two_boards_claim_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claims = 'aliases = ["rpi4", "virt-m3", "mine", "mine"]\n'
    text = claims + edited(M4, 'id = "virt-m4"', 'id = "mine-m4"')
    _board(tmp_path, text, "mine-m4")
    (tmp_path / "broken.toml").write_text("id = 1")
    monkeypatch.setenv(registry.USER_FOLDER, str(tmp_path))
    problems = registry.alias_problems(registry.find_board("mine-m4"))
    assert problems == (
        "aliases: 'virt-m3' is a board's id",
        "aliases: 'rpi4' is also raspberry-pi-4b's",
        "aliases: one stands there twice",
    )
    assert registry.find_board("mine").id == "mine-m4"


@pytest.mark.parametrize("alias", ["Rpi", "-x", "a b", "../x", ""])
def test_a_short_name_is_written_like_an_id(tmp_path: Path, alias: str) -> None:
    with pytest.raises(InputError, match="aliases"):
        registry.find_board(_board(tmp_path, f"aliases = ['{alias}']\n{M4}"))
