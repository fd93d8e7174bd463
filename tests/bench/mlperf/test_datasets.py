"""Labels and files of a dataset are checked before a byte of them goes to a board."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.bench.mlperf.datasets import read_dataset
from edgeq.bench.mlperf.tasks import find_task
from edgeq.core.errors import InputError
from tests.bench.mlperf.rig import make_dataset

KWS, AD = find_task("kws01"), find_task("ad01")


def write_labels(folder, text, size=490):
    folder.mkdir(exist_ok=True)
    (folder / "a.bin").write_bytes(bytes(size))
    (folder / "y_labels.csv").write_text(text)
    return folder


def test_a_dataset_is_found_above_its_folder_or_in_it(tmp_path):
    make_dataset(tmp_path, "kws01", [0, 11])
    for folder in (tmp_path, tmp_path / "kws01"):
        dataset = read_dataset(folder, KWS)
        assert [s.label for s in dataset.samples] == [0, 11]
        (data,) = dataset.windows(dataset.samples[1])
        assert (len(data), data[0]) == (490, 11)


def test_windows_of_a_file_overlap_by_the_stride_and_are_whole(tmp_path):
    make_dataset(tmp_path, "ad01", [1], windows=4)
    path = tmp_path / "ad01" / "f0.bin"
    path.write_bytes(path.read_bytes() + bytes(100))  # less than a stride more
    dataset = read_dataset(tmp_path, AD)
    windows = dataset.windows(dataset.samples[0])
    assert [len(w) for w in windows] == [2560] * 4
    assert windows[1][:2048] == windows[0][512:]
    assert dataset.count_windows(dataset.samples[0]) == 4


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "0 files"),
        ("a.bin,12", "line 1: 2 fields"),
        ("a.bin,12,3\na.bin,12,3,490", "line 2: 4 fields"),
        ("a.bin,12,x", "no number"),
        ("a.bin,12,12", "class 12 of 12"),
        ("a.bin,12,-1", "class -1 of 12"),
        ("a.bin,10,3", "10 classes, where kws01 has 12"),
        ("a.bin,12,3,100,50", "windows of 100 bytes"),
        ("a.bin,12,3,490,0", "windows of 490 bytes, 0 apart"),
        ("../a.bin,12,3", "leads outside"),
        ("/etc/passwd,12,3", "leads outside"),
        ("a\\b.bin,12,3", "leads outside"),
        ("gone.bin,12,3", "not there"),
        ("\x1b[31m.bin,12,3", r"\\x1b"),
    ],
)
def test_labels_that_are_not_sound_are_refused(tmp_path, text, complaint):
    with pytest.raises(InputError, match=complaint) as error:
        read_dataset(write_labels(tmp_path / "d", text), KWS)
    assert "\x1b" not in error.value.cause


def test_files_of_another_size_are_refused(tmp_path):
    with pytest.raises(InputError, match="489 bytes, not the 490 of kws01"):
        read_dataset(write_labels(tmp_path / "d", "a.bin,12,3", size=489), KWS)
    labels = "a.bin,2,1,2560,512"
    with pytest.raises(InputError, match="not the 2,560 or more"):
        read_dataset(write_labels(tmp_path / "e", labels, size=2559), AD)


def test_a_link_out_of_the_folder_is_refused(tmp_path):
    folder = write_labels(tmp_path / "d", "b.bin,12,3")
    (tmp_path / "secret").write_bytes(bytes(490))
    os.symlink(tmp_path / "secret", folder / "b.bin")
    with pytest.raises(InputError, match="leads outside"):
        read_dataset(folder, KWS)


def test_a_folder_without_labels_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no y_labels.csv in .* or in its folder kws01"):
        read_dataset(tmp_path, KWS)


@given(st.text(max_size=120))
def test_no_labels_do_more_than_fail(tmp_path_factory, text):
    folder = tmp_path_factory.mktemp("labels")
    (folder / "y_labels.csv").write_bytes(text.encode("utf-8", "replace"))
    with pytest.raises(InputError):
        read_dataset(folder, KWS)
