"""TensorFlow Lite Micro's recorded figures (engine_baseline.toml), core by core."""

from __future__ import annotations

from pathlib import Path

import msgspec

from edgeq.core.records import Record

DATA_FILE = Path(__file__).with_name("engine_baseline.toml")
# Cores that nothing was recorded on, and the one that runs the same code.
RECORDED_ON = {"cortex-m0plus": "cortex-m0", "cortex-m33": "cortex-m4"}


class Figures(Record, frozen=True, kw_only=True):
    """One model on one core: instructions of an inference, and bytes."""

    instructions: int
    arena: int
    static: int
    stack: int
    flash: int

    @property
    def ram(self) -> int:
        """Arena, static data and stack."""
        return self.arena + self.static + self.stack


class Reference(Record, frozen=True, kw_only=True):
    """One of MLPerf Tiny's reference models, and what TensorFlow Lite Micro takes for it.

    `crc32` is the check value of the output for lcg:1; `reference_instructions` is the count with
    the reference kernels on the Cortex-M4, `cores` have CMSIS-NN.
    """

    title: str
    file: str
    crc32: str
    macs: int
    reference_instructions: int
    cores: dict[str, Figures]

    def figures(self, core: str) -> Figures | None:
        """Return the figures for a core, e.g. 'cortex-m33'; None where nothing is recorded."""
        return self.cores.get(RECORDED_ON.get(core, core))


class Baseline(Record, frozen=True, kw_only=True):
    """The data file; `source` says which build was counted, and how."""

    source: str
    models: dict[str, Reference]


def read_baseline(path: Path = DATA_FILE) -> Baseline:
    """Return the data file."""
    return msgspec.toml.decode(path.read_bytes(), type=Baseline)
