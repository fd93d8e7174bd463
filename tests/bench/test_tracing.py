"""Layers of a board behind a port: flashed with the traced firmware, then back."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from edgeq.bench import tracing
from edgeq.bench.preparation import Prepared
from edgeq.boards.registry import find_board
from edgeq.core.errors import DeviceError


@pytest.fixture(name="calls")
def _calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    calls: list[str] = []

    def flash(board: Any, image: str, *, port: str | None) -> None:
        calls.append(f"flash {image} {port}")

    def open_board(
        board: Any, image: str, *, port: str | None = None
    ) -> AbstractContextManager[str]:
        calls.append(f"open {image} {port}")
        return nullcontext("session")

    monkeypatch.setattr(tracing, "flash_image", flash)
    monkeypatch.setattr(tracing, "open_board", open_board)
    monkeypatch.setattr(tracing, "trace_image", lambda ready: "traced")
    return calls


def _ready(board: str) -> Prepared:
    found = find_board(board)
    return cast(Prepared, SimpleNamespace(board=found, image="plain", folder=Path()))


def test_a_virtual_board_is_started_with_the_traced_firmware(calls: list[str]) -> None:
    with tracing.open_traced(_ready("virt-m4"), None):
        pass
    assert calls == ["open traced None"]


def test_a_real_board_is_flashed_and_gets_its_firmware_back(calls: list[str]) -> None:
    with tracing.open_traced(_ready("nucleo-f446re"), "/dev/ttyACM0"):
        calls.append("work")
    assert calls == [
        "flash traced /dev/ttyACM0",
        "open traced /dev/ttyACM0",
        "work",
        "flash plain /dev/ttyACM0",
    ]


def test_a_real_board_gets_its_firmware_back_also_after_a_failure(calls: list[str]) -> None:
    with (
        pytest.raises(DeviceError, match="gone"),
        tracing.open_traced(_ready("nucleo-f446re"), None),
    ):
        raise DeviceError("gone", hint="none")
    assert calls[-1] == "flash plain None"
