"""How a dataset's samples are divided: every sample once, equal ones together."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgeq.convert.recipes.materials import Materials, gather_materials
from edgeq.convert.sensitivity import _choose
from edgeq.data.dataset import load_dataset
from tests.convert.recipes.conftest import write_data


def gathered(folder: Path, **arrays: np.ndarray) -> Materials:
    return gather_materials(load_dataset(str(write_data(folder / "data.npz", **arrays))), 500)


def test_a_tenth_watches_and_no_sample_trains_and_watches(tmp_path: Path) -> None:
    found = gathered(tmp_path)
    assert len(found.training) + len(found.watched) == 96
    assert 0 < len(found.watched) < 30
    training, watched = (
        {x.tobytes() for x in part.x[0]} for part in (found.training, found.watched)
    )
    assert not training & watched


def test_samples_that_are_all_equal_train_and_watch_and_judge_once(tmp_path: Path) -> None:
    alike = np.ones((30, 8, 8, 1), np.float32)
    found = gathered(tmp_path, x_calibration=alike, y_calibration=np.zeros(30, np.int64))
    assert len(found.training) == len(found.watched) == 30
    assert len(_choose(found, 256).watched) == 30
