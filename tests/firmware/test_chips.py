"""Firmware for real chips: every driver builds without a warning, and runs where QEMU has it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from edgeq import api
from edgeq.boards.profile import Board
from edgeq.boards.registry import USER_FOLDER, find_board, list_boards
from edgeq.compile import compile_graph
from edgeq.compile.target import Target
from edgeq.core.errors import ToolchainError, UsageError
from edgeq.core.processes import run, spawn
from edgeq.core.records import FirmwareImage
from edgeq.device.elf import read_segments
from edgeq.device.framing import FrameDecoder
from edgeq.device.virtual.launch import qemu_argv, qemu_program
from edgeq.firmware.build import build_firmware
from edgeq.firmware.toolchains import TOOLCHAINS, is_installed, target_of
from edgeq.graph.writer import write_graph
from tests.support.small_cnn import small_cnn
from tests.support.texts import edited

BARE = [b for b in list_boards() if b.build.template == "bare-metal"]
QEMU = [b for b in BARE if b.flash.method == "qemu"]
# QEMU 10.0 has its USART, which never asks for the next byte: it starts, but hears nothing.
DEAF = "qemu-b-l475e-iot01a"


def _build(board: Board, out: Path, toolchain: str) -> FirmwareImage:
    row = next(t for t in TOOLCHAINS if (t.name, t.target) == (toolchain, target_of(board)))
    if not is_installed(row):
        pytest.skip(f"toolchain {toolchain} is not installed")
    compiled = compile_graph(small_cnn(), name="small", target=Target.of(board.core))
    return build_firmware(compiled, board, out, toolchain=toolchain, strict=True)


def _need_machine(board: Board) -> None:
    program = qemu_program(board)
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    machines = run([program, "-M", "help"], timeout_s=30).stdout
    if f"\n{board.flash.target} " not in machines:
        pytest.skip(f"this QEMU has no machine {board.flash.target}")


def _gcc(board: Board) -> str:
    return "gcc-riscv" if target_of(board) == "riscv" else "gcc-arm"


@pytest.mark.parametrize("board", BARE, ids=lambda b: b.id)
def test_the_firmware_builds_without_a_warning_by_zig(board: Board, tmp_path: Path) -> None:
    assert _build(board, tmp_path, "zig").sizes.image_bytes > 0


@pytest.mark.slow
@pytest.mark.parametrize("board", BARE, ids=lambda b: b.id)
def test_the_firmware_builds_without_a_warning_by_gcc(board: Board, tmp_path: Path) -> None:
    if board.core.arch == "cortex-m85":
        pytest.skip("gcc 12 does not know the Cortex-M85")
    assert _build(board, tmp_path, _gcc(board)).sizes.image_bytes > 0


@pytest.mark.parametrize("board", [b for b in QEMU if b.id != DEAF], ids=lambda b: b.id)
def test_a_chip_in_qemu_gives_the_oracles_bytes(board: Board, tmp_path: Path) -> None:
    _need_machine(board)
    model = tmp_path / "small.tflite"
    model.write_bytes(write_graph(small_cnn()))
    result = api.bench(model, board=board.id, runs=2, layers=False)
    assert result.output.bit_exact is True
    assert result.latency.instructions
    assert api.validate(model, board=board.id, seeds=3).matched == 3


def test_a_chip_that_qemu_makes_deaf_still_starts_and_says_hello(tmp_path: Path) -> None:
    board = find_board(DEAF)
    _need_machine(board)
    image = _build(board, tmp_path, "zig")
    with spawn(qemu_argv(board, qemu_program(board), image.elf)) as child:
        reader, packets = FrameDecoder(), []
        deadline = time.monotonic() + 20
        while not packets and time.monotonic() < deadline:
            packets += reader.feed(child.read(0.5))
    assert any(DEAF.encode() in packet for packet in packets)


@pytest.mark.parametrize("toolchain", ["zig", "gcc-arm"])
def test_the_rp2040_boot_rom_finds_the_checksum_that_it_wants(
    toolchain: str, tmp_path: Path
) -> None:
    image = _build(find_board("raspberry-pi-pico"), tmp_path, toolchain)
    flash = read_segments(Path(image.elf))[0]
    assert flash.address == 0x1000_0000
    assert _crc32_mpeg2(flash.data[:252]) == int.from_bytes(flash.data[252:256], "little")


def _crc32_mpeg2(data: bytes) -> int:
    """CRC-32 with polynomial 04c11db7, not reflected (RP2040 data sheet, 2.8.1.3.1)."""
    crc = 0xFFFF_FFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C1_1DB7 if crc >> 31 else 0)) & 0xFFFF_FFFF
    return crc


@pytest.mark.parametrize("other", ["nrf52840-dk", "nucleo-l4r5zi", "nucleo-f446re"])
def test_no_driver_pulls_in_code_that_counts_as_the_models(other: str, tmp_path: Path) -> None:
    plain, chip = (
        _build(find_board(name), tmp_path / name, "zig") for name in ("qemu-an386", other)
    )
    assert chip.sizes.code_bytes == plain.sizes.code_bytes


def test_a_board_of_ones_own_needs_one_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "boards"
    folder.mkdir()
    (folder / "mine.toml").write_text(_MINE, "utf-8")
    monkeypatch.setenv(USER_FOLDER, str(folder))
    assert api.check_boards("mine") == {"mine": ()}
    model = tmp_path / "small.tflite"
    model.write_bytes(write_graph(small_cnn()))
    image = api.build(model, board="mine", out=tmp_path / "out")
    assert image.board_id == "mine"
    assert read_segments(Path(image.elf))[0].address == 0x0800_0000


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("PLL_N = 72", "PLL_N = 71", "PLL_M, PLL_N and PLL_P do not give CLOCK_HZ"),
        ("uart_base = 0x4000_4400", "uart_base = 0x4000_0000", "no USART of this family"),
        ("dsp = true\n", "", "no DSP|cannot build for"),
    ],
)
def test_a_profile_that_contradicts_its_chip_stops_the_build(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(edited(_MINE, old, new), "utf-8")
    with pytest.raises(ToolchainError, match=said) as refusal:
        _build(find_board(str(path)), tmp_path / "out", "zig")
    assert "profile" in refusal.value.hint or "[core]" in refusal.value.hint
    assert not (tmp_path / "out" / "firmware.elf").exists()


def test_a_chip_of_an_sdk_is_told_how_it_gets_the_model(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(edited(_MINE, 'template = "bare-metal"', 'export = "esp-idf"'), "utf-8")
    with pytest.raises(UsageError, match="maker's SDK") as refusal:
        _build(find_board(str(path)), tmp_path / "out", "zig")
    assert "--as esp-idf" in refusal.value.hint


_MINE = """
id = "mine"
name = "A board of my own"
vendor = "Me"
kind = "mcu"
verified = "profile-only"
clock_hz = 72_000_000

[core]
arch = "cortex-m4"
fpu = "sp"
dsp = true

[[memory]]
name = "flash"
kind = "flash"
start = 0x0800_0000
size = 0x4_0000
wait_states = 2
cached = true

[[memory]]
name = "ram"
kind = "ram"
start = 0x2000_0000
size = 0x1_0000

[link]
kind = "uart"
uart = "stm32-usart"
uart_base = 0x4000_4400
tx = "PA2:7"
rx = "PA3:7"

[flash]
method = "openocd"
target = "board/st_nucleo_f4.cfg"

[build]
template = "bare-metal"
clock = "stm32f4-f7"
code_region = "flash"
data_region = "ram"

[build.settings]
PLL_M = 8
PLL_N = 72
PLL_P = 2
FLASH_WAIT_STATES = 2

[timer]
driver = "dwt"
hz = 72_000_000
width = 32

[sources]
memory = "the data sheet"
"""


def test_the_firmware_page_names_every_driver() -> None:
    root = Path(__file__).parents[2]
    page = (root / "docs" / "firmware.md").read_text("utf-8")
    template = root / "firmware_templates" / "bare-metal"
    drivers = [p.stem for k in ("clock", "uart", "timer") for p in (template / k).glob("*.c")]
    assert [d for d in drivers if f" `{d}` |" not in page] == []
