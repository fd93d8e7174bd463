"""Images with boxes in COCO's JSON (Lin et al. 2014, arXiv:1405.0312): the file may be hostile.

A sample's boxes are rows (G, 6) of float64: ymin, xmin, ymax, xmax in shares of the image, the
class as a place in the manifest's labels, and 1 where the box is a crowd. All samples have as
many rows as the fullest one; a row whose class is below 0 is no box.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from edgeq.core.errors import InputError, did_you_mean
from edgeq.core.files import confined, read_bytes
from edgeq.data.manifest import CocoReader, Manifest
from edgeq.data.readers import MAX_FILES, MAX_TOTAL_BYTES, PIXELS, Array, Table, read_image, wrong

BOX_VALUES = 6
MAX_JSON_BYTES = 1 << 29
MAX_BOXES = 1000  # in one image
BESIDE = 1.0  # pixels that a box may reach beyond its image, for rounding


class _Image(msgspec.Struct):
    id: int
    file_name: str
    width: int | None = None
    height: int | None = None


class _Annotation(msgspec.Struct):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]  # x, y of the upper left corner, width, height; pixels
    iscrowd: Literal[0, 1] = 0


class _Category(msgspec.Struct):
    id: int
    name: str


class _Annotations(msgspec.Struct):
    images: list[_Image]
    annotations: list[_Annotation]
    categories: list[_Category]


class _Box(NamedTuple):
    """One annotation: x, y, width and height in pixels, its class, and whether it is a crowd."""

    pixels: tuple[float, float, float, float]
    label: int
    crowd: int


def read_coco(manifest: Manifest, folder: Path) -> Table:
    """Return all images of the reader's JSON files, sorted by name, with their boxes.

    Images without boxes count: what is found there is wrong.

    Raises:
        InputError: a file is missing, damaged or outside the folder; the JSON is not COCO's; an
            id is there twice or not at all; a box lies outside its image; a class has no label.
    """
    reader = manifest.reader
    assert isinstance(reader, CocoReader)
    files, places = _names(reader.annotations), _names(reader.images)
    if len(files) != len(places):
        raise wrong(manifest.id, f"{len(files)} annotations, but {len(places)} folders of images")
    found: dict[str, list[_Box]] = {}
    sizes: dict[str, tuple[int | None, int | None]] = {}
    for file, place in zip(files, places, strict=True):
        path = confined(folder, file)
        for plain, (told, boxes) in _read_json(path, manifest.labels).items():
            name = f"{place}/{plain}" if place else plain
            if name in found:
                raise wrong(path, f"image {name!r} is there twice")
            found[name], sizes[name] = boxes, (told.height, told.width)
    if len(found) > MAX_FILES:
        raise wrong(folder, f"it holds more than {MAX_FILES:,} images")
    names = tuple(sorted(found))
    images = _read_images(folder, names, PIXELS[reader.mode])
    for name, image in zip(names, images, strict=True):
        _check_size(name, image, sizes[name])
    return Table(names, tuple((image,) for image in images), _lay_out(names, images, found))


def _names(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def _read_json(path: Path, labels: Sequence[str]) -> dict[str, tuple[_Image, list[_Box]]]:
    """Return each image of a JSON file by its file name, with its boxes."""
    data = read_bytes(path, what="COCO annotations", limit=MAX_JSON_BYTES)
    try:
        known = msgspec.json.decode(data, type=_Annotations)
    except (msgspec.MsgspecError, ValueError, RecursionError, MemoryError) as error:
        raise wrong(path, f"it is not COCO's JSON: {error}") from error
    images = {image.id: image for image in known.images}
    if len(images) != len(known.images) or len({i.file_name for i in known.images}) != len(images):
        raise wrong(path, "an image's id or file_name is there twice")
    names = {category.id: category.name for category in known.categories}
    if len(names) != len(known.categories):
        raise wrong(path, "a category's id is there twice")
    boxes: dict[int, list[_Box]] = {number: [] for number in images}
    for place, one in enumerate(known.annotations):
        if one.image_id not in images or one.category_id not in names:
            raise wrong(path, f"annotations[{place}] names an image or category that is not there")
        label = _label(path, names[one.category_id], labels)
        boxes[one.image_id].append(_Box(one.bbox, label, one.iscrowd))
        if len(boxes[one.image_id]) > MAX_BOXES:
            name = images[one.image_id].file_name
            raise wrong(path, f"image {name!r} has more than {MAX_BOXES:,} boxes")
    return {image.file_name: (image, boxes[number]) for number, image in images.items()}


def _label(path: Path, name: str, labels: Sequence[str]) -> int:
    if name not in labels:
        raise InputError(
            f"{path}: category {name!r} is not among the manifest's labels."
            f"{did_you_mean(name, labels)}",
            hint="name the categories in labels, in the order of the model's classes",
        )
    return labels.index(name)


def _read_images(folder: Path, names: Sequence[str], mode: str) -> tuple[Array, ...]:
    images, total = [], 0
    for name in names:
        images.append(read_image(confined(folder, name), mode))
        total += images[-1].nbytes
        if total > MAX_TOTAL_BYTES:
            raise wrong(folder, "its images take more memory than edgeq gives them")
    return tuple(images)


def _check_size(name: str, image: Array, told: tuple[int | None, int | None]) -> None:
    """Refuse an image of another size than the JSON says: its boxes are of another image."""
    if any(a is not None and a != b for a, b in zip(told, image.shape, strict=False)):
        raise wrong(
            name,
            f"it has {image.shape[1]} x {image.shape[0]} pixels, the JSON says "
            f"{told[1]} x {told[0]}",
        )


def _lay_out(
    names: Sequence[str], images: Sequence[Array], found: Mapping[str, list[_Box]]
) -> Array:
    """Return all boxes (N, G, 6)."""
    most = max([1, *(len(boxes) for boxes in found.values())])
    if len(names) * most * BOX_VALUES * 8 > MAX_TOTAL_BYTES:
        raise wrong("the boxes", "they take more memory than edgeq gives them")
    y = np.full((len(names), most, BOX_VALUES), -1.0)
    for row, (name, image) in enumerate(zip(names, images, strict=True)):
        for place, box in enumerate(found[name]):
            y[row, place] = _shares(name, box, image.shape[0], image.shape[1])
    return y


def _shares(name: str, box: _Box, height: int, width: int) -> tuple[float, ...]:
    """Return one row of boxes; the box must lie in its image of that many pixels."""
    x, y, w, h = box.pixels
    within = -BESIDE <= x <= x + w <= width + BESIDE and -BESIDE <= y <= y + h <= height + BESIDE
    if not (all(map(math.isfinite, box.pixels)) and within):
        raise InputError(
            f"image {name!r}: the box {list(box.pixels)} does not lie in its "
            f"{width} x {height} pixels",
            hint="bbox is [x, y, width, height] in pixels, from the upper left corner",
        )
    corners = (y / height, x / width, (y + h) / height, (x + w) / width)
    return (*corners, float(box.label), float(box.crowd))
