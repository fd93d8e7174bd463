"""The exported library where `int` has 16 bits: an AVR, executed by simavr."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq.core.processes import run
from tests.firmware.exported import export_small, need_tool

_MAIN = """
#include <avr/io.h>
#include <avr/interrupt.h>
#include <avr/sleep.h>
#include "run.h"

static void print_line(const char *line)
{
    for (;; line++) {
        while (!(UCSR0A & (1 << UDRE0))) {
        }
        UDR0 = *line ? *line : '\\n';
        if (!*line) {
            return;
        }
    }
}

int main(void)
{
    UCSR0B = 1 << TXEN0;
    run_model(print_line);
    cli();
    sleep_mode(); /* without interrupts this ends the simulation */
    return 0;
}
"""


@pytest.mark.slow
@pytest.mark.parametrize("level", ["-O0", "-O2", "-Os"])
def test_a_processor_with_16_bit_ints_gives_the_oracles_bytes(level: str, tmp_path: Path) -> None:
    gcc, simavr = need_tool("avr-gcc"), need_tool("simavr")
    record = export_small(tmp_path / "x", "arduino")
    (tmp_path / "main.c").write_text(_MAIN)
    sources = [str(p) for p in sorted((tmp_path / "x" / "src").glob("*.c"))]
    flags = ["-std=gnu11", "-mmcu=atmega2560", level, "-Ix/src", "-Ix/examples/run"]
    done = run([gcc, *flags, "main.c", *sources, "-o", "x.elf"], timeout_s=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    argv = [simavr, "-m", "atmega2560", "-f", "16000000", "x.elf"]
    done = run(argv, timeout_s=60, cwd=tmp_path)
    assert f"crc32 {record.expected_crc32}: as edgeq computed" in done.stdout + done.stderr
