"""What is installed: the table behind `edgeq doctor` and behind every 'missing tool' error."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from edgeq.core.errors import ToolchainError
from edgeq.core.records import Record


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package or program that some commands need, and the command that installs it."""

    name: str
    kind: Literal["package", "program"]
    needed_for: str
    install: str
    required: bool = False


def _extra(name: str) -> str:
    return f"pip install 'edgeq[{name}]'"


REQUIREMENTS: tuple[Requirement, ...] = (
    Requirement("numpy", "package", "everything", "pip install edgeq", required=True),
    Requirement(
        "ai-edge-litert", "package", "reading and running .tflite", "pip install edgeq", True
    ),
    Requirement("pyserial", "package", "reaching boards", "pip install edgeq", required=True),
    Requirement("tensorflow", "package", "convert from Keras, demo", _extra("convert")),
    Requirement("ai-edge-quantizer", "package", "convert --backend aeq", _extra("convert")),
    Requirement("ziglang", "package", "build (default toolchain)", _extra("sim")),
    Requirement("unicorn", "package", "virtual Cortex-M boards", _extra("sim")),
    Requirement("pillow", "package", "datasets of image files", _extra("images")),
    Requirement("ethos-u-vela", "package", "emit for boards with Ethos-U", _extra("ethos")),
    Requirement("tflite-micro", "package", "--oracle tflite-micro",
                "pip install --pre tflite-micro"),
    Requirement("arm-none-eabi-gcc", "program", "build --toolchain gcc-arm",
                "apt install gcc-arm-none-eabi"),
    Requirement("riscv64-unknown-elf-gcc", "program", "build --toolchain gcc-riscv",
                "apt install gcc-riscv64-unknown-elf"),
    Requirement("qemu-system-arm", "program", "QEMU boards", "apt install qemu-system-arm"),
    Requirement("qemu-system-riscv32", "program", "QEMU's RISC-V board",
                "apt install qemu-system-misc"),
    Requirement("gcc", "program", "the host board", "apt install gcc"),
    Requirement("clang", "program", "the host board with clang", "apt install clang"),
    Requirement("openocd", "program", "flashing through OpenOCD", "apt install openocd"),
    Requirement("bossac", "program", "flashing through BOSSA", "apt install bossa-cli"),
    Requirement("pyocd", "program", "flashing through pyOCD", "pip install pyocd"),
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
    return tuple(
        Installed(
            name=r.name,
            found=find_requirement(r),
            needed_for=r.needed_for,
            install=r.install,
            required=r.required,
        )
        for r in REQUIREMENTS
    )


def find_requirement(requirement: Requirement) -> str | None:
    """Return the version of a package or the path of a program, None where it is missing."""
    if requirement.kind == "program":
        return shutil.which(requirement.name)
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
            hint=requirement.install,
        )
    return found
