"""Flashing: checked before anything is erased, by the exact command, never with a guess."""

from __future__ import annotations

import errno
import shutil
import struct
import threading
from pathlib import Path

import msgspec
import pytest

from edgeq.boards.profile import Board
from edgeq.boards.registry import find_board, list_boards
from edgeq.compile import compile_graph
from edgeq.compile.target import Target
from edgeq.core.errors import DeviceError, InputError, UsageError
from edgeq.core.records import FirmwareImage
from edgeq.device import drives
from edgeq.device.elf import Segment, check_core, read_segments
from edgeq.device.flashers import find_flasher, flash_image
from edgeq.device.images import UF2_BLOCK, check_regions, flat_image, uf2_image
from edgeq.firmware.build import build_firmware
from tests.support.small_cnn import small_cnn


@pytest.fixture(scope="module", name="image")
def _image(tmp_path_factory: pytest.TempPathFactory) -> FirmwareImage:
    pytest.importorskip("ziglang")
    board = find_board("virt-m4")
    compiled = compile_graph(small_cnn(), name="small", target=Target.of(board.core))
    return build_firmware(compiled, board, tmp_path_factory.mktemp("fw"))


def _real(method: str, **flash: object) -> Board:
    """Return the virtual board as if a probe wrote it."""
    board = find_board("virt-m4")
    changed = msgspec.structs.replace(board.flash, method=method, **flash)
    return msgspec.structs.replace(board, flash=changed)


def test_a_dry_run_says_the_commands_and_runs_nothing(image: FirmwareImage) -> None:
    board = _real("openocd", target="board/x.cfg")
    report = flash_image(board, image, dry_run=True)
    assert report.dry_run
    assert report.commands == (
        "openocd -f board/x.cfg -c 'program firmware.elf verify reset exit'",
    )
    assert report.verified.startswith("not written")


def test_a_virtual_board_is_flashed_when_its_session_starts(image: FirmwareImage) -> None:
    report = flash_image(find_board("virt-m4"), image)
    assert report.commands == ()
    assert len(report.elf_sha256) == 64


def test_firmware_of_another_core_is_refused(image: FirmwareImage) -> None:
    with pytest.raises(InputError, match="does not run"):
        flash_image(find_board("virt-m0plus"), image)
    check_core(Path(image.elf), "cortex-m7")


def test_firmware_outside_the_boards_flash_is_refused(image: FirmwareImage) -> None:
    with pytest.raises(InputError, match="no flash of board 'nucleo-l4r5zi'"):
        flash_image(find_board("nucleo-l4r5zi"), image, dry_run=True)


def test_a_method_without_a_row_is_refused(image: FirmwareImage) -> None:
    with pytest.raises(InputError, match=r"no flasher 'openocb'\. Did you mean openocd"):
        flash_image(_real("openocb"), image)


@pytest.mark.parametrize("cut", [0, 10, 60, 2000])
def test_a_damaged_elf_is_an_input_error(image: FirmwareImage, cut: int, tmp_path: Path) -> None:
    path = tmp_path / "cut.elf"
    path.write_bytes(Path(image.elf).read_bytes()[:cut])
    with pytest.raises(InputError):
        read_segments(path)


def test_a_flat_image_fills_its_gaps_like_erased_flash() -> None:
    assert flat_image([Segment(8, b"ab"), Segment(12, b"c")]) == (8, b"ab\xff\xffc")


def test_uf2_blocks_hold_every_byte_once() -> None:
    data = bytes(range(256)) * 3
    blocks = uf2_image([Segment(0x1000_0080, data)], 0xE48BFF56)
    memory = {}
    for i in range(0, len(blocks), 512):
        fields = UF2_BLOCK.unpack_from(blocks, i)
        assert fields[5:8] == (i // 512, len(blocks) // 512, 0xE48BFF56)
        memory.update({fields[3] + j: fields[8][j] for j in range(fields[4])})
    assert bytes(memory[0x1000_0080 + i] for i in range(len(data))) == data


def test_a_segment_may_not_reach_over_the_end_of_flash() -> None:
    board = find_board("virt-m4")
    end = board.region("flash").start + board.region("flash").size
    check_regions(board, [Segment(end - 4, bytes(4))])
    with pytest.raises(InputError):
        check_regions(board, [Segment(end - 4, bytes(5))])


def test_one_drive_is_chosen_by_its_id_and_two_are_not(tmp_path: Path) -> None:
    board = find_board("raspberry-pi-pico")
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / drives.INFO).write_text(f"Board-ID: {board.flash.target}\n")
    (tmp_path / "b" / drives.INFO).write_text("Board-ID: other\n")
    mounts = [tmp_path / name for name in ("a", "b", "c")]
    assert drives.find_drive(board, mounts) == tmp_path / "a"
    shutil.copy(tmp_path / "a" / drives.INFO, tmp_path / "c")
    with pytest.raises(DeviceError, match="more than one drive"):
        drives.find_drive(board, mounts)
    with pytest.raises(DeviceError, match="no drive"):
        drives.find_drive(board, [])


def test_every_shipped_board_says_how_it_is_flashed(image: FirmwareImage) -> None:
    for board in list_boards():
        row = find_flasher(board)
        moved = msgspec.structs.replace(find_board("virt-m4"), flash=board.flash)
        if row.steps or row.write:
            assert flash_image(moved, image, dry_run=True).commands, board.id
        elif row.app or row.name == "none":
            with pytest.raises(UsageError) as failure:
                flash_image(moved, image, dry_run=True)
            assert "edgeq export MODEL" in failure.value.hint
    assert struct.calcsize(UF2_BLOCK.format) == 512


def test_a_drive_that_goes_away_in_mid_copy_is_a_device_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    def write(handle: int, data: bytes) -> int:
        if len(written) == 3:
            raise OSError(errno.EIO, "Input/output error")
        written.append(min(len(data), 512))
        return written[-1]

    monkeypatch.setattr(drives.os, "write", write)
    with pytest.raises(DeviceError, match="cannot write the firmware to"):
        drives.copy_to_drive(tmp_path, "firmware.uf2", bytes(4096))


def _drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / drives.INFO).write_text("Model: Pico\nBoard-ID: RPI-RP2\n")
    monkeypatch.setattr(drives, "list_mounts", lambda: [tmp_path])
    return tmp_path


def test_a_drive_that_goes_when_it_has_everything_has_taken_the_firmware(
    image: FirmwareImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drive = _drive(tmp_path, monkeypatch)
    copy = drives.copy_to_drive

    def boot(drive: Path, name: str, data: bytes) -> None:
        copy(drive, name, data)
        threading.Timer(0.2, (drive / drives.INFO).unlink).start()

    monkeypatch.setattr(drives, "copy_to_drive", boot)
    report = flash_image(_real("uf2", target="RPI-RP2", args=("0xe48bff56",)), image)
    assert "boot loader" in report.verified
    assert (drive / "firmware.uf2").stat().st_size % 512 == 0


def test_a_drive_that_stays_has_not_taken_the_firmware(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DeviceError, match="did not take the firmware") as failure:
        drives.await_reset(_drive(tmp_path, monkeypatch), timeout_s=0.2)
    assert "family" in failure.value.hint
