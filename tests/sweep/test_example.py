"""The example of docs/sweep.md holds, and runs."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from edgeq import api
from edgeq.core.files import write_atomic
from edgeq.sweep.plan import plan_sweep

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sweep.md"


def example(folder: Path) -> Path:
    """Write the example of the page below `folder`."""
    (text,) = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    write_atomic(folder / "digits.toml", text)
    return folder / "digits.toml"


def test_the_example_is_the_ten_cells_that_the_page_says(tmp_path: Path) -> None:
    path = example(tmp_path)
    write_atomic(tmp_path / "demo" / "digits.keras", b"read when it is converted")
    plan = plan_sweep(path)
    kinds = [task.kind for task in plan.tasks.values()]
    assert "are 10 cells" in PAGE.read_text()
    assert len(plan.cells) == kinds.count("bench") == kinds.count("build") == 10
    assert kinds.count("convert") == 2
    assert plan.notes == ()


def test_the_page_names_every_key() -> None:
    from edgeq.sweep.manifest import RECORDS

    words = set(re.findall(r"[a-z_]+", PAGE.read_text()))
    assert {key for record in RECORDS for key in record.__struct_fields__} <= words


@pytest.mark.slow
@pytest.mark.convert
@pytest.mark.skipif(
    find_spec("tensorflow") is None or find_spec("ai_edge_quantizer") is None,
    reason="TensorFlow or ai-edge-quantizer is not installed",
)
def test_the_example_runs(tmp_path: Path) -> None:
    path = example(tmp_path)
    api.train_demo(tmp_path / "demo")
    done = api.sweep(path, out=tmp_path / "out", jobs=1)
    assert done.tally.started == {"convert": 2, "build": 10, "bench": 10}
    assert [row.outcome.status for row in done.record.rows] == ["ok"] * 10
    assert {row.outcome.bit_exact for row in done.record.rows} == {True}
    for scheme in ("tflite", "aeq"):
        assert api.inspect(tmp_path / "out" / "models" / f"digits,{scheme}.tflite").macs > 0
    assert sum(api.sweep(path, out=tmp_path / "out", jobs=1).tally.started.values()) == 0
