"""Boards of an SDK: its own tool flashes what it built, once that is checked."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from edgeq import api
from edgeq.boards.profile import Board
from edgeq.cli.app import run
from edgeq.core.errors import DeviceError, InputError, ToolchainError, UsageError
from edgeq.core.records import FirmwareImage
from edgeq.device.app_flashing import flash_app
from edgeq.device.flashers import FLASHERS, check_firmware_method
from edgeq.firmware.exports import EXPORTERS
from tests.support.boards import board_with
from tests.support.firmware import virtual_firmware
from tests.support.tools import calls, put_tool
from tests.support.usb import plug, serial_port

PORT = "/dev/ttyACM0"
FQBN = "adafruit:samd:adafruit_metro_m4"
# Target, file below the folder, last words of a fake tool, its arguments.
ROWS = {
    "west": ("nrf5340dk/nrf5340/cpuapp", "build/zephyr/zephyr.elf", "",
             ["flash", "--build-dir", "build"]),
    "arduino-cli": (FQBN, "build/run.ino.elf", "",
                    ["upload", "--fqbn", FQBN, "--port", PORT, "--input-dir", "build",
                     "--verify", "."]),
    "idf.py": ("esp32c3", "build/flasher_args.json", "Hash of data verified.",
               ["-p", PORT, "-B", "build", "flash"]),
}  # fmt: skip


@pytest.fixture(scope="module", name="image")
def _image(tmp_path_factory: pytest.TempPathFactory) -> FirmwareImage:
    return virtual_firmware(tmp_path_factory.mktemp("fw"))


@pytest.fixture(autouse=True)
def _one_board(monkeypatch: pytest.MonkeyPatch) -> None:
    plug(monkeypatch, serial_port(PORT, "0483:374b", "066F"))


def _board(method: str) -> Board:
    return board_with(method, ROWS[method][0], usb_ids=("0483:374b",))


def _app(folder: Path, method: str, image: FirmwareImage) -> Path:
    built = folder / "app" / ROWS[method][1]
    built.parent.mkdir(parents=True)
    if built.suffix == ".elf":
        shutil.copy(image.elf, built)
    else:
        (built.parent / "app.bin").write_bytes(bytes(5000))
        built.write_text(json.dumps({"flash_files": {"0x10000": "app.bin"}}))
    return folder / "app"


@pytest.mark.parametrize("method", ROWS)
def test_what_is_built_is_flashed_by_its_own_tool(
    method: str, image: FirmwareImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = put_tool(tmp_path / "bin", monkeypatch, method, says=ROWS[method][2])
    report = flash_app(_board(method), _app(tmp_path, method, image))
    assert calls(log) == [ROWS[method][3]]
    assert report.image_bytes >= 5000
    assert len(report.elf_sha256) == 64


@pytest.mark.parametrize("method", ROWS)
def test_a_dry_run_says_the_command_with_nothing_there(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    plug(monkeypatch)
    (command,) = flash_app(_board(method), tmp_path, dry_run=True).commands
    assert command.split() == [method, *(w.replace(PORT, "PORT") for w in ROWS[method][3])]


@pytest.mark.parametrize("method", ROWS)
def test_a_firmware_of_edgeq_is_refused_with_the_commands_to_use(method: str) -> None:
    with pytest.raises(UsageError, match="built by its SDK") as failure:
        check_firmware_method(_board(method))
    hint = failure.value.hint
    for word in ("edgeq export MODEL --as", "build", "edgeq flash --app LIB/", "--board virt-m4"):
        assert word in hint


def test_the_folder_to_flash_is_the_exports_example() -> None:
    for row in FLASHERS.values():
        if row.app is not None:
            exported = EXPORTERS[row.app.export].example
            assert exported.startswith(row.app.example)


@pytest.mark.parametrize("method", ROWS)
def test_nothing_is_run_where_nothing_is_built(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = put_tool(tmp_path / "bin", monkeypatch, method)
    with pytest.raises(InputError) as failure:
        flash_app(_board(method), tmp_path)
    assert "build" in failure.value.hint
    assert calls(log) == []


@pytest.mark.parametrize("method", ["west", "arduino-cli"])
def test_nothing_is_run_for_what_lies_outside_the_flash(
    method: str, image: FirmwareImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = put_tool(tmp_path / "bin", monkeypatch, method)
    board = _board(method)
    moved = tuple(msgspec.structs.replace(r, start=r.start + (1 << 27)) for r in board.memory)
    with pytest.raises(InputError, match="no flash of board"):
        flash_app(msgspec.structs.replace(board, memory=moved), _app(tmp_path, method, image))
    assert calls(log) == []


@pytest.mark.parametrize(
    "args",
    ['{"flash_files": {"0x3fffff0": "app.bin"}}', '{"flash_files": {"0x0": "../../app.bin"}}',
     '{"flash_files": {"0x0": "missing.bin"}}', '{"flash_files": {"zero": "app.bin"}}',
     '{"flash_files": []}', "{}", "[]", "", '{"flash_files": {"-0x10": "app.bin"}}',
     '{"flash_files": {"0x0": "/etc/passwd"}}'],
)  # fmt: skip
def test_wrong_offsets_of_an_idf_application_are_refused(
    args: str, image: FirmwareImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = put_tool(tmp_path / "bin", monkeypatch, "idf.py", says="Hash of data verified.")
    app = _app(tmp_path, "idf.py", image)
    (app / "build" / "flasher_args.json").write_text(args)
    with pytest.raises(InputError):
        flash_app(_board("idf.py"), app)
    assert calls(log) == []


def test_a_tool_that_fails_or_is_missing_is_said(
    image: FirmwareImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = _app(tmp_path, "idf.py", image)
    put_tool(tmp_path / "bin", monkeypatch, "idf.py", says="all done")  # but nothing verified
    with pytest.raises(DeviceError, match=r"idf\.py could not flash"):
        flash_app(_board("idf.py"), app)
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ToolchainError, match=r"idf\.py is not installed"):
        flash_app(_board("idf.py"), app)


def test_of_several_probes_west_is_told_which(
    image: FirmwareImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = put_tool(tmp_path / "bin", monkeypatch, "west")
    plug(monkeypatch, serial_port(PORT, "0483:374b", "066F"),
         serial_port("/dev/ttyACM1", "1366:1051", "000683", "1-2"))  # fmt: skip
    flash_app(_board("west"), _app(tmp_path, "west", image))
    assert calls(log)[0][-2:] == ["--dev-id", "066F"]


def test_a_folder_is_no_firmware_for_a_board_of_edgeq(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="takes a firmware of edgeq"):
        api.flash_app(tmp_path, board="nucleo-l4r5zi")


@pytest.mark.parametrize(
    "line", [["flash", "-b", "host"], ["flash", "m.tflite", "--app", ".", "-b", "host"]]
)
def test_flash_takes_a_model_or_a_folder(
    line: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(line) == 2
    assert "a model or a built folder" in capsys.readouterr().err
