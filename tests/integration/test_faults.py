"""What goes wrong on the road is found, named, and leaves nothing half-done."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edgeq import api
from edgeq.bench.inputs import generate_input, parse_input
from edgeq.bench.preparation import Prepared, prepare
from edgeq.bench.runs import run_validation
from edgeq.boards.registry import find_board
from edgeq.compile import source
from edgeq.core.errors import DeviceError, GateError
from edgeq.deployment import PAGE, RECORD, RESULT
from edgeq.graph.writer import write_graph
from tests.support.small_cnn import small_cnn

pytest.importorskip("ziglang")
pytest.importorskip("unicorn")


@pytest.fixture(name="model")
def _model(tmp_path: Path) -> Path:
    path = tmp_path / "small.tflite"
    path.write_bytes(write_graph(small_cnn()))
    return path


def _prepared(model: Path, folder: Path) -> Prepared:
    return prepare(model, find_board("virt-m4"), folder)


def test_a_wrong_kernel_is_found_by_its_layer_and_elements(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = source.kernel_text
    spoilt = set()

    def wrong(name: str) -> str:
        text = right(name)
        other = text.replace("reduce(&cut, cut.x + at)", "reduce(&cut, cut.x + at) ^ 1")
        if other != text:
            spoilt.add(name)
        return other

    monkeypatch.setattr(source, "kernel_text", wrong)
    ready = _prepared(model, tmp_path / "fw")
    assert spoilt == {"eq_dsp_pool.c"}
    items = [generate_input(ready.compiled.plan.inputs, parse_input("lcg:1"))]
    record = run_validation(ready, items)
    assert record.matched == 0
    miss = record.first_mismatch
    assert miss is not None
    assert miss.op == "AVERAGE_POOL_2D"
    assert miss.differing > 0
    assert all(board != oracle for _, board, oracle in miss.examples)


def test_a_board_that_is_unplugged_in_mid_run_is_a_device_error(model: Path) -> None:
    def unplug() -> None:
        for _ in range(400):
            time.sleep(0.05)
            if children := _boards():
                time.sleep(0.3)
                for pid in children:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                return

    thread = threading.Thread(target=unplug)
    thread.start()
    try:
        with pytest.raises(DeviceError) as failure:
            api.bench(model, board="virt-m4", runs=100_000, layers=False)
    finally:
        thread.join()
    assert "stopped with signal 9" in failure.value.cause  # while it starts, or later
    assert failure.value.hint
    assert _boards() == []


def _boards() -> list[int]:
    """Return the processes of virtual boards that this process started."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (path / "cmdline").read_bytes().split(b"\0")
            parent = (path / "stat").read_text().rpartition(")")[2].split()[1]
            if b"edgeq.device.virtual.unicorn_board" in words and int(parent) == os.getpid():
                found.append(int(path.name))
    return found


def test_a_model_that_does_not_fit_is_not_built(model: Path, tmp_path: Path) -> None:
    board = find_board("virt-m4")
    memory = tuple(msgspec.structs.replace(r, size=4096) for r in board.memory)
    with pytest.raises(GateError, match=r"does not fit virt-m4: .* short"):
        prepare(model, msgspec.structs.replace(board, memory=memory), tmp_path / "fw")
    assert not (tmp_path / "fw").exists()


def test_a_deploy_of_an_int8_model_leaves_its_records_and_page(model: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.random.default_rng(0).random((40, 8, 8, 1), np.float32))
    request = api.DeployRequest(
        model=model, data=str(tmp_path / "data.npz"), board="virt-m4", out=tmp_path / "out",
        samples=5,
    )  # fmt: skip
    done = api.deploy(request)
    assert done.passed
    assert {RECORD, RESULT, PAGE} <= {p.name for p in (tmp_path / "out").iterdir()}
    again, page = api.report(tmp_path / "out", out=tmp_path / "again.html")
    assert again == done.report
    assert page.read_bytes() == done.page.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["inspect", "{damaged}"], 3),
        (["compile", "{damaged}", "--out", "{out}"], 3),
        (["bench", "{model}", "--board", "virt-m5"], 3),
        (["bench", "{model}", "--board", "virt-m4", "--port", "spy:///etc/passwd"], 2),
        (["bench", "{model}", "--board", "virt-m4", "--input", "lcg:x"], 2),
        (["build", "{model}", "--board", "virt-m4", "--toolchain", "gcc-amr", "--out", "{out}"], 2),
        (["validate", "{model}", "--board", "virt-m4", "--data", "digits.npz"], 3),
        (["report", "{out}"], 3),
        (["convert", "{damaged}", "--data", "nothing"], 3),
        (["nothing"], 2),
    ],
)
def test_every_refusal_is_a_cause_a_hint_and_its_exit_code(
    arguments: list[str], code: int, model: Path, tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.tflite"
    damaged.write_bytes(model.read_bytes()[:1000])
    out = tmp_path / "out"
    values = {"model": str(model), "damaged": str(damaged), "out": str(out)}
    done = subprocess.run(
        [sys.executable, "-m", "edgeq", *(a.format(**values) for a in arguments)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    if arguments != ["nothing"]:
        assert "error: " in done.stderr
        assert "hint: " in done.stderr
    assert not out.exists()
