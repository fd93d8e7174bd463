"""The models of MLPerf Tiny behind its protocol give the scores of the oracle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq.bench.inputs import ModelInput
from edgeq.bench.oracles import find_oracle
from edgeq.core.lcg import generate_bytes
from tests.support.mlperf import build, centred, expected_scores, opened, scores
from tests.support.shared import shared_model

BOARDS = ("host", "virt-m4", "qemu-an386")


@pytest.mark.parametrize(
    ("model", "task", "board"),
    [
        ("kws", "kws01", "host"), ("kws", "kws01", "virt-m4"), ("kws", "kws01", "qemu-an386"),
        ("ic", "ic01", "host"), ("ic", "ic01", "virt-m4"), ("ic", "ic01", "qemu-an386"),
        ("vww", "vww01", "host"),
        pytest.param("vww", "vww01", "virt-m4", marks=pytest.mark.slow),
        pytest.param("vww", "vww01", "qemu-an386", marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_a_real_model_gives_the_oracles_scores(
    model: str, task: str, board: str, tmp_path: Path
) -> None:
    ready = build(shared_model(model), board, tmp_path, task=None)
    raw = generate_bytes(1, ready.compiled.plan.inputs[0].bytes)
    with opened(ready) as host:
        assert host.ask("profile").endswith(f"m-model-[{task}]\r\n".encode())
        host.load(raw)
        given = raw if task == "kws01" else centred(raw)
        assert scores(host.ask("infer 1 0")) == expected_scores(ready, given)


@pytest.mark.parametrize("board", BOARDS)
def test_the_anomaly_model_gives_the_mean_of_its_squared_errors(board: str, tmp_path: Path) -> None:
    ready = build(shared_model("ad"), board, tmp_path, task=None)
    rng = np.random.default_rng(1)
    source, target = ready.compiled.plan.inputs[0], ready.compiled.plan.outputs[0]
    assert source.scale is not None
    assert source.zero_point is not None
    assert target.scale is not None
    wanted = rng.normal(0, 40, 640).astype(np.float32)
    steps = wanted.astype(np.float32) / np.float32(source.scale)
    rounded = np.trunc(steps + np.copysign(np.float32(0.5), steps)) + source.zero_point
    levels = np.clip(rounded, -128, 127).astype(np.int8)
    item = ModelInput(name="test", ports=(levels.tobytes(),))
    oracle = find_oracle("edgeq").compute(ready.model, ready.graph, ready.compiled.plan, [item])
    output = np.frombuffer(oracle[0][0], np.int8).astype(np.int32) - (target.zero_point or 0)
    total = np.float32(0)
    for given, value in zip(
        output.astype(np.float32) * np.float32(target.scale), wanted, strict=True
    ):
        total += (given - value) * (given - value)
    with opened(ready) as host:
        host.load(wanted.tobytes())
        assert scores(host.ask("infer 2 0")) == [f"{total / np.float32(640):.3f}"]
        assert host.ask("profile").endswith(b"m-model-[ad01]\r\n")
