"""A Raspberry Pi's own tools, played by a script behind a real OpenSSH server."""

from __future__ import annotations

import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgeq import api
from edgeq.cli.app import run
from edgeq.graph.writer import write_graph
from tests.support.openssh import Server, needs_sshd, serve
from tests.support.small_cnn import small_cnn

pytestmark = needs_sshd
# 2 A at 0.8 V and 1 A at 1.8 V: 3.4 W.
VCGENCMD = """\
#!/bin/sh
case "$1" in
  get_throttled) cat "$(dirname "$0")/flags" ;;
  pmic_read_adc)
    echo "  VDD_CORE_A current(7)=2.00000000A"
    echo "     1V8_SYS_A current(1)=1.00000000A"
    echo "  VDD_CORE_V volt(15)=0.80000000V"
    echo "     1V8_SYS_V volt(9)=1.80000000V"
    echo "   EXT5V_V volt(24)=5.00000000V" ;;
  *) exit 1 ;;
esac
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        tools = Path(folder) / "tools"
        tools.mkdir()
        (tools / "vcgencmd").write_text(VCGENCMD)
        (tools / "vcgencmd").chmod(0o755)
        with serve(Path(folder), path=f"{tools}:/usr/local/bin:/usr/bin:/bin") as running:
            yield running


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "small.tflite"
    path.write_bytes(write_graph(small_cnn()))
    return path


def set_flags(server: Server, bits: int) -> None:
    (server.folder / "tools" / "flags").write_text(f"throttled={bits:#x}\n")


def test_the_power_chip_of_a_board_is_read_over_ssh(server: Server, model: Path) -> None:
    set_flags(server, 0)
    options = api.LinuxOptions("board", server.config, shlex.quote(sys.executable))
    meter = api.MeterRequest("pmic,rate=2", windows=2, window_s=1.5, idle_s=0.0)
    result = api.bench(model, board="rpi5", runs=5, linux=options, meter=meter, layers=False)
    assert result.energy is not None
    assert result.energy.kind == "measured"
    assert result.energy.average_w == pytest.approx(3.4, rel=1e-3)
    window = result.energy.windows[0]
    each = window.energy_j / window.inferences
    assert result.energy.per_inference_j == pytest.approx(each, rel=0.5)
    assert result.host is not None
    assert result.host.before.throttled == ()


@pytest.mark.parametrize(("bits", "code"), [(0x50000, 0), (0x50004, 1)])
def test_a_board_that_throttles_gives_an_invalid_result(
    server: Server, model: Path, bits: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    set_flags(server, bits)
    argv = ["bench", str(model), "--board", "rpi4", "--host", "board", "--no-layers"]
    argv += ["--ssh-config", str(server.config), "--python", shlex.quote(sys.executable)]
    assert run(argv) == code
    text = capsys.readouterr().out
    assert ("INVALID: the machine was slowed during the runs: throttled" in text) is bool(code)
    assert "throttled since boot" in text
