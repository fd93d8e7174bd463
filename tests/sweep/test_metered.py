"""A sweep whose board has a meter: cells take turns, and their energy is the meter's."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq import api
from tests.support.meters.faults import CLEAN
from tests.support.meters.ppk2 import Ppk2
from tests.support.meters.signals import constant
from tests.support.meters.wire import plugged_in
from tests.support.sweeps import write_sweep

AMPERES, VOLTS = 10e-3, 3.0


@pytest.mark.slow
def test_each_cell_of_an_attached_board_has_the_energy_of_its_meter(tmp_path: Path) -> None:
    pytest.importorskip("ziglang")
    options = "\n".join(f'[[options]]\nname = "seed{i}"\ninput = "lcg:{i}"' for i in (1, 2))
    with plugged_in(Ppk2(constant(AMPERES, 3600.0), CLEAN, realtime=True)) as plug:
        meter = f'meter = "ppk2:{plug.path},voltage={VOLTS}"\ngate = "marker"'
        manifest = write_sweep(tmp_path, f"[attached.virt-m4]\n{meter}\n{options}")
        done = api.sweep(manifest, out=tmp_path / "out", jobs=2)
    assert [row.outcome.status for row in done.record.rows] == ["ok", "ok"]
    for row in done.record.rows:
        energy, result = row.outcome.energy, row.outcome.result
        assert energy is not None
        assert result is not None
        assert result.energy is not None
        assert energy.kind == "simulated"
        assert "PPK2" in result.energy.source
        assert result.energy.average_w == pytest.approx(AMPERES * VOLTS, rel=1e-3)
