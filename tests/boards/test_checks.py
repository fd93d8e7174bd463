"""What contradicts itself in a profile is a problem that begins with its field."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq import api
from edgeq.boards import registry
from edgeq.boards.checks import DRIVERS, check_board
from edgeq.boards.profile import Board
from edgeq.core.errors import InputError
from edgeq.core.files import shipped_folder
from edgeq.device.flashing.table import FLASHERS
from edgeq.firmware.exports import EXPORTERS
from edgeq.firmware.project import DRIVERS as CHOSEN
from tests.support.texts import edited

F446 = (shipped_folder("boards") / "nucleo-f446re.toml").read_text("utf-8")
F746 = (shipped_folder("boards") / "nucleo-f746zg.toml").read_text("utf-8")
TEENSY = (shipped_folder("boards") / "teensy-41.toml").read_text("utf-8")


def _edited(tmp_path: Path, text: str, old: str, new: str) -> Board:
    path = tmp_path / "mine.toml"
    path.write_text(edited(text, old, new, count=1), encoding="utf-8")
    return registry.read_board(path)


@pytest.mark.parametrize("board", registry.list_boards(), ids=lambda b: b.id)
def test_a_shipped_board_is_sound(board: Board) -> None:
    assert check_board(board, methods=FLASHERS, exports=EXPORTERS) == ()
    assert api.check_boards(board.id) == {board.id: ()}


@pytest.mark.parametrize(
    ("text", "old", "new", "problem"),
    [
        (F446, "start = 0x2000_0000", "start = 0x0800_1000", "memory: flash and ram overlap"),
        (F746, "start = 0x0020_0000", "start = 0x2000_0000", "memory: flash_itcm and ram overlap"),
        (F446, "size = 0x8_0000", "size = 0x800_0000", "memory.flash: 134217728 bytes of flash"),
        (F446, "size = 0x2_0000", "size = 0x100", "memory.ram: 256 bytes of ram"),
        (F446, "start = 0x2000_0000", "start = 0xFFFF_0000", "memory.ram: ends beyond 32-bit"),
        (F446, "wait_states = 5", "wait_states = -1", "memory.flash: start, size and wait"),
        (F746, 'alias_of = "flash"', 'alias_of = "rom"', "memory.flash_itcm: alias_of names no"),
        (F746, 'alias_of = "flash"', 'alias_of = "ram"', "memory.flash_itcm: alias_of: 'ram'"),
        (F746, 'code_region = "flash"', 'code_region = "flash_itcm"', "build.code_region: 'flash"),
        (F446, 'name = "ram"', 'name = "flash"', "memory: two regions are called 'flash'"),
        (F446, 'data_region = "ram"', 'data_region = "sram"', "build.data_region: no memory"),
        (F446, "stack_bytes = 8192", "stack_bytes = 0", "build.stack_bytes: 0 bytes"),
        (F446, "clock_hz = 180_000_000", "clock_hz = 180", "clock_hz: 180 Hz"),
        (F446, "\nhz = 180_000_000", "\nhz = 90_000_000", "timer: dwt counts the core's clock"),
        (F446, 'template = "bare-metal"', 'template = "bare-metle"', "Did you mean bare-metal?"),
        (F446, 'method = "openocd"', 'method = "openodc"', "flash.method: no flasher 'openodc'."),
        (F446, 'method = "openocd"', 'method = "none"', "flash.method: 'none', but the"),
        (F446, 'clock = "stm32f4-f7"', 'clock = "stm32f7"', "build.clock: template bare-metal has"),
        (F446, 'uart = "stm32-usart"', 'uart = "../evil"', "link.uart: template bare-metal has"),
        (F446, 'driver = "dwt"', 'driver = "dtw"', "timer.driver: template bare-metal has"),
        (F446, 'driver = "stm32"', 'driver = "stm33"', "gate.driver: template bare-metal has"),
        (F446, "base = 0x4002_0000", "", "gate.base: the driver stm32 needs it"),
        (F446, 'pin = "PA8"', 'pin = "PA2"', "gate.pin: PA2 is link.tx"),
        (F446, 'pin = "PA8"', 'pin = "PA8:1"', "gate.pin: PA8:1: an output has no"),
        (F446, 'pin = "PA8"', 'pin = "D7"', "gate.pin: 'D7' is no pin"),
        (F446, 'pin = "PA8"', "", "gate.pin: which pin?"),
        (F446, "gate = ", "url = ", "sources: none for gate"),
        (F446, "PLL_P = 2", "PLL_R = 2", "build.settings.PLL_R: no driver"),
        (F446, 'tx = "PA2:7"', 'tx = "A2"', "link.tx: 'A2' is no pin"),
        (F446, 'rx = "PA3:7"\n', "", "link.rx: the template needs it"),
        (F446, "uart_base = 0x4000_4400\n", "", "link.uart_base: the template needs it"),
        (TEENSY, 'export = "arduino"', 'export = "arduini"', "build.export: no export 'arduini'."),
        (TEENSY, 'export = "arduino"', 'export = ""', "build: neither a template nor an export"),
        (TEENSY, "voltage_v = 5.0", "voltage_v = 5000.0", "power.voltage_v: 5000.0 V"),
        (TEENSY, "active_a = 0.1", "active_a = 0.1\nidle_a = 0.2", "power: sleep_a, idle_a and"),
        (TEENSY, 'core = "', '"core.cache" = "', "sources: no field 'core.cache'"),
        (TEENSY, 'link = "', 'flash_ = "', "sources: no field 'flash_'"),
        (TEENSY, 'link = "', '"power.source" = "', "sources: none for link"),
    ],
)  # fmt: skip
def test_a_contradiction_is_a_problem(
    tmp_path: Path, text: str, old: str, new: str, problem: str
) -> None:
    found = check_board(_edited(tmp_path, text, old, new), methods=FLASHERS, exports=EXPORTERS)
    assert any(problem in line for line in found), found


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('name = "flash"', 'name = "x) = 0; INCLUDE /etc/passwd"', "memory[0].name"),
        ("PLL_M = 8", '"M 8\\n#include" = 8', "build.settings"),
        ('usb_ids = ["0483:374b"', 'usb_ids = ["483:374B"', "link.usb_ids"),
    ],
)
def test_a_word_that_reaches_generated_text_is_refused(
    tmp_path: Path, old: str, new: str, field: str
) -> None:
    with pytest.raises(InputError) as refusal:
        _edited(tmp_path, F446, old, new)
    assert field in str(refusal.value)


def test_no_export_is_unknown_where_none_are_given(tmp_path: Path) -> None:
    board = _edited(tmp_path, TEENSY, 'export = "arduino"', 'export = "other"')
    assert check_board(board, methods=FLASHERS) == ()


def test_the_drivers_that_are_checked_are_those_that_a_build_takes() -> None:
    assert set(DRIVERS) == set(CHOSEN) - {"startup"}
    board = registry.find_board("nucleo-f446re")
    for kind, (_, name_of) in DRIVERS.items():
        assert name_of(board) == CHOSEN[kind](board)
