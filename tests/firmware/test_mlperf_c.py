"""The C of MLPerf Tiny's firmware, piece by piece on this computer, under sanitizers."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeq.boards.registry import find_board
from edgeq.compile import compile_graph
from edgeq.compile.target import Target
from edgeq.core.files import shipped_folder, write_tree
from edgeq.core.records import ProtocolRecord
from edgeq.core.records.firmware import Mode
from edgeq.firmware.dialects import find_dialect
from edgeq.firmware.project import make_project
from tests.support.native import WARNINGS, require_compiler
from tests.support.small_cnn import small_cnn

SOURCES = shipped_folder("firmware_templates")
MLPERF = SOURCES / "protocols" / "mlperf"
SANITIZERS = ("-O1", "-g0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
SPECIAL = (0.0, -0.0, 0.0005, 0.0015, 0.5, 1.0, 0.9995, 999.9995, 16777216.0, 3.4028235e38, 1e-45)

SCORES = """
#include <stdio.h>
#include "platform.h"
#include "text.h"
void platform_write(const uint8_t *data, size_t count) { fwrite(data, 1, count, stdout); }
int main(void)
{
    float value;
    while (fread(&value, sizeof value, 1, stdin) == 1) { text_score(value); text_send("\\n"); }
    return 0;
}
"""
STOPWATCH = """
#include <stdio.h>
#include "platform.h"
#include "stopwatch.h"
void platform_counters(uint64_t *values)
{
    uint32_t value;
    values[0] = fread(&value, sizeof value, 1, stdin) == 1 ? value : 0;
}
int main(void)
{
    for (int i = 0; i < 4; i++) { printf("%llu\\n", (unsigned long long)stopwatch_us()); }
    return 0;
}
"""
QUANTISE = """
#include <stdio.h>
#include "config.h"
#include "task.h"
int8_t given[INPUT_ELEMENTS];
int main(void)
{
    static uint8_t bytes[4 * INPUT_ELEMENTS];
    while (fread(bytes, sizeof bytes, 1, stdin) == 1) {
        input_take(bytes);
        input_give(bytes);
        fwrite(given, sizeof given, 1, stdout);
    }
    return 0;
}
"""
STEPS_TASK = """
#include <stdint.h>
#define INPUT_ELEMENTS 16u
#define INPUT_SCALE 3.910000000e-01f
#define INPUT_ZERO_POINT 83
void input_take(uint8_t *bytes);
void input_give(const uint8_t *bytes);
void input_leave(uint8_t *bytes);
"""


def _compile(folder: Path, main: str, sources: Sequence[Path], headers: dict[str, str]) -> Path:
    write_tree(folder, {"main.c": main, **headers})
    places = [f"-I{path}" for path in (folder, MLPERF, SOURCES / "common")]
    command = [require_compiler("gcc"), *WARNINGS, *SANITIZERS, *places, "main.c"]
    done = subprocess.run(
        [*command, *map(str, sources)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "a.out"


def _run(program: Path, data: bytes) -> bytes:
    done = subprocess.run([program], input=data, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_scores_are_written_as_printf_writes_them(tmp_path: Path) -> None:
    program = _compile(tmp_path, SCORES, [MLPERF / "text.c"], {})
    rng = np.random.default_rng(1)
    bits = rng.integers(0, 1 << 32, 50_000, dtype=np.uint32).view(np.float32)
    near = (rng.integers(-4_000_000, 4_000_000, 50_000) / 4000).astype(np.float32)
    values = np.concatenate([np.array(SPECIAL, np.float32), near, bits[np.isfinite(bits)]])
    lines = _run(program, values.tobytes()).decode().splitlines()
    assert lines == [f"{value:.3f}" for value in values.tolist()]
    odd = struct.pack("<3f", float("inf"), -float("inf"), float("nan"))
    assert _run(program, odd).decode().split() == ["inf", "-inf", "nan"]


def test_time_goes_on_where_the_counter_wraps(tmp_path: Path) -> None:
    config = (
        "#define COUNTERS 1u\n#define TIME_COUNTER 0u\n"
        "#define COUNTER_MASK 0xffffffffull\n#define COUNTER_HZ 120000000ull\n"
    )
    program = _compile(tmp_path, STOPWATCH, [MLPERF / "stopwatch.c"], {"config.h": config})
    counts = (0, 4_200_000_000, 105_032_704, 4_000_000_000)  # 105032704 is 4.4e9 mod 2^32
    lines = _run(program, struct.pack("<4I", *counts)).split()
    ticks = (0, 4_200_000_000, 4_400_000_000, 4_400_000_000 + 3_894_967_296)
    assert [int(line) for line in lines] == [t // 120 for t in ticks]


def test_floats_are_quantised_as_the_reference_does(tmp_path: Path) -> None:
    config = "#include <stdint.h>\n#define model_input(port) given\nextern int8_t given[];\n"
    headers = {"task.h": STEPS_TASK, "config.h": config}
    program = _compile(tmp_path, QUANTISE, [MLPERF / "input" / "quantised.c"], headers)
    rng = np.random.default_rng(2)
    scale = np.float32(0.391)
    halves = ((rng.integers(-400, 400, 8000) + 0.5) * scale).astype(np.float32)
    values = np.concatenate([rng.normal(0, 60, 8000).astype(np.float32), halves])
    values[:4] = (np.inf, -np.inf, 3e38, -3e38)
    given = np.frombuffer(_run(program, values.tobytes()), np.int8)
    # C's round takes a half away from zero.
    with np.errstate(over="ignore"):
        steps = np.clip((values / scale).astype(np.float64), -1e6, 1e6)
    rounded = np.trunc(steps + np.copysign(0.5, steps)) + 83
    np.testing.assert_array_equal(given, np.clip(rounded, -128, 127).astype(np.int8))
    nothing = np.full(16, np.nan, np.float32)
    assert set(_run(program, nothing.tobytes())) == {0x80}


@pytest.fixture(name="firmware", scope="module", params=["performance", "energy"])
def _firmware(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole host firmware under sanitizers, in both modes."""
    mode: Mode = request.param
    board = find_board("host")
    compiled = compile_graph(small_cnn(), name="small", target=Target.of(board.core))
    protocol = ProtocolRecord(name="mlperf", mode=mode, model="ic01")
    dialect = find_dialect(protocol, compiled.plan, board, traced=False)
    project = make_project(compiled, board, dialect, traced=False)
    folder = tmp_path_factory.mktemp("firmware")
    write_tree(folder, project.files)
    units = [unit.source for unit in project.units]
    places = [f"-I{name}" for name in project.includes]
    command = [require_compiler("gcc"), *WARNINGS, *SANITIZERS, *places, *units, "-pthread"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "a.out"


WORDS = (
    "name", "timestamp", "profile", "help", "results", "infer", "infer 1 0", "infer 2", "db",
    "db load", "db load 64", "db load 4", "db load 27648", "db load 27649", "db load -1",
    "db print", "db", "load", "print", f"db {'5a' * 31}", f"db {'00' * 38}", "db 0", "zz", " ", "-",
)  # fmt: skip
# Digits are kept apart: a number made of them would ask for inferences without end.
NOISE = st.binary(max_size=120).map(lambda raw: bytes(b for b in raw if not 0x30 <= b <= 0x39))
COMMANDS = st.lists(
    st.one_of(st.sampled_from(WORDS).map(str.encode), NOISE), min_size=1, max_size=12
).map(b"".join)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(commands=st.lists(COMMANDS, max_size=30))
def test_any_bytes_are_answered_and_leave_the_firmware_ready(
    firmware: Path, commands: list[bytes]
) -> None:
    sent = b"".join(command + b"%" for command in commands)
    said = _run(firmware, sent)
    assert said.startswith(b"m-timestamp-mode-")
    assert said.endswith(b"m-ready\r\n")
    # One for the start, one for each command; a '%' in the noise ends a command too.
    assert len([x for x in said.split(b"\r\n") if x == b"m-ready"]) == 1 + sent.count(b"%")
