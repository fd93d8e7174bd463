"""`edgeq doctor --board`: what this board needs, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq import api
from edgeq.boards.registry import list_boards
from edgeq.cli.app import run
from edgeq.core import installation
from edgeq.device import needs
from edgeq.device.needs import check_needs, find_rule
from tests.support.boards import board_with
from tests.support.usb import plug, serial_port


def _names(board: str) -> list[str]:
    return [row.name for row in api.doctor(board)]


def test_a_board_is_told_its_own_tools_alone() -> None:
    assert "openocd" in _names("nucleo-l4r5zi")
    assert "bossac" in _names("arduino-nano-33-ble-sense")
    assert _names("virt-m4")[-1] == "unicorn"
    assert "qemu-system-arm" in _names("qemu-an386")
    assert not {"openocd", "pyocd", "tensorflow", "unicorn"} & set(_names("raspberry-pi-pico"))


def test_every_board_can_be_asked_for() -> None:
    for board in list_boards():
        assert all(row.install and row.needed_for for row in api.doctor(board.id))


def test_a_missing_tool_leaves_with_4_and_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(installation.shutil, "which", lambda name, path=None: None)
    assert run(["doctor", "--board", "nucleo-l4r5zi"]) == 4
    out = capsys.readouterr().out
    assert "openocd" in out
    assert "install openocd" in out
    assert run(["doctor", "--board", "virt-m4"]) == 0


def test_an_unknown_board_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--board", "nucleo-l4r5z"]) == 3
    assert "nucleo-l4r5zi" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("platform", "tool", "word"),
    [("linux", "openocd", "apt"), ("darwin", "openocd", "brew"), ("win32", "openocd", "choco"),
     ("darwin", "dfu-util", "brew"), ("win32", "idf.py", "export.bat"),
     ("win32", "esptool", "pip")],
)  # fmt: skip
def test_the_command_is_the_platforms_own(
    platform: str, tool: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    row = next(r for r in installation.REQUIREMENTS if r.name == tool)
    assert word in row.command


@pytest.mark.skipif(not hasattr(__import__("os"), "geteuid"), reason="POSIX alone has groups")
def test_a_port_without_permission_is_named_with_the_group_to_join(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plug(monkeypatch, serial_port("/dev/ttyACM0", "0483:374b", "066F"))
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(needs.os, "access", lambda path, mode: False)
    board = board_with("openocd", "board/x.cfg", usb_ids=("0483:374b",), like="nucleo-l4r5zi")
    row = next(r for r in check_needs(board) if "serial ports" in r.name)
    assert row.found is None
    assert row.required
    assert "/dev/ttyACM0" in row.needed_for
    assert "dialout" in row.install


def test_a_udev_rule_is_found_by_its_vendor(tmp_path: Path) -> None:
    (tmp_path / "10-other.rules").write_text('ATTRS{idVendor}=="1366", MODE="660"\n')
    assert find_rule({"0483"}, [tmp_path]) is None
    rule = tmp_path / "60-openocd.rules"
    rule.write_text('ATTRS{idVendor}=="0483", ATTRS{idProduct}=="374b", MODE="660"\n')
    assert find_rule({"0483"}, [tmp_path / "none", tmp_path]) == str(rule)
