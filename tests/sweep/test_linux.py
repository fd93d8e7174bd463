"""A sweep over this computer's interpreter: the same table as for any other board."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq import api
from tests.support.sweeps import write_sweep


@pytest.mark.slow
def test_this_computer_is_a_board_like_others(tmp_path: Path) -> None:
    body = '[[options]]\nname = "xnnpack"\n[[options]]\nname = "plain"\nxnnpack = false'
    manifest = write_sweep(tmp_path, body, boards="local virt-m4")
    done = api.sweep(manifest, out=tmp_path / "out", jobs=2)
    assert done.passed, [row.outcome.failure for row in done.record.rows]
    assert done.tally.started == {"build": 1, "bench": 3}
    local, plain, virtual, _ = (row.outcome for row in done.record.rows)
    for outcome in (local, plain):
        assert outcome.latency is not None
        assert (outcome.latency.kind, outcome.flash) == ("measured", None)
    assert virtual.latency is not None
    assert virtual.latency.kind == "estimated"
    results = [outcome.result for outcome in (local, plain)]
    assert [r.engine.options["xnnpack"] for r in results if r] == [True, False]
