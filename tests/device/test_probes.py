"""Two boards on one desk: the right one is flashed, and where it cannot be told, neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq.core.errors import DeviceError, UsageError
from edgeq.core.records import FirmwareImage
from edgeq.device import usb
from edgeq.device.flashers import flash_image
from edgeq.device.usb import UsbDevice, find_dfu, find_probe, is_probe, list_usb
from tests.support.boards import board_with
from tests.support.firmware import virtual_firmware
from tests.support.tools import calls, put_tool
from tests.support.usb import plug, serial_port

STLINK, STLINK_V3, JLINK, UART = "0483:374b", "0483:374e", "1366:1051", "1a86:7523"


def _device(usb_id: str, serial: str, where: str = "/dev/ttyACM9") -> UsbDevice:
    return UsbDevice(usb_id, serial, where, f"1-{where[-1]}")


@pytest.fixture(scope="module", name="image")
def _image(tmp_path_factory: pytest.TempPathFactory) -> FirmwareImage:
    return virtual_firmware(tmp_path_factory.mktemp("fw"))


def test_of_two_boards_the_probe_of_the_right_one_is_handed_to_the_tool(
    image: FirmwareImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug(
        monkeypatch,
        serial_port("/dev/ttyACM0", STLINK, "0669FF", "1-1"),
        serial_port("/dev/ttyACM1", STLINK_V3, "0038001", "1-2"),
    )
    log = put_tool(tmp_path / "bin", monkeypatch, "openocd", says="** Verified OK **")
    for usb_id, serial in ((STLINK, "0669FF"), (STLINK_V3, "0038001")):
        flash_image(board_with("openocd", "board/x.cfg", usb_ids=(usb_id,)), image)
        assert f"adapter serial {serial}" in calls(log)[-1]


def test_two_boards_of_one_kind_are_both_listed_and_neither_flashed(
    image: FirmwareImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug(
        monkeypatch,
        serial_port("/dev/ttyACM0", STLINK, "0669FF", "1-1"),
        serial_port("/dev/ttyACM1", STLINK, "066AAA", "1-2"),
    )
    log = put_tool(tmp_path / "bin", monkeypatch, "openocd", says="** Verified OK **")
    board = board_with("openocd", "board/x.cfg", usb_ids=(STLINK,))
    with pytest.raises(DeviceError, match=r"ttyACM0.*0669FF.*ttyACM1.*066AAA") as failure:
        flash_image(board, image)
    assert failure.value.exit_code == 5
    assert "--port" in failure.value.hint
    assert calls(log) == []
    monkeypatch.setattr(usb, "check_local", lambda port: port)
    flash_image(board, image, port="/dev/ttyACM1")
    assert "adapter serial 066AAA" in calls(log)[-1]


def test_a_board_with_two_ports_is_one_board(monkeypatch: pytest.MonkeyPatch) -> None:
    plug(
        monkeypatch,
        serial_port("/dev/ttyACM0", JLINK, "000683", "1-1"),
        serial_port("/dev/ttyACM1", JLINK, "000683", "1-1"),
    )
    assert [d.where for d in list_usb()] == ["/dev/ttyACM0"]
    target = find_probe(board_with("jlink", "X", usb_ids=(JLINK,)), None)
    assert (target.serial_number, target.alone) == ("000683", True)


def test_a_board_that_is_not_connected_is_never_taken_for_another() -> None:
    with pytest.raises(DeviceError, match="no debug probe of board"):
        find_probe(board_with("openocd", usb_ids=(STLINK_V3,)), None, [_device(STLINK, "0669FF")])


def test_a_board_without_a_probe_has_the_only_one_there_is() -> None:
    board = board_with("pyocd", "ama3b1kk_kbr", usb_ids=(UART,))
    there = [_device(UART, "", "/dev/ttyUSB0"), _device(JLINK, "000683", "USB 1-4")]
    assert find_probe(board, None, there).serial_number == "000683"
    with pytest.raises(DeviceError, match=r"more than one .*000683.*0669FF"):
        find_probe(board, None, [*there, _device(STLINK, "0669FF", "USB 1-5")])
    assert find_probe(board, None, []).serial_number == ""


def test_probes_without_a_plain_serial_number_are_told_apart_only_when_alone() -> None:
    board = board_with("openocd", usb_ids=(STLINK,))
    assert find_probe(board, None, [_device(STLINK, "")]).alone
    with pytest.raises(DeviceError, match="no plain serial number"):
        find_probe(board, None, [_device(STLINK, ""), _device(JLINK, "1", "/dev/ttyACM8")])


def test_a_serial_number_cannot_become_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    for serial in ("x; exec touch canary", "[exec id]", "-h", "a b", "$(id)", "\x1b[0m", "x\n"):
        plug(monkeypatch, serial_port("/dev/ttyACM0", STLINK, serial))
        target = find_probe(board_with("openocd", usb_ids=(STLINK,)), None)
        assert target.serial_number == ""


def test_probes_without_a_serial_port_are_seen_on_linux(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug(monkeypatch, serial_port("/dev/ttyACM0", STLINK, "0669FF", "1-1"))
    for place, (vendor, product, serial) in {
        "1-1": ("0483", "374b", "0669FF"),
        "1-2": ("0483", "3748", "5!\x02bad"),
        "usb1": ("1d6b", "0002", ""),
    }.items():
        (tmp_path / place).mkdir()
        (tmp_path / place / "idVendor").write_text(f"{vendor}\n")
        (tmp_path / place / "idProduct").write_text(f"{product}\n")
        (tmp_path / place / "serial").write_text(f"{serial}\n")
    monkeypatch.setattr(usb, "SYSFS", tmp_path)
    monkeypatch.setattr("sys.platform", "linux")
    found = list_usb()
    assert [d.where for d in found] == ["/dev/ttyACM0", "USB 1-2"]
    assert found[1].serial_number == ""


def test_two_boot_loaders_are_both_listed() -> None:
    board = board_with("dfu-util", "0483:df11")
    one, two = _device("0483:df11", "A1", "USB 1-1"), _device("0483:df11", "A2", "USB 1-2")
    assert find_dfu(board, [one]).serial_number == "A1"
    assert find_dfu(board, []).serial_number == ""
    with pytest.raises(DeviceError, match=r"1-1 .*A1.* 1-2 .*A2"):
        find_dfu(board, [one, two])


@pytest.mark.parametrize("port", ["socket://h:1", "rfc2217://h:1", "loop://", "spy://x"])
def test_nothing_is_flashed_over_a_network(port: str, image: FirmwareImage) -> None:
    with pytest.raises(UsageError):
        flash_image(board_with("openocd", "board/x.cfg", usb_ids=(STLINK,)), image, port=port)


def test_every_probe_of_a_vendor_of_probes_is_one() -> None:
    assert is_probe("1366:9999")
    assert is_probe(STLINK)
    assert not is_probe("0483:df11")
    assert not is_probe(UART)
