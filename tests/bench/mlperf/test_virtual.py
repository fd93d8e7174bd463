"""edgeq's runner against edgeq's firmware on boards of this computer, in all three modes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from edgeq import api
from edgeq.bench.preparation import prepare
from edgeq.boards.registry import find_board
from edgeq.core.records import ProtocolRecord
from edgeq.device.connection import connect
from edgeq.device.virtual.launch import VirtualStream
from edgeq.graph.oracle.interpreter import Oracle
from edgeq.graph.reader import read_model
from tests.bench.mlperf.rig import make_dataset
from tests.support.isolated_board import wired_stand
from tests.support.shared import SHARED, shared_model

SCRIPT = """
kws01:
  model: kws01
  truth_file: y_labels.csv
  script:
    - loop 5:
      - download
      - infer 6 1
"""


def write_cifar10(folder: Path, classes: int) -> Path:
    """Write an image of each of CIFAR-10's first classes, 32 x 32 x 3 unsigned bytes."""
    source = SHARED / "data" / "cifar10_jpeg" / "cifar10_jpeg.npz"
    if not source.exists():
        pytest.skip(f"no images at {source} (set EDGEQ_SHARED)")
    with np.load(source) as arrays:
        images, labels = arrays["x_test"], arrays["y_test"]
    place = folder / "ic01"
    place.mkdir(parents=True)
    rows = []
    for label in range(classes):
        index = np.flatnonzero(labels == label)[0]
        (place / f"c{index}.bin").write_bytes(images[index].tobytes())
        rows.append(f"c{index}.bin,10,{label}\n")
    (place / "y_labels.csv").write_text("".join(rows))
    return folder


def results_of(folder: Path) -> list[dict]:
    return json.loads((folder / "results.json").read_text())


@pytest.mark.parametrize(("board", "files"), [("virt-m4", 8), ("qemu-an386", 3)])
def test_accuracy_of_image_classification_is_the_oracles(tmp_path, board, files):
    model = shared_model("ic")
    data = write_cifar10(tmp_path / "data", files)
    record = api.run_mlperf(
        api.MlperfRequest(mode="accuracy", dataset=data, out=tmp_path, model=model, board=board)
    )
    oracle = Oracle(read_model(model))
    right = 0
    for row in results_of(tmp_path / "ic/accuracy"):
        pixels = np.frombuffer((data / "ic01" / row["file"]).read_bytes(), np.uint8)
        sample = (pixels.astype(np.int16) - 128).astype(np.int8).reshape(1, 32, 32, 3)
        (expected,) = oracle.run([sample]).outputs
        shares = (expected.reshape(-1).astype(np.float64) + 128) / 256
        assert row["infer"]["results"] == pytest.approx(list(shares), abs=6e-4)
        right += int(np.argmax(expected)) == int(row["class"])
    assert record.kind == "simulated"
    assert record.dut.board == board
    assert record.accuracy.top1 == pytest.approx(100 * right / files)


def test_energy_through_an_io_manager_and_a_power_shield(tmp_path):
    """The windows of this test are short: the rules say so, and the energy stands all the same."""
    model = shared_model("kws")
    data = make_dataset(tmp_path / "data", "kws01", [0, 5])
    script = tmp_path / "tests.yaml"
    script.write_text(SCRIPT)
    ready = prepare(
        model,
        find_board("virt-m4"),
        tmp_path / "build",
        protocol=ProtocolRecord(name="mlperf", mode="energy"),
    )
    stream = connect(ready.board, ready.image)
    assert isinstance(stream, VirtualStream)
    try:
        with wired_stand(stream, current_a=0.004, voltage_v=1.8) as stand:
            record = api.run_mlperf(
                api.MlperfRequest(
                    mode="energy", dataset=data, out=tmp_path, board="virt-m4", script=script,
                    io_manager=stand.manager_port, io_manager_type="stm32h573i-dk",
                    meter=stand.meter,
                )
            )  # fmt: skip
    finally:
        stream.close()
    assert stand.manager.bauds == [9600]
    assert stand.stamps.edges >= 10
    assert record.kind == "simulated"
    assert len(record.windows) == 5
    for window in record.windows:
        assert window.energy_j == pytest.approx(0.004 * 1.8 * window.duration_s, rel=2e-3)
        assert window.duration_s <= window.answer_s + 0.1
    assert [r.rule for r in record.rules if not r.passed] == [
        "results.txt has the median energy",
        "each window lasts at least 10 s",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("board", ["virt-m4", "qemu-an386"])
@pytest.mark.parametrize(("name", "task"), [("kws", "kws01"), ("ic", "ic01"), ("ad", "ad01")])
def test_performance_is_valid_and_repeats(tmp_path, board, name, task):
    data = make_dataset(tmp_path / "data", task, [0, 1, 0])
    request = api.MlperfRequest(
        mode="performance", dataset=data, out=tmp_path, model=shared_model(name), board=board
    )
    record = api.run_mlperf(request)
    assert record.valid
    assert record.kind == "estimated"
    assert record.task == task
    lengths = [w.duration_s for w in record.windows]
    assert min(lengths) >= 10.0
    assert max(lengths) == pytest.approx(min(lengths), rel=1e-2)
    text = (Path(record.folder) / "results.txt").read_text()
    assert re.search(r".* Median throughput is\s+[\d.]+ inf\./sec\.", text)
