"""How a dataset's samples are divided: every sample once, equal ones together."""

from __future__ import annotations

from dataclasses import replace
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


def test_samples_that_measure_do_not_calibrate_where_steps_may_be_taken_back(
    tmp_path: Path,
) -> None:
    data = load_dataset(str(write_data(tmp_path / "data.npz")))
    usual, apart = gather_materials(data, 500), gather_materials(data, 500, apart=True)
    assert (usual.apart, apart.apart) == (False, True)
    assert len(apart.calibration) == len(usual.calibration) - len(usual.held)
    assert len(usual.calibration) == 96
    assert all(np.array_equal(a, b) for a, b in zip(usual.held.x, apart.held.x, strict=True))
    assert gather_materials(data, 500, apart=True).sha256 == apart.sha256
    assert len(gather_materials(data, 20, apart=True).calibration) == 20


def test_samples_that_a_train_split_repeats_do_not_calibrate_either(tmp_path: Path) -> None:
    data = load_dataset(str(write_data(tmp_path / "data.npz")))
    data = replace(data, parts={**data.parts, "train": data.parts["representative"]})
    found = gather_materials(data, 500, apart=True)
    assert found.source == "train"
    assert found.apart
    assert len(found.calibration) == 96 - len(found.held)


def test_of_samples_that_are_all_equal_those_that_measure_calibrate(tmp_path: Path) -> None:
    alike = np.ones((30, 8, 8, 1), np.float32)
    path = write_data(tmp_path / "d.npz", x_calibration=alike, y_calibration=np.zeros(30, int))
    found = gather_materials(load_dataset(str(path)), 500, apart=True)
    assert (len(found.calibration), found.apart) == (30, False)
