"""The boards page says what the shipped profiles say."""

from __future__ import annotations

from pathlib import Path

from edgeq.boards.page import boards_page
from edgeq.boards.registry import read_board
from edgeq.core.files import shipped_folder

PAGE = Path(__file__).parents[2] / "docs" / "boards.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text("utf-8") == boards_page(), "python -m edgeq.boards.page > docs/boards.md"


def test_there_are_real_boards_of_many_makers() -> None:
    boards = [read_board(path) for path in shipped_folder("boards").glob("*.toml")]
    real = [b for b in boards if b.kind != "virtual" and b.core.arch != "native"]
    assert len(real) >= 29
    assert len({b.vendor for b in real}) >= 12
    assert {b.core.arch.split("-")[0] for b in real} >= {"cortex", "xtensa", "rv32imc", "rv64gc"}
