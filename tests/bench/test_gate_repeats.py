"""The gate on repeats: a virtual board's always pass, a rise of 5 % is always caught."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgeq.graph.writer import write_graph
from tests.support.benchmarks import load_benchmark
from tests.support.results import make_result
from tests.support.small_cnn import small_cnn


def test_every_repeat_passes_and_every_slower_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    gate_repeats = load_benchmark("gate_repeats", monkeypatch)
    assert gate_repeats.count_repeats([make_result()] * 101) == (100, 100)


@pytest.mark.parametrize(
    "noise", ["normal, 0.5 %", "log-normal, 2 %", "two speeds and interruptions"]
)
def test_noise_is_seldom_an_alarm(noise: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gate_repeats = load_benchmark("gate_repeats", monkeypatch)
    same, _ = gate_repeats.count_pairs(make_result(), gate_repeats.NOISES[noise], 10, 300)
    assert same["regression"] <= 6


def test_a_quiet_boards_rise_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    gate_repeats = load_benchmark("gate_repeats", monkeypatch)
    _, slower = gate_repeats.count_pairs(
        make_result(), gate_repeats.NOISES["normal, 0.5 %"], 10, 100
    )
    assert slower["regression"] == 100


def test_on_a_virtual_board(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ziglang")
    pytest.importorskip("unicorn")
    gate_repeats = load_benchmark("gate_repeats", monkeypatch)
    model = tmp_path / "small.tflite"
    model.write_bytes(write_graph(small_cnn()))
    monkeypatch.setattr(sys, "argv", ["x", str(model), "--repeats", "3", "--pairs", "5"])
    assert gate_repeats.main() == 0
    assert "| virt-m4 | 3 of 3 | 3 of 3 |" in capsys.readouterr().out
