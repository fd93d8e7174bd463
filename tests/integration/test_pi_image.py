"""The whole road to a Raspberry Pi: OpenSSH on the loopback, an emulated arm64 Python behind it.

`make pi-image` builds the image; QEMU's user mode runs it, so its latencies mean nothing.
"""

from __future__ import annotations

import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.pi_image import DONE, image_folder, python_command
from edgeq import api
from edgeq.graph.writer import write_graph
from tests.support.openssh import Server, needs_sshd, serve
from tests.support.shared import CHECK_VALUES, MLPERF_TINY, shared_model
from tests.support.small_cnn import small_cnn

IMAGE = image_folder()
KILLS = 50
# Where the built-in kernels for Arm round otherwise than those of a PC: by so many steps.
ROUNDED = {("ic", "litert"): 2.0}
pytestmark = [
    pytest.mark.slow,
    needs_sshd,
    pytest.mark.skipif(
        not (IMAGE / DONE).exists() or shutil.which("qemu-aarch64") is None,
        reason=f"no emulated Raspberry Pi at {IMAGE} (make pi-image)",
    ),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as running:
        yield running


def options(server: Server, site: str, *, xnnpack: bool = True) -> api.LinuxOptions:
    python = shlex.join(python_command(IMAGE, site))
    return api.LinuxOptions("board", server.config, python, xnnpack=xnnpack)


@pytest.mark.parametrize("site", ["litert", "tflite"])
@pytest.mark.parametrize("name", list(MLPERF_TINY))
def test_an_emulated_board_computes_what_this_computer_computes(
    server: Server, site: str, name: str
) -> None:
    model = shared_model(name)
    result = api.bench(
        model, board="rpi4", runs=3, linux=options(server, site, xnnpack=False), layers=True
    )
    if (name, site) in ROUNDED:
        assert {gap.maximum for gap in result.output.differences} == {ROUNDED[name, site]}
    else:
        assert result.output.bit_exact is True
        assert result.output.crc32 == CHECK_VALUES[name]
    assert result.engine.name == {"litert": "ai-edge-litert", "tflite": "tflite-runtime"}[site]
    assert all(layer.time_s is not None for layer in result.layers)
    assert not list(server.temporary.iterdir())


@pytest.mark.parametrize("site", ["litert", "tflite"])
def test_an_emulated_board_tells_which_operators_xnnpack_runs(server: Server, site: str) -> None:
    first, second = shared_model("kws_ref_model_float32.tflite"), shared_model("kws")
    record = api.compare_models(first, second, board="rpi4", runs=3, linux=options(server, site))
    assert record.first.host is not None
    assert record.second.host is not None
    taken = record.second.host.delegated
    assert record.first.host.delegated == record.first.host.operators
    assert taken == 0 if site == "tflite" else taken
    fallen = any("takes no operator of kws_ref_model" in text for text in record.findings)
    assert fallen is (site == "tflite")


def test_fifty_kills_of_whole_runs_leave_no_folder(server: Server, tmp_path: Path) -> None:
    model = tmp_path / "small.tflite"
    model.write_bytes(write_graph(small_cnn()))
    asked = options(server, "tflite")
    argv = [sys.executable, "-m", "edgeq", "bench", str(model), "--board", "rpi4", "--host"]
    argv += ["board", "--ssh-config", str(asked.ssh_config), "--python", str(asked.python)]
    rng = random.Random(4)
    seen = 0
    for _ in range(KILLS):
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            time.sleep(rng.uniform(0.3, 6.0))
            seen += bool(list(server.temporary.iterdir()))
            run.kill()
    end = time.monotonic() + 60
    while list(server.temporary.iterdir()) and time.monotonic() < end:
        time.sleep(0.1)
    assert seen > KILLS // 4
    assert not list(server.temporary.iterdir())
