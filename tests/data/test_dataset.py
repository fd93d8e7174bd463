"""Datasets load the same way from a name, a manifest, an .npz and a shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgeq.core.errors import InputError
from edgeq.data import catalog
from edgeq.data.dataset import hash_sample, load_dataset
from tests.support import shared

MANIFEST = """
schema = 1
id = "mine"
name = "Mine"
licence = "CC0-1.0"
metric = "top1"
labels = ["a", "b"]
shuffle = 3
source = {{ kind = "local", path = "mine.npz" }}
reader = {{ kind = "npz", x = "x", y = "y" }}
[splits]
representative = {representative}
evaluation = {evaluation}
"""


def write_mine(
    folder: Path, representative: str, evaluation: str, x: np.ndarray | None = None
) -> str:
    x = np.arange(80, dtype=np.uint8).reshape(20, 4) if x is None else x
    np.savez(folder / "mine.npz", x=x, y=np.arange(len(x)) % 2)
    path = folder / "mine.toml"
    path.write_text(MANIFEST.format(representative=representative, evaluation=evaluation))
    return str(path)


def rows(start: int, stop: int) -> str:
    return f'{{ by = "rows", start = {start}, stop = {stop} }}'


def test_the_digits_ship_with_all_their_samples_in_three_disjoint_splits() -> None:
    digits = load_dataset("digits")
    hashes = [{hash_sample(item) for item in part.items} for part in digits.parts.values()]
    assert [len(h) for h in hashes] == [200, 400, 1197]
    assert len(set.union(*hashes)) == 1797
    evaluation = digits.samples("evaluation")
    assert evaluation.x.shape == (400, 8, 8, 1)
    assert evaluation.x.dtype == np.float32
    assert evaluation.y is not None
    assert set(evaluation.y) == set(range(10))
    assert digits.samples("calibration", 5).ids == digits.samples("representative").ids[:5]


def test_every_shipped_manifest_reads() -> None:
    assert {"cifar10", "digits", "fsdd"} <= {d.manifest.id for d in catalog.list_datasets()}


@shared.needs_shared
@pytest.mark.parametrize(("name", "shape"), [("cifar10", (32, 32, 3)), ("fsdd", (49, 10, 1))])
def test_local_datasets_load_from_the_data_root(name: str, shape: tuple[int, ...]) -> None:
    samples = load_dataset(name, data_root=shared.SHARED / "data").samples("evaluation", 7)
    assert samples.x.shape == (7, *shape)


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean digits"):
        load_dataset("digts")


def test_missing_local_data_name_the_option_that_gives_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("EDGEQ_DATA_DIR", raising=False)
    with pytest.raises(InputError) as caught:
        load_dataset("cifar10")
    assert "EDGEQ_DATA_DIR" in caught.value.hint


def test_data_are_found_by_root_before_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("root", "environment", "manifest"):
        (tmp_path / name).mkdir()
        path = write_mine(tmp_path / name, rows(0, 5), rows(5, 20))
    entry = catalog.find_entry(path)
    assert catalog.locate_data(entry).parent.name == "manifest"
    monkeypatch.setenv("EDGEQ_DATA_DIR", str(tmp_path / "environment"))
    assert catalog.locate_data(entry).parent.name == "environment"
    found = catalog.locate_data(entry, data_root=tmp_path / "root")
    assert found.parent.name == "root"


def test_a_folder_of_datasets_joins_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_mine(tmp_path, rows(0, 5), rows(5, 20))
    monkeypatch.setenv("EDGEQ_DATASETS_DIR", str(tmp_path))
    assert "mine" in {d.manifest.id for d in catalog.list_datasets()}
    assert load_dataset("mine").samples("evaluation").x.shape == (15, 4)


def test_a_sample_that_calibrates_may_not_judge(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is also"):
        load_dataset(write_mine(tmp_path, rows(0, 11), rows(10, 20)))


def test_equal_content_in_two_rows_counts_as_overlap(tmp_path: Path) -> None:
    x = np.arange(80, dtype=np.uint8).reshape(20, 4)
    x[19] = x[0]
    with pytest.raises(InputError, match="is also"):
        load_dataset(write_mine(tmp_path, rows(0, 10), rows(10, 20), x))
    share = '{{ by = "share", start = {}, stop = {} }}'.format
    path = write_mine(tmp_path, share(0.0, 0.5), share(0.5, 1.0), x)
    assert sum(len(part.ids) for part in load_dataset(path).parts.values()) == 20


def test_shuffling_is_the_same_every_time_and_keeps_labels_with_samples(tmp_path: Path) -> None:
    path = write_mine(tmp_path, rows(0, 5), rows(5, 20))
    first, second = (load_dataset(path).samples("evaluation") for _ in range(2))
    assert first.ids == second.ids
    assert first.ids != tuple(sorted(first.ids, key=int))
    assert first.y is not None
    for x, y, name in zip(first.x, first.y, first.ids, strict=True):
        assert (x[0], y) == (4 * int(name), int(name) % 2)


@pytest.mark.parametrize("bad", [rows(0, 99), rows(5, 5), '{ by = "match", names = ["none"] }'])
def test_splits_that_do_not_fit_the_data_are_refused(tmp_path: Path, bad: str) -> None:
    with pytest.raises(InputError):
        load_dataset(write_mine(tmp_path, bad, rows(5, 20)))


def test_synthetic_samples_are_seeded_and_carry_a_warning() -> None:
    one, two = load_dataset("synthetic:1x4x3"), load_dataset("synthetic:1x4x3")
    assert one.warnings
    assert one.samples("calibration").x.shape == (100, 4, 3)
    np.testing.assert_array_equal(one.samples("evaluation").x, two.samples("evaluation").x)


@pytest.mark.parametrize("ref", ["synthetic:", "synthetic:1", "synthetic:2x3", "synthetic:1x0",
                                 "synthetic:1x-4", "synthetic:1x9999999x9999999"])  # fmt: skip
def test_impossible_synthetic_shapes_are_refused(ref: str) -> None:
    with pytest.raises(InputError):
        load_dataset(ref)


def test_a_bare_npz_gives_its_named_splits_or_halves(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((40, 3)).astype(np.float32)
    np.savez(tmp_path / "named.npz", x_calib=x[:10], x_test=x[10:], y_test=np.arange(30) % 3)
    named = load_dataset(str(tmp_path / "named.npz"))
    assert len(named.samples("evaluation").ids) == 30
    assert named.manifest.metric == "top1"
    np.savez(tmp_path / "plain.npz", x=x)
    plain = load_dataset(str(tmp_path / "plain.npz"))
    assert plain.manifest.metric == "none"
    assert sum(len(part.ids) for part in plain.parts.values()) == 40


def test_labels_of_several_values_are_judged_by_mean_average_precision(
    tmp_path: Path,
) -> None:
    x = np.arange(60, dtype=np.float32).reshape(20, 3)
    for y, metric in ((np.eye(4, dtype=np.int64)[np.arange(20) % 4], "map"),
                      (np.zeros((20, 1), int), "top1"), (np.zeros(20, int), "top1"),
                      (np.eye(2)[np.arange(20) % 2], "mae")):  # fmt: skip
        np.savez(tmp_path / "sets.npz", x=x, y=y)
        assert load_dataset(str(tmp_path / "sets.npz")).manifest.metric == metric


@pytest.mark.parametrize("y", [np.full((20, 2), 2), np.ones((20, 3), int), np.full((20, 2), 0.5)])
def test_sets_of_labels_are_0_or_1_for_each_of_the_manifests(tmp_path: Path, y: np.ndarray) -> None:
    path = Path(write_mine(tmp_path, rows(0, 5), rows(5, 20)))
    path.write_text(path.read_text().replace('"top1"', '"map"'))
    x = np.arange(80).reshape(20, 4)
    np.savez(tmp_path / "mine.npz", x=x, y=np.eye(2, dtype=int)[np.arange(20) % 2])
    found = load_dataset(str(path)).samples("evaluation")
    assert found.y is not None
    assert found.y.shape == (15, 2)
    np.savez(tmp_path / "mine.npz", x=x, y=y)
    with pytest.raises(InputError, match="not 0 or 1 for each of 2"):
        load_dataset(str(path))


def test_an_unknown_split_lists_the_known() -> None:
    with pytest.raises(InputError) as caught:
        load_dataset("digits").samples("holdout")
    assert "evaluation" in caught.value.hint


SEVERAL = """
schema = 1
id = "several"
name = "Several"
licence = "CC0-1.0"
metric = "top1"
source = {{ kind = "local", path = "several.npz" }}
reader = {{ kind = "npz", x = ["ids", "ages"], y = "y" }}
{inputs}
[splits]
representative = {{ by = "rows", start = 0, stop = 6 }}
evaluation = {{ by = "rows", start = 6, stop = 10 }}
"""
DESCRIBED = """
[[inputs]]
name = "user"
shape = [2]
preprocessing = [{ kind = "cast", dtype = "int32" }]
[[inputs]]
name = "age"
shape = [3]
high = 100.0
"""


def write_several(folder: Path, inputs: str, ages: int = 10) -> str:
    ids = np.arange(20, dtype=np.int64).reshape(10, 2)
    x = np.arange(3 * ages, dtype=np.float32).reshape(ages, 3)
    np.savez(folder / "several.npz", ids=ids, ages=x, y=np.arange(10) % 2)
    (folder / "several.toml").write_text(SEVERAL.format(inputs=inputs))
    return str(folder / "several.toml")


def test_a_sample_may_have_several_arrays_each_with_its_own_preprocessing(tmp_path: Path) -> None:
    samples = load_dataset(write_several(tmp_path, DESCRIBED)).samples("evaluation")
    ids, ages = samples.inputs
    assert samples.names == ("user", "age")
    assert samples.x is ids
    assert (ids.dtype, ids.tolist()[0]) == (np.int32, [12, 13])
    assert (ages.dtype, ages.tolist()[0]) == (np.float32, [18, 19, 20])


def test_undescribed_arrays_are_all_treated_alike(tmp_path: Path) -> None:
    samples = load_dataset(write_several(tmp_path, "")).samples("evaluation")
    assert samples.names == ("", "")
    assert [x.shape for x in samples.inputs] == [(4, 2), (4, 3)]
    assert all(x.dtype == np.float32 for x in samples.inputs)


@pytest.mark.parametrize(
    ("inputs", "ages", "message"),
    [
        (DESCRIBED, 9, "different numbers of samples"),
        ("[[inputs]]\nname = 'user'\n", 10, "have 2 arrays, the manifest describes 1"),
        (DESCRIBED.replace("100.0", "10.0"), 10, "input age: values from"),
        (DESCRIBED.replace("[3]", "[4]"), 10, "input age: samples have shapes"),
        (DESCRIBED.replace("'age'", "'user'").replace('"age"', '"user"'), 10, "inputs is wrong"),
        ("sample = { shape = [2] }\n" + DESCRIBED, 10, "inputs is wrong"),
    ],
)
def test_arrays_that_do_not_fit_the_manifest_are_refused(
    tmp_path: Path, inputs: str, ages: int, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        load_dataset(write_several(tmp_path, inputs, ages)).samples("evaluation")


def test_equal_first_arrays_with_other_second_ones_are_other_samples() -> None:
    same, one, two = np.zeros(2), np.ones(1), np.full(1, 2.0)
    assert hash_sample((same, one)) != hash_sample((same, two))
