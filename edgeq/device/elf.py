"""Firmware as bytes at addresses, read from an ELF file; and what core it was built for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from edgeq.core.errors import InputError

MAX_ELF_BYTES = 64 << 20
MACHINES = ("EM_ARM", "EM_RISCV")


class Segment(NamedTuple):
    """Bytes to be loaded at a physical address."""

    address: int
    data: bytes


class Attributes(NamedTuple):
    """Build attributes (Arm IHI 0045): architecture number, and whether FPU and DSP are used."""

    architecture: int
    fpu: bool
    dsp: bool


# Tag_CPU_arch: v6-M, v6S-M, v7 (with profile M), v7E-M, v8-M baseline, v8-M mainline, v8.1-M.
V6M, V6SM, V7, V7EM, V8M_BASE, V8M_MAIN, V81M_MAIN = 11, 12, 10, 13, 16, 17, 21
# Which of them a core runs; a core that is not here is not checked.
ARCHITECTURES: Mapping[str, frozenset[int]] = {
    "cortex-m0": frozenset({V6M, V6SM}),
    "cortex-m0plus": frozenset({V6M, V6SM}),
    "cortex-m3": frozenset({V6M, V6SM, V7}),
    "cortex-m4": frozenset({V6M, V6SM, V7, V7EM}),
    "cortex-m7": frozenset({V6M, V6SM, V7, V7EM}),
    "cortex-m33": frozenset({V6M, V6SM, V7, V7EM, V8M_BASE, V8M_MAIN}),
    "cortex-m55": frozenset({V6M, V6SM, V7, V7EM, V8M_BASE, V8M_MAIN, V81M_MAIN}),
    "cortex-m85": frozenset({V6M, V6SM, V7, V7EM, V8M_BASE, V8M_MAIN, V81M_MAIN}),
}
_NAMES = {
    "TAG_CPU_ARCH": "architecture",
    "TAG_FP_ARCH": "fpu",
    "TAG_DSP_EXTENSION": "dsp",
}


def read_segments(path: Path) -> tuple[Segment, ...]:
    """Return what the ELF loads, by physical address.

    Raises:
        InputError: no little-endian Arm or RISC-V ELF, or a damaged one.
    """
    with _OpenElf(path) as elf:
        segments = [
            Segment(int(s["p_paddr"]), _whole(path, s))
            for s in elf.iter_segments()
            if s["p_type"] == "PT_LOAD" and s["p_filesz"] > 0
        ]
    if not segments or any(s.address + len(s.data) > 1 << 32 for s in segments):
        raise _damaged(path, "it loads nothing, or beyond 4 GiB")
    return tuple(sorted(segments))


def _whole(path: Path, segment: Any) -> bytes:
    data: bytes = segment.data()
    if len(data) != segment["p_filesz"]:
        raise _damaged(path, f"a segment of {segment['p_filesz']} bytes ends after {len(data)}")
    return data


def read_attributes(path: Path) -> Attributes | None:
    """Return the ELF's build attributes, None where it carries none."""
    with _OpenElf(path) as elf:
        section = elf.get_section_by_name(".ARM.attributes")
        if section is None:
            return None
        found = {
            _NAMES[attribute.tag]: attribute.value
            for vendor in section.iter_subsections()
            for group in vendor.iter_subsubsections()
            for attribute in group.iter_attributes()
            if attribute.tag in _NAMES
        }
    return Attributes(
        architecture=int(found.get("architecture", 0)),
        fpu=bool(found.get("fpu", 0)),
        dsp=bool(found.get("dsp", 0)) or found.get("architecture") == V7EM,
    )


def check_core(path: Path, core: str) -> None:
    """Raise InputError where the ELF is built for an architecture that `core` does not run."""
    with _OpenElf(path) as elf:
        machine = str(elf["e_machine"])
    if machine != ("EM_RISCV" if core.startswith("rv") else "EM_ARM"):
        raise InputError(
            f"firmware {path} is for {machine}, not for a {core}", hint="build it for this board"
        )
    found, runs = read_attributes(path), ARCHITECTURES.get(core)
    if found is None or runs is None or found.architecture in runs:
        return
    raise InputError(
        f"firmware {path} is built for architecture {found.architecture}"
        f" (Tag_CPU_arch), which a {core} does not run",
        hint="build it for this board",
    )


class _OpenElf:
    """An ELF file, with every way it can be damaged turned into an InputError."""

    def __init__(self, path: Path) -> None:
        self._path = Path(path)

    def __enter__(self) -> Any:
        import io

        from elftools.elf.elffile import ELFFile

        from edgeq.core.files import read_bytes

        raw = read_bytes(self._path, what="firmware", limit=MAX_ELF_BYTES)
        try:
            elf = ELFFile(io.BytesIO(raw))
        except Exception as error:
            raise _damaged(self._path, str(error)) from error
        if elf["e_machine"] not in MACHINES or not elf.little_endian:
            raise _damaged(self._path, "it is not for a little-endian Arm or RISC-V core")
        return elf

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, InputError):
            raise _damaged(self._path, str(error) or type(error).__name__) from error


def _damaged(path: Path, why: str) -> InputError:
    return InputError(f"firmware {path} cannot be used: {why}", hint="build it again")
