"""Flash tools: called exactly so, believed only when they show it, and never for more."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import msgspec
import pytest

from edgeq.boards.profile import Board
from edgeq.core.errors import DeviceError, InputError, ToolchainError
from edgeq.core.records import FirmwareImage
from edgeq.device.elf import Segment, read_segments
from edgeq.device.flashers import FLASHERS, flash_image
from edgeq.device.flashing.records import Job, Target
from edgeq.device.flashing.table import find_flasher, flash_problems
from edgeq.device.images import flat_image
from tests.support.boards import board_with
from tests.support.firmware import virtual_firmware
from tests.support.hostile import HOSTILE
from tests.support.tools import calls, put_tool
from tests.support.usb import plug, serial_port

# What a profile says, the fake tool's last words, and the command without its program.
ROWS = {
    "openocd": (
        ("board/st_nucleo_l4.cfg", ()), "** Verified OK **",
        ["-f board/st_nucleo_l4.cfg -c 'program firmware.elf verify reset exit'"],
    ),
    "JLinkExe": (
        ("STM32L4R5ZI", ()), "Verify successful.",
        ["-device STM32L4R5ZI -if SWD -speed 4000 -autoconnect 1 -NoGui 1 -ExitOnError 1"
         " -CommandFile flash.jlink"],
    ),
    "esptool": (
        ("esp32c3", ("--flash-mode", "dio")), "Hash of data verified. Verification successful",
        ["--chip esp32c3 --port PORT --after no-reset write-flash --flash-mode dio 0x0"
         " firmware.bin",
         "--chip esp32c3 --port PORT --after hard-reset verify-flash 0x0 firmware.bin"],
    ),
    "stm32loader": (
        ("L4", ("--swap-rts-dtr",)), "Verification OK",
        ["-p PORT -f L4 --swap-rts-dtr -e -w -v -a 0x0 -g 0x0 firmware.bin"],
    ),
    "bossac": (
        ("", ()), "Verify successful",
        ["--port PORT --offset 0x0 --erase --write --verify --reset firmware.bin"],
    ),
    "dfu-util": (
        ("0483:df11", ()), "File downloaded successfully",
        ["-d 0483:df11 -a 0 -s 0x0 -D firmware.bin",
         "-d 0483:df11 -a 0 -s 0x0:SIZE:leave -U read_back.bin"],
    ),
}  # fmt: skip
METHODS = {"JLinkExe": "jlink"}
PORT = "/dev/ttyACM0"


@pytest.fixture(scope="module", name="image")
def _image(tmp_path_factory: pytest.TempPathFactory) -> FirmwareImage:
    return virtual_firmware(tmp_path_factory.mktemp("fw"))


@pytest.fixture(autouse=True)
def _one_board(monkeypatch: pytest.MonkeyPatch) -> None:
    plug(monkeypatch, serial_port(PORT, "0483:374b", "066F"))


def _board(tool: str, usb_ids: tuple[str, ...] = ("0483:374b",)) -> Board:
    target, args = ROWS[tool][0]
    return board_with(METHODS.get(tool, tool), target, args, usb_ids)


def _commands(tool: str, image: FirmwareImage) -> list[str]:
    size = len(flat_image(read_segments(Path(image.elf)))[1])
    return [f"{tool} {line}".replace("SIZE", str(size)) for line in ROWS[tool][2]]


def _put(tool: str, image: FirmwareImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    flat = flat_image(read_segments(Path(image.elf)))[1]
    return put_tool(
        tmp_path / "bin", monkeypatch, tool, says=ROWS[tool][1], writes={"read_back.bin": flat}
    )


@pytest.mark.parametrize("tool", ROWS)
def test_a_dry_run_says_the_exact_commands_with_nothing_there(
    tool: str, image: FirmwareImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    plug(monkeypatch)
    report = flash_image(_board(tool), image, dry_run=True)
    assert list(report.commands) == _commands(tool, image)
    assert report.verified.startswith("not written")


@pytest.mark.parametrize("tool", ROWS)
def test_the_tool_is_called_as_the_report_says(
    tool: str, image: FirmwareImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = _put(tool, image, tmp_path, monkeypatch)
    report = flash_image(_board(tool), image)
    assert [shlex.join([tool, *argv]) for argv in calls(log)] == list(report.commands)
    assert report.verified == FLASHERS[METHODS.get(tool, tool)].verified
    said = {word for argv in calls(log) for word in argv}
    assert said & {PORT, "66F", "adapter serial 066F"} or tool == "dfu-util"


@pytest.mark.parametrize("tool", ROWS)
def test_a_tool_that_fails_is_a_device_error_in_its_own_words(
    tool: str, image: FirmwareImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_tool(tmp_path / "bin", monkeypatch, tool, says="Error: no \x1b[31mdevice", code=1)
    with pytest.raises(
        DeviceError, match=r"could not flash .*Error: no \\x1b\[31mdevice"
    ) as failure:
        flash_image(_board(tool), image)
    assert failure.value.hint


@pytest.mark.parametrize("tool", ROWS)
def test_a_tool_that_only_claims_to_have_worked_is_not_believed(
    tool: str, image: FirmwareImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_tool(tmp_path / "bin", monkeypatch, tool, says="done", writes={"read_back.bin": b"\0" * 99})
    with pytest.raises(DeviceError, match=r"could not flash|differs from the firmware at 0x000000"):
        flash_image(_board(tool), image)


@pytest.mark.parametrize("tool", ROWS)
def test_a_tool_that_hangs_is_killed_at_its_deadline(
    tool: str, image: FirmwareImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_tool(tmp_path / "bin", monkeypatch, tool, seconds=60)
    with pytest.raises(DeviceError, match=r"did not end within 0\.3 s"):
        flash_image(_board(tool), image, timeout_s=0.3)


@pytest.mark.parametrize("tool", ROWS)
def test_a_tool_that_is_missing_is_named_with_the_command_that_installs_it(
    tool: str, image: FirmwareImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ToolchainError, match=f"{tool} is not installed") as failure:
        flash_image(_board(tool), image)
    assert "install" in failure.value.hint


@pytest.mark.parametrize("tool", ROWS)
def test_nothing_is_run_for_firmware_outside_the_flash(
    tool: str, image: FirmwareImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = _put(tool, image, tmp_path, monkeypatch)
    board = _board(tool)
    moved = tuple(msgspec.structs.replace(r, start=r.start + 0x0800_0000) for r in board.memory)
    with pytest.raises(InputError, match="no flash of board"):
        flash_image(msgspec.structs.replace(board, memory=moved), image)
    assert calls(log) == []


def test_what_dfu_util_read_back_decides_whatever_it_says(
    image: FirmwareImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = bytearray(flat_image(read_segments(Path(image.elf)))[1])
    flat[0x123] ^= 1
    put_tool(tmp_path / "bin", monkeypatch, "dfu-util", writes={"read_back.bin": bytes(flat)})
    with pytest.raises(DeviceError, match="differs from the firmware at 0x00000123"):
        flash_image(_board("dfu-util"), image)


FORBIDDEN = re.compile(
    r"option.?byte|fuse|mass.?erase|erase.?all|erase.?flash|chip.?erase|(un)?lock|protect|secur"
    r"|^chip$|force|recover|burn|^--bo[dr]",
    re.IGNORECASE,
)
SHORT = {"-u", "-x", "-l", "-b", "-c"}  # stm32loader's and bossac's: unlock, protect, lock, boot


@pytest.mark.parametrize("method", [row.name for row in FLASHERS.values() if row.steps])
@pytest.mark.parametrize("target", [Target(port=PORT), Target(PORT, "066F", alone=False)])
def test_no_row_touches_fuses_option_bytes_or_locks(method: str, target: Target) -> None:
    row = FLASHERS[method]
    tool = {v: k for k, v in METHODS.items()}.get(method, method)
    given = ROWS[tool][0] if tool in ROWS else ("stm32l475xg", ())
    job = Job(board_with(method, *given), (Segment(0, b"abcd"),), b"abcd", target)
    assert row.steps is not None
    words = [word for step in row.steps(job) for word in step.argv[1:]]
    if row.files:
        words += [w for text in row.files(job).values() for line in text.splitlines()
                  for w in line.split()]  # fmt: skip
    assert not [w for w in words if FORBIDDEN.search(w)]
    assert method == "openocd" or not SHORT & set(words)


@pytest.mark.parametrize("method", [row.name for row in FLASHERS.values() if row.target])
def test_a_profile_cannot_slip_a_word_to_a_tool(method: str) -> None:
    for hostile in HOSTILE:
        board = board_with(method, "x", (hostile, "-c", hostile, "-f", hostile))
        assert any("flash.args" in problem for problem in flash_problems(board))
        if hostile not in ("COM1", "cp2110:0001:004a:00"):  # plain words: a chip may be called so
            with pytest.raises(InputError, match=r"flash\.target"):
                find_flasher(board_with(method, hostile))


def test_the_page_on_flashing_names_every_method() -> None:
    page = (Path(__file__).parents[2] / "docs" / "flashing.md").read_text("utf-8")
    table = [line for line in page.splitlines() if line.startswith("| `")][1:]
    assert {w for line in table for w in re.findall(r"`([a-z0-9._-]+)`", line.split("|")[1])} == (
        set(FLASHERS)
    )
    for row in FLASHERS.values():
        said = "\n".join(line for line in table if f"`{row.name}`" in line)
        assert all(option in said for option in row.options), row.name


@pytest.mark.parametrize(
    ("method", "target", "args"),
    [
        ("openocd", "board/x.cfg", ("-c", "exec touch canary")),
        ("openocd", "board/x.cfg", ("-c", "transport select swd; exec sh")),
        ("openocd", "board/x.cfg", ("-f", "/tmp/evil.cfg")),
        ("openocd", "board/x.cfg", ("-f", "interface/../../evil.cfg")),
        ("openocd", "board/../../x.cfg", ()),
        ("openocd", "board/x.cfg", ("-s", "/tmp")),
        ("openocd", "board/x.cfg", ("-f",)),
        ("pyocd", "nrf52", ("--script", "evil.py")),
        ("pyocd", "nrf52", ("--erase", "chip")),
        ("esptool", "esp32", ("--erase-all",)),
        ("esptool", "esp32", ("--flash-size=4MB --force",)),
        ("stm32loader", "L4", ("-u",)),
        ("stm32loader", "L4", ("--baud=115200", "--protect")),
        ("bossac", "", ("--lock",)),
        ("bossac", "", ("--security",)),
        ("qemu", "virt", ("-semihosting",)),
        ("qemu", "virt", ("-drive", "file=/etc/passwd")),
        ("uf2", "RPI-RP2", ("0xe48bff56", "x")),
    ],
)
def test_a_profile_that_says_too_much_is_refused(
    method: str, target: str, args: tuple[str, ...]
) -> None:
    with pytest.raises(InputError, match=r"flash\.(args|target)"):
        find_flasher(board_with(method, target, args))


@pytest.mark.parametrize(
    ("method", "target", "args"),
    [
        ("openocd", "interface/stlink.cfg", ("-f", "target/stm32h7x.cfg")),
        ("openocd", "board/x.cfg", ("-c", "transport select hla_swd", "-c", "adapter speed 1000")),
        ("pyocd", "nrf52840", ("--frequency", "1000000", "--connect=under-reset")),
        ("esptool", "esp32s3", ("--flash-size", "16MB", "--flash-freq=80m")),
        ("qemu", "virt", ("-bios", "none", "-m", "16M")),
        ("west", "nrf5340dk/nrf5340/cpuapp", ()),
        ("arduino-cli", "adafruit:samd:adafruit_metro_m4", ()),
        ("uf2", "RPI-RP2", ("0xe48bff56",)),
    ],
)
def test_a_profile_that_says_what_its_method_takes_is_sound(
    method: str, target: str, args: tuple[str, ...]
) -> None:
    assert list(flash_problems(board_with(method, target, args))) == []
