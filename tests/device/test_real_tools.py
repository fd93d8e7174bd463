"""The real flash tools, where they are installed, take our commands up to the missing board."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeq.core.errors import ToolchainError
from edgeq.core.installation import require
from edgeq.core.processes import run
from edgeq.device.elf import read_segments
from edgeq.device.flashers import FLASHERS
from edgeq.device.flashing.records import BINARY, ELF, Job, Target
from edgeq.device.images import flat_image
from tests.support.boards import board_with
from tests.support.firmware import virtual_firmware

pytestmark = pytest.mark.slow

# Target in the profile, and what the tool says once it has understood and finds no board.
ROWS = {
    "openocd": ("board/st_nucleo_l4.cfg", "open failed|init failed"),
    "pyocd": ("stm32l475xg", "no debug probe"),
    "esptool": ("esp32c3", "no serial data received|failed to connect"),
    "stm32loader": ("L4", "termios.error|inappropriate ioctl|timeout"),
    "dfu-util": ("0483:df11", "no dfu capable usb device"),
    "bossac": ("", "no device found"),
    "jlink": ("STM32L4R5ZI", "no emulators|cannot connect"),
}
MISUSED = re.compile(r"usage:|unrecognized|unknown option|invalid option|no such option", re.I)


@pytest.fixture(scope="module", name="folder")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real")
    image = virtual_firmware(folder)
    (folder / ELF).write_bytes(Path(image.elf).read_bytes())
    (folder / BINARY).write_bytes(flat_image(read_segments(Path(image.elf)))[1])
    return folder


@pytest.fixture(name="port")
def _port() -> Iterator[str]:
    handles = os.openpty()
    yield os.ttyname(handles[1])
    for handle in handles:
        with contextlib.suppress(OSError):
            os.close(handle)


@pytest.mark.parametrize("method", ROWS)
def test_the_real_tool_understands_our_commands(method: str, folder: Path, port: str) -> None:
    row, (target, missing) = FLASHERS[method], ROWS[method]
    try:
        require(row.requirement)
    except ToolchainError as error:
        pytest.skip(f"{error.cause}")
    segments = read_segments(folder / ELF)
    job = Job(board_with(method, target), segments, flat_image(segments)[1], Target(port, "066FFF"))
    for name, text in (row.files(job) if row.files else {}).items():
        (folder / name).write_text(text)
    assert row.steps is not None
    for step in row.steps(job):
        program, *rest = step.argv
        argv = [require(program) if program == row.requirement else program, *rest]
        done = run(argv, timeout_s=60, cwd=folder)
        said = f"{done.stdout}\n{done.stderr}"
        assert done.returncode != 0
        assert re.search(missing, said, re.IGNORECASE), said[-1000:]
        assert not MISUSED.search(said), said[-1000:]
