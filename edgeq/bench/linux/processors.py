"""The processor of a Linux machine, from what /proc/cpuinfo says."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

from edgeq.device.linux.replies import Facts

# Arm's part numbers (MIDR_EL1) of the processors that Linux boards have.
PARTS = {
    "0xb76": "ARM1176",
    "0xc07": "Cortex-A7",
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd09": "Cortex-A73",
    "0xd0a": "Cortex-A75",
    "0xd0b": "Cortex-A76",
}
# Instructions by which kernels of neural networks are chosen.
FEATURES = (
    "neon", "asimd", "asimddp", "asimdhp", "i8mm", "sve",
    "sse4_1", "avx2", "fma", "avx512bw", "avx512_vnni", "avx_vnni",
)  # fmt: skip


class Processor(NamedTuple):
    """Its name, its clock at most, and which of FEATURES it has."""

    name: str
    clock_hz: int | None
    features: tuple[str, ...]


def describe_processor(facts: Facts) -> Processor:
    """Return what the machine tells of its first processor; 'unknown' where it tells nothing."""
    fields: dict[str, str] = {}
    for line in facts.cpuinfo.splitlines():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    part = fields.get("CPU part", "")
    flags = f"{fields.get('Features', '')} {fields.get('flags', '')}".split()
    return Processor(
        name=fields.get("model name") or PARTS.get(part, part) or "unknown",
        clock_hz=1000 * facts.max_khz if facts.max_khz else _hertz(fields.get("cpu MHz", "")),
        features=tuple(name for name in FEATURES if name in flags),
    )


def _hertz(megahertz: str) -> int | None:
    with contextlib.suppress(ValueError, OverflowError):
        return round(1e6 * float(megahertz)) or None
    return None
