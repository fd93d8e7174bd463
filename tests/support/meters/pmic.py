"""A `vcgencmd` that answers `pmic_read_adc` as a Raspberry Pi 5 does."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

RAILS: Mapping[str, tuple[int, int, float, float]] = {
    "3V7_WL_SW": (0, 8, 0.00390388, 3.70280400),
    "3V3_SYS": (1, 9, 0.05269140, 3.30762300),
    "1V8_SYS": (2, 10, 0.17177070, 1.80219600),
    "DDR_VDD2": (3, 11, 0.02342328, 1.10915000),
    "DDR_VDDQ": (4, 12, 0.00097597, 0.61318680),
    "1V1_SYS": (5, 13, 0.18055440, 1.10732000),
    "0V8_SW": (6, 14, 0.33768560, 0.80549420),
    "VDD_CORE": (7, 15, 1.23077400, 0.72193060),
    "3V3_DAC": (17, 20, 0.00006105, 3.30989900),
    "3V3_ADC": (18, 21, 0.00018315, 3.31050900),
    "0V8_AON": (16, 19, 0.00213675, 0.80036630),
    "HDMI": (22, 23, 0.01465200, 5.16483500),
}
"""A rail: the number of its current, of its voltage, amperes, volts."""
INPUT_V = 5.15972100


def power_w(scale: float = 1.0) -> float:
    """Return the power of all rails with their currents times `scale`."""
    return sum(amps * scale * volts for _, _, amps, volts in RAILS.values())


def output(scale: float = 1.0) -> str:
    """Return the command's output: currents first, then voltages, names right-aligned."""
    amps = [
        f"{name + '_A':>15} current({number})={value * scale:.8f}A"
        for name, (number, _, value, _) in RAILS.items()
    ]
    volts = [
        f"{name + '_V':>15} volt({number})={value:.8f}V"
        for name, (_, number, _, value) in RAILS.items()
    ]
    ends = [f"{'EXT5V_V':>15} volt(24)={INPUT_V:.8f}V", f"{'BATT_V':>15} volt(25)=0.00024420V"]
    return "\n".join([*amps, *volts, *ends]) + "\n"


def install(folder: Path, text: str | None = None, code: str = "") -> Path:
    """Put a `vcgencmd` into `folder` that prints `text`; `code`: shell lines that run first.

    `text` may be replaced while it is used, through `show`. Calls are counted: see `await_calls`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    show(folder, output() if text is None else text)
    program = folder / "vcgencmd"
    calls = folder / f"calls-{len(list(folder.glob('calls-*')))}"
    calls.touch()
    lines = ["#!/bin/sh", '[ "$1" = pmic_read_adc ] || exit 255', f"printf . >> '{calls}'", code,
             f"cat '{folder}/adc.txt'"]  # fmt: skip
    new = folder / "vcgencmd.new"
    new.write_text("\n".join(lines) + "\n")
    new.chmod(0o755)
    os.replace(new, program)
    return program


def await_calls(folder: Path, count: int) -> None:
    """Wait until the command that was installed last was called `count` more times."""
    calls = max(folder.glob("calls-*"))
    wanted, deadline = calls.stat().st_size + count, time.monotonic() + 60
    while calls.stat().st_size < wanted:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def show(folder: Path, text: str) -> None:
    """Let the command print `text` from now on."""
    (folder / "adc.new").write_text(text)
    os.replace(folder / "adc.new", folder / "adc.txt")
