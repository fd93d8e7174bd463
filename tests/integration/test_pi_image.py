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
from collections.abc import Callable, Iterator
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
    delegated = [r.host.delegated for r in (record.first, record.second) if r.host]
    assert delegated == {"litert": [13, 11], "tflite": [8, 0]}[site]
    fallen = any("takes no operator of kws_ref_model" in text for text in record.findings)
    assert fallen is (site == "tflite")


def test_fifty_kills_of_whole_runs_leave_no_folder(server: Server, tmp_path: Path) -> None:
    model = tmp_path / "small.tflite"
    model.write_bytes(write_graph(small_cnn()))
    asked = options(server, "tflite")
    argv = [sys.executable, "-m", "edgeq", "bench", str(model), "--board", "rpi4", "--host"]
    argv += ["board", "--ssh-config", str(asked.ssh_config), "--python", str(asked.python)]
    rng = random.Random(4)
    for number in range(KILLS):
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            if number % 5:  # the others are killed on their way to the board
                assert wait_until(lambda: folders(server))
            time.sleep(rng.uniform(0.0, 4.0))
            run.kill()
        assert wait_until(lambda: not folders(server))


def folders(server: Server) -> list[Path]:
    return list(server.temporary.iterdir())


def wait_until(done: Callable[[], object], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.05)
    return bool(done())
