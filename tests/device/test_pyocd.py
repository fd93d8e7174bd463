"""pyOCD's Python API in a process of its own, with a pyOCD that is not real."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

import pytest

from edgeq.core import installation
from edgeq.core.errors import DeviceError, ToolchainError
from edgeq.core.processes import run
from edgeq.core.records import FirmwareImage
from edgeq.device.elf import read_segments
from edgeq.device.flashers import flash_image
from tests.support.boards import board_with
from tests.support.firmware import virtual_firmware
from tests.support.usb import plug, serial_port

# The classes that the child uses, with a flash that is a dictionary.
_FAKE = {
    "core/helpers.py": """
import os
class Probe:
    def __init__(self, unique_id):
        self.unique_id, self.description = unique_id, "Fake probe"
class ConnectHelper:
    @staticmethod
    def get_all_connected_probes(blocking=True, unique_id=None):
        assert not blocking
        return [Probe(i) for i in os.environ["FAKE_PROBES"].split()]
""",
    "core/session.py": """
import os, time
class Target:
    def __init__(self):
        self.memory = {}
    def reset_and_halt(self): pass
    def reset(self): print("# reset", flush=True)
    def read_memory_block8(self, address, size):
        wrong = int(os.environ.get("FAKE_WRONG", "-1"))
        return [self.memory[a] ^ (a == wrong) for a in range(address, address + size)]
class Session:
    def __init__(self, probe, options=None):
        assert options["no_config"] and options["chip_erase"] == "sector"
        print("#", probe.unique_id, options["target_override"], options.get("frequency"))
    def __enter__(self):
        if os.environ.get("FAKE_MODE") == "fail":
            raise RuntimeError("no ACK from the chip")
        time.sleep(60 if os.environ.get("FAKE_MODE") == "hang" else 0)
        self.target = Target()
        return self
    def __exit__(self, *_): pass
""",
    "flash/file_programmer.py": """
from elftools.elf.elffile import ELFFile
class FileProgrammer:
    def __init__(self, session, progress=None, chip_erase=None):
        assert chip_erase == "sector"
        self.target, self.progress = session.target, progress
    def add_file(self, path, file_format=None):
        with open(path, "rb") as file:
            for s in ELFFile(file).iter_segments():
                if s["p_type"] == "PT_LOAD":
                    at = s["p_paddr"]
                    self.target.memory.update(enumerate(s.data(), at))
    def commit(self):
        self.progress(1.0)
""",
}


@pytest.fixture(scope="module", name="image")
def _image(tmp_path_factory: pytest.TempPathFactory) -> FirmwareImage:
    return virtual_firmware(tmp_path_factory.mktemp("fw"))


@pytest.fixture(autouse=True)
def _fake_pyocd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    for name, text in _FAKE.items():
        path = site / "pyocd" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text)
    (site / "pyocd" / "__init__.py").touch()
    (site / "pyocd-0.46.dist-info").mkdir()
    (site / "pyocd-0.46.dist-info" / "METADATA").write_text("Name: pyocd\nVersion: 0.46\n")
    monkeypatch.syspath_prepend(site)
    here = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(site), here))))
    monkeypatch.setenv("FAKE_PROBES", "066F")
    plug(monkeypatch, serial_port("/dev/ttyACM0", "0483:374b", "066F"))


BOARD = board_with("pyocd", "stm32l475xg", ("--frequency", "1000000"), usb_ids=("0483:374b",))


def test_firmware_is_written_read_back_and_compared(image: FirmwareImage) -> None:
    report = flash_image(BOARD, image)
    (command,) = report.commands
    assert shlex.split(command)[1:] == [
        "-m", "edgeq.device.pyocd_child", "--target", "stm32l475xg", "--probe", "066F",
        "--frequency", "1000000", "firmware.elf",
    ]  # fmt: skip
    assert "compared" in report.verified


def test_a_byte_that_differs_is_found(
    image: FirmwareImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = read_segments(Path(image.elf))[0].address + 5000
    monkeypatch.setenv("FAKE_WRONG", str(address))
    with pytest.raises(DeviceError, match=f"differs from the firmware at {address:#010x}"):
        flash_image(BOARD, image)


def test_another_probe_is_never_used(image: FirmwareImage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_PROBES", "066F0 A066F")
    with pytest.raises(DeviceError, match="no debug probe 066F"):
        flash_image(BOARD, image)


def test_the_zeros_of_a_jlink_do_not_matter(
    image: FirmwareImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_PROBES", "683123 683124")
    plug(monkeypatch, serial_port("/dev/ttyACM0", "1366:1051", "000683123"))
    board = board_with("pyocd", "nrf52840", usb_ids=("1366:1051",))
    assert flash_image(board, image).verified


def test_of_two_probes_that_cannot_be_told_apart_none_is_used(
    image: FirmwareImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug(monkeypatch)
    monkeypatch.setenv("FAKE_PROBES", "A1 B2")
    with pytest.raises(DeviceError, match=r"more than one debug probe .*\(A1\).*\(B2\)"):
        flash_image(board_with("pyocd", "nrf52840"), image)


def test_what_pyocd_raises_is_a_device_error(
    image: FirmwareImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_MODE", "fail")
    with pytest.raises(DeviceError, match="no ACK from the chip"):
        flash_image(BOARD, image)


def test_a_pyocd_that_hangs_is_killed(
    image: FirmwareImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_MODE", "hang")
    with pytest.raises(DeviceError, match="did not end within"):
        flash_image(BOARD, image, timeout_s=2)


def test_without_pyocd_the_error_says_how_to_install_it(
    image: FirmwareImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise installation.PackageNotFoundError(name)

    monkeypatch.setattr(installation, "version", missing)
    with pytest.raises(ToolchainError, match="pyocd is not installed") as failure:
        flash_image(BOARD, image)
    assert failure.value.hint == "pip install 'edgeq[flash]'"


def test_the_child_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "edgeq.device.pyocd_child", "--target", "x", "--erase", "chip"]
    assert run([*argv, "firmware.elf"], timeout_s=30, cwd=tmp_path).returncode == 2
