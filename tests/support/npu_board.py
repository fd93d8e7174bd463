"""A board with an Ethos-U, as a TOML file."""

from __future__ import annotations

from pathlib import Path

from edgeq.core.files import shipped_folder


def npu_board(folder: Path, npu: str = "ethos-u55-128") -> Path:
    """Write a Cortex-M55 board with the NPU to `folder`; return the file."""
    text = (shipped_folder("boards") / "qemu-an547.toml").read_text(encoding="utf-8")
    head, core, rest = text.partition("[core]\n")
    path = folder / "npu-board.toml"
    path.write_text(f'{head}{core}npu = "{npu}"\n{rest}', encoding="utf-8")
    return path
