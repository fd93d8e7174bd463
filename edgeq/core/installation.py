"""What is installed: the table behind `edgeq doctor` and behind every 'missing tool' error."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from edgeq.core.errors import ToolchainError
from edgeq.core.records import Record


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package or program that some commands need, and the command that installs it.

    `install` is for Linux and wherever `elsewhere` (by sys.platform) names no other command;
    `aliases` are other names of the program.
    """

    name: str
    kind: Literal["package", "program"]
    needed_for: str
    install: str
    required: bool = False
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """The command that installs it on this computer."""
        return self.elsewhere.get(sys.platform, self.install)


def _extra(name: str) -> str:
    return f"pip install 'edgeq[{name}]'"


def _elsewhere(*, brew: str, choco: str = "", see: str = "") -> dict[str, str]:
    windows = f"choco install {choco}" if choco else f"install it from {see}"
    return {"darwin": f"brew install {brew}", "win32": windows}


REQUIREMENTS: tuple[Requirement, ...] = (
    Requirement("numpy", "package", "everything", "pip install edgeq", required=True),
    Requirement(
        "ai-edge-litert", "package", "reading and running .tflite", "pip install edgeq", True
    ),
    Requirement("pyserial", "package", "reaching boards", "pip install edgeq", required=True),
    Requirement("tensorflow", "package", "convert from Keras, demo", _extra("convert")),
    Requirement("ai-edge-quantizer", "package", "convert --backend aeq", _extra("convert")),
    Requirement("ziglang", "package", "build (default toolchain)", _extra("sim")),
    Requirement("unicorn", "package", "virtual boards", _extra("sim")),
    Requirement("pillow", "package", "datasets of image files", _extra("images")),
    Requirement("ethos-u-vela", "package", "emit for boards with Ethos-U", _extra("ethos")),
    Requirement("pyyaml", "package", "mlperf run --script, --devices", _extra("mlperf")),
    Requirement("pyjoulescope_driver", "package", "Joulescope power meters", _extra("joulescope")),
    Requirement("distributed", "package", "sweep --scheduler tcp://...", _extra("dask")),
    Requirement("optuna", "package", "tune", _extra("tune")),
    Requirement("ortools", "package", "arena plans proved to be the best", _extra("exact")),
    Requirement("tflite-micro", "package", "--oracle tflite-micro",
                "pip install --pre tflite-micro"),
    Requirement("arm-none-eabi-gcc", "program", "build --toolchain gcc-arm",
                "apt install gcc-arm-none-eabi"),
    Requirement("riscv64-unknown-elf-gcc", "program", "build --toolchain gcc-riscv",
                "apt install gcc-riscv64-unknown-elf"),
    Requirement("qemu-system-arm", "program", "QEMU boards", "apt install qemu-system-arm"),
    Requirement("qemu-system-riscv32", "program", "QEMU's RISC-V board",
                "apt install qemu-system-misc"),
    Requirement("ssh", "program", "Linux boards", "apt install openssh-client",
                elsewhere=_elsewhere(brew="openssh", choco="openssh")),
    Requirement("gcc", "program", "the host board", "apt install gcc"),
    Requirement("clang", "program", "the host board with clang", "apt install clang"),
    Requirement("openocd", "program", "flashing through OpenOCD", "apt install openocd",
                elsewhere=_elsewhere(brew="open-ocd", choco="openocd")),
    Requirement("bossac", "program", "flashing through BOSSA", "apt install bossa-cli",
                elsewhere=_elsewhere(brew="bossa", see="github.com/shumatech/BOSSA")),
    Requirement("pyocd", "package", "flashing through pyOCD", _extra("flash")),
    Requirement("esptool", "program", "flashing Espressif chips", "pip install 'esptool>=5'"),
    Requirement("stm32loader", "program", "flashing STM32 over UART", "pip install stm32loader"),
    Requirement("dfu-util", "program", "flashing STM32 over USB", "apt install dfu-util",
                elsewhere=_elsewhere(brew="dfu-util", see="dfu-util.sourceforge.net")),
    Requirement("JLinkExe", "program", "flashing through J-Link",
                "install the J-Link Software Pack (segger.com/downloads/jlink)",
                aliases=("JLink",)),
    Requirement("west", "program", "flashing Zephyr applications", "pip install west"),
    Requirement("idf.py", "program", "flashing ESP-IDF applications",
                "install ESP-IDF (docs.espressif.com) and run its export.sh",
                elsewhere={"win32": "install ESP-IDF (docs.espressif.com) and run its export.bat"}),
    Requirement("arduino-cli", "program", "flashing Arduino sketches",
                "install it from arduino.github.io/arduino-cli",
                elsewhere=_elsewhere(brew="arduino-cli", choco="arduino-cli")),
)  # fmt: skip


class Installed(Record, frozen=True, kw_only=True):
    """One row of `edgeq doctor`. `found` is a version or a path, None where it is missing."""

    name: str
    found: str | None
    needed_for: str
    install: str
    required: bool


def check_installation() -> tuple[Installed, ...]:
    """Return one row for each requirement, in the order of the table."""
    return tuple(check_requirement(r) for r in REQUIREMENTS)


def check_requirement(requirement: Requirement, *, required: bool | None = None) -> Installed:
    """Return the requirement's row; `required` says so where the table does not."""
    return Installed(
        name=requirement.name,
        found=find_requirement(requirement),
        needed_for=requirement.needed_for,
        install=requirement.command,
        required=requirement.required if required is None else required,
    )


def find_requirement(requirement: Requirement) -> str | None:
    """Return the version of a package or the path of a program, None where it is missing."""
    if requirement.kind == "program":
        names = (requirement.name, *requirement.aliases)
        # A tool of this Python's environment counts, also where the environment is not active.
        places = (None, str(Path(sys.executable).parent))
        found = (shutil.which(name, path=place) for place in places for name in names)
        return next((path for path in found if path), None)
    try:
        return version(requirement.name)
    except PackageNotFoundError:
        return None


def require(name: str) -> str:
    """Return what `find_requirement` finds for `name`; raise ToolchainError where it is missing."""
    requirement = next(r for r in REQUIREMENTS if r.name == name)
    found = find_requirement(requirement)
    if found is None:
        raise ToolchainError(
            f"{name} is not installed; it is needed for: {requirement.needed_for}",
            hint=requirement.command,
        )
    return found
