"""COCO's JSON becomes boxes in shares of the image; what is none is refused by name."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.core.errors import InputError
from edgeq.data import coco
from edgeq.data.dataset import load_dataset
from edgeq.data.manifest import CocoReader, Manifest, read_manifest
from edgeq.data.readers import Table, read_table
from tests.data.test_readers import manifest as manifest_of
from tests.support.detectors import write_squares

Image = pytest.importorskip("PIL.Image")
LABELS = ("cat", "dog")


def manifest(**fields: Any) -> Manifest:
    return manifest_of(CocoReader(**fields), "coco_map", LABELS)


def annotations() -> dict[str, Any]:
    """Return two images, the second without a box, as COCO writes them."""
    return {
        "info": {"year": 2014},
        "images": [
            {"id": 5, "file_name": "b.png", "width": 20, "height": 10, "license": 1},
            {"id": 3, "file_name": "a.png", "width": 20, "height": 10},
        ],
        "annotations": [
            {"id": 1, "image_id": 5, "category_id": 18, "bbox": [2, 1, 10, 5], "area": 50,
             "iscrowd": 0, "segmentation": [[2, 1, 12, 1, 12, 6]]},
            {"id": 2, "image_id": 5, "category_id": 17, "bbox": [0.0, 0.0, 20.0, 10.0],
             "iscrowd": 1},
        ],
        "categories": [
            {"id": 17, "name": "cat", "supercategory": "pets"},
            {"id": 18, "name": "dog"},
            {"id": 0, "name": "pets"},
        ],
    }  # fmt: skip


def write(folder: Path, content: Any, file: str = "annotations.json", images: str = "") -> None:
    (folder / file).write_text(json.dumps(content))
    (folder / images).mkdir(exist_ok=True)
    for name in ("a.png", "b.png"):
        Image.new("RGB", (20, 10)).save(folder / images / name)


def read(folder: Path, **fields: Any) -> Table:
    return read_table(manifest(**fields), folder)


def test_boxes_are_shares_of_the_image_with_their_class_and_crowd(tmp_path: Path) -> None:
    write(tmp_path, annotations())
    table = read(tmp_path)
    assert table.ids == ("a.png", "b.png")
    assert [image.shape for (image,) in table.items] == [(10, 20, 3)] * 2
    assert table.y is not None
    np.testing.assert_allclose(table.y[1], [[0.1, 0.1, 0.6, 0.6, 1, 0], [0, 0, 1, 1, 0, 1]])
    assert (table.y[0] == -1).all()


def test_several_files_have_a_folder_of_images_each(tmp_path: Path) -> None:
    for part in ("train", "val"):
        write(tmp_path, annotations(), f"{part}.json", part)
    table = read(tmp_path, annotations=("train.json", "val.json"), images=("train", "val"))
    assert table.ids == ("train/a.png", "train/b.png", "val/a.png", "val/b.png")
    with pytest.raises(InputError, match="2 annotations, but 1 folders"):
        read(tmp_path, annotations=("train.json", "val.json"), images="train")
    with pytest.raises(InputError, match=r"'train/b\.png' is there twice"):
        read(tmp_path, annotations=("train.json", "val.json"), images=("train", "train"))


def change(path: tuple[Any, ...], value: Any) -> Callable[[dict[str, Any]], None]:
    def apply(content: dict[str, Any]) -> None:
        place: Any = content
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return apply


BOX = ("annotations", 0, "bbox")


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("images", 0, "id"), 3, "id or file_name is there twice"),
        (("images", 0, "file_name"), "a.png", "id or file_name is there twice"),
        (("images", 0, "file_name"), "../b.png", "leads outside"),
        (("images", 0, "file_name"), "/etc/hostname", "leads outside"),
        (("images", 0, "file_name"), "c.png", "No such file"),
        (("images", 0, "width"), 40, "20 x 10 pixels, the JSON says 40 x 10"),
        (("annotations", 0, "image_id"), 4, "annotations[0] names an image"),
        (("annotations", 0, "category_id"), 1, "annotations[0] names an image or category"),
        (("annotations", 0, "category_id"), 0, "category 'pets' is not among"),
        (("annotations", 0, "iscrowd"), 2, "iscrowd"),
        (("categories", 0, "id"), 18, "category's id is there twice"),
        (BOX, [2, 1, 10], "bbox"),
        (BOX, [2, 1, 10, "5"], "bbox"),
        (BOX, [2, 1, 19.5, 5], "does not lie in its 20 x 10 pixels"),
        (BOX, [2, 1, -1, 5], "does not lie in its 20 x 10 pixels"),
        (BOX, [-1.5, 1, 5, 5], "does not lie in its 20 x 10 pixels"),
        (BOX, [1e308, 1e308, 1e308, 1e308], "does not lie in its 20 x 10 pixels"),
        (("images",), {}, "not COCO's JSON"),
        (("images", 0, "id"), 1 << 70, "annotations[0] names an image"),
        (("images", 0, "id"), 5.5, "not COCO's JSON"),
    ],
)
def test_what_is_wrong_in_the_json_is_named(
    tmp_path: Path, path: tuple[Any, ...], value: Any, words: str
) -> None:
    content = annotations()
    change(path, value)(content)
    write(tmp_path, content)
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert words in caught.value.cause


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"images":' * 100_000, '{"images": NaN}', "\ud800"]
)
def test_what_is_no_json_of_coco_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "annotations.json").write_text(text, "utf-8", "surrogatepass")
    with pytest.raises(InputError, match="not COCO's JSON"):
        read(tmp_path)


@given(st.binary(max_size=40), st.integers(0, 700), st.integers(0, 60))
def test_damaged_json_is_read_or_refused_never_crashes(noise: bytes, at: int, cut: int) -> None:
    raw = json.dumps(annotations()).encode()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, annotations())
        (folder / "annotations.json").write_bytes(raw[:at] + noise + raw[at + cut :])
        with contextlib.suppress(InputError):
            table = read(folder)
            assert table.y is not None
            assert table.y.shape[::2] == (len(table.ids), coco.BOX_VALUES)


def test_an_image_of_very_many_boxes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coco, "MAX_BOXES", 1)
    write(tmp_path, annotations())
    with pytest.raises(InputError, match=r"'b\.png' has more than 1 boxes"):
        read(tmp_path)


def test_boxes_stay_with_their_images_through_splits(tmp_path: Path) -> None:
    path = write_squares(tmp_path, count=8)
    whole = read_table(read_manifest(path), tmp_path)
    found = load_dataset(str(path)).samples("evaluation")
    assert found.ids == whole.ids[4:]
    assert whole.y is not None
    np.testing.assert_array_equal(found.y, whole.y[4:])


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('labels = ["red", "green"]', "", "labels"),
        ('metric = "coco_map"', 'metric = "top1"', "metric"),
        ('kind = "coco"', 'kind = "images"', "annotations"),
        ("[splits.rep", '[detection]\nform = "boxes"\n[splits.rep', "form"),
        ("[splits.rep", "[detection]\noverlap = 2.0\n[splits.rep", "overlap"),
    ],
)
def test_a_manifest_that_does_not_suit_boxes_is_refused(
    tmp_path: Path, old: str, new: str, field: str
) -> None:
    path = write_squares(tmp_path, count=4)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=field):
        load_dataset(str(path))
