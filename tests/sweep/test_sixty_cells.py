"""4 models x 3 option sets x 5 boards: killed and resumed, and on two Dask workers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgeq.graph.writer import write_graph
from tests.support.benchmarks import load_benchmark
from tests.support.shared import MLPERF_TINY
from tests.support.small_cnn import small_cnn

pytestmark = pytest.mark.slow


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="no arm-none-eabi-gcc")
def test_sixty_cells_are_done_once_each_and_give_the_same_bytes_on_a_cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed, name in enumerate(MLPERF_TINY.values()):
        (tmp_path / name).write_bytes(write_graph(small_cnn(seed)))
    monkeypatch.setattr("sys.argv", ["sweep_resume.py", str(tmp_path), "--kills", "5"])
    load_benchmark("sweep_resume", monkeypatch).main()
    said = capsys.readouterr().out
    assert "killed and resumed: 60 cells" in said
    assert "{'build': 40, 'bench': 60}" in said
    assert "the same bytes: sweep.json, sweep.csv, sweep.html" in said
