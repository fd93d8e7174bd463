"""check finds each result's baseline, and refuses one of something else."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from edgeq import api
from edgeq.core.errors import UsageError
from edgeq.core.records import Result
from tests.support.results import changed, make_result, save


def _on(board: str, seconds: float = 1e-3) -> Result:
    result = make_result((seconds,) * 10)
    return changed(result, board=msgspec.structs.replace(result.board, id=board))


def test_each_result_meets_the_baseline_of_its_board(tmp_path: Path) -> None:
    results = [save(_on(b), tmp_path / f"{b}.json") for b in ("m0", "m4")]
    baselines = [
        save(_on(b, s), tmp_path / f"old-{b}.json") for b, s in (("m4", 1e-3), ("m0", 5e-4))
    ]
    record = api.check(results, against=baselines)
    assert [Path(c.baseline or "").name for c in record.results] == ["old-m0.json", "old-m4.json"]
    assert [c.passed for c in record.results] == [False, True]
    assert record.passed is False


def test_a_baseline_of_another_board_is_refused_unless_named(tmp_path: Path) -> None:
    new, old = save(_on("m4"), tmp_path / "new.json"), save(_on("m7"), tmp_path / "old.json")
    with pytest.raises(UsageError, match="another board: m4 at 120 MHz, not m7") as caught:
        api.check([new], against=[old])
    assert "--allow-different board" in caught.value.hint
    assert api.check([new], against=[old], allow_different=["board"]).passed
    with pytest.raises(UsageError, match="another board"):
        api.check([new], against=[old], allow_different=["engine"])


def test_a_retrained_model_is_another_model(tmp_path: Path) -> None:
    result = make_result()
    other = msgspec.structs.replace(result.model, sha256="00" * 32)
    new, old = save(changed(result, model=other), tmp_path / "n"), save(result, tmp_path / "o")
    with pytest.raises(UsageError, match="another model"):
        api.check([new], against=[old])
    assert api.check([new], against=[old], allow_different=["model"]).passed


@pytest.mark.parametrize("option", ["allow", "allow_different"])
def test_an_allowance_that_does_not_exist_is_refused(tmp_path: Path, option: str) -> None:
    path = save(make_result(), tmp_path / "result.json")
    with pytest.raises(UsageError, match="'bord' does not exist"):
        api.check([path], **{option: ["bord"]})  # type: ignore[arg-type]


def test_nothing_to_check_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no result"):
        api.check([])
