"""Readers: files of samples to arrays, one function a reader kind. Every file may be hostile."""

from __future__ import annotations

import ast
import csv
import io
import math
import os
import re
import wave
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.core.errors import InputError, did_you_mean
from edgeq.core.files import confined, read_bytes
from edgeq.core.installation import require
from edgeq.data.manifest import (
    CocoReader,
    CsvReader,
    GeneratedReader,
    ImageReader,
    Manifest,
    NpyReader,
    NpzReader,
    SyntheticReader,
    WavReader,
)

Array = NDArray[Any]
Item = tuple[Array, ...]  # one sample: an array for each input of the model
MAX_FILE_BYTES = 1 << 30
MAX_TOTAL_BYTES = 2 << 30
MAX_FILES = 200_000
MAX_PIXELS = 1 << 24
MAX_NPY_HEADER = 10_000
NUMBERS = re.compile(r"\|b1|[|<>=]?[iu][1248]|[<>=]?f[248]")
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
PIXELS = {"rgb": "RGB", "gray": "L"}  # a reader's mode -> Pillow's
WAV_FULL_SCALE = {1: 1 << 7, 2: 1 << 15, 4: 1 << 31}


@dataclass(frozen=True, slots=True)
class Table:
    """Raw samples in file order: an id, its arrays and (or None) a label or target for each.

    `y`: (N,), (N, values), or boxes (N, G, 6) as `edgeq.data.coco` lays them out.
    """

    ids: tuple[str, ...]
    items: tuple[Item, ...]
    y: Array | None


def read_table(manifest: Manifest, path: Path) -> Table:
    """Read all samples that lie at `path`, as the manifest's reader says.

    Raises:
        InputError: a file is missing, damaged, too large or not what the manifest says.
        ToolchainError: images without Pillow.
    """
    return READERS[type(manifest.reader)](manifest, path)


# --- arrays --------------------------------------------------------------------------------------


def read_npz_arrays(path: Path) -> dict[str, Array]:
    """Return every array of an .npz. Objects (pickles) are refused, sizes are checked first."""
    data = read_bytes(path, what="npz file", limit=MAX_FILE_BYTES)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if sum(m.file_size for m in members) > MAX_TOTAL_BYTES or len(members) > 1000:
                raise wrong(path, "it unpacks to more than edgeq reads")
            return {
                m.filename.removesuffix(".npy"): parse_npy(archive.read(m), f"{path}:{m.filename}")
                for m in members
            }
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise wrong(path, f"it is not a readable .npz: {error}") from error


def parse_npy(data: bytes, what: object) -> Array:
    """Return the array in the bytes of an .npy (format 1.0 or 2.0), without unpickling anything.

    The header's shape must give exactly the bytes that follow it, so nothing is allocated on its
    word.
    """
    try:
        shape, fortran, dtype, start = _parse_npy_header(data)
    except (ValueError, KeyError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise wrong(
            what, f"its .npy header is damaged, or not of plain numbers: {error}"
        ) from error
    size = math.prod(shape) * dtype.itemsize
    if len(data) - start != size:
        raise wrong(what, f"its header says {size:,} bytes, {len(data) - start:,} follow")
    flat = np.frombuffer(data, dtype, offset=start)
    return flat.reshape(shape, order="F" if fortran else "C")


def _parse_npy_header(data: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Return shape, Fortran order, dtype and where the numbers begin (numpy.lib.format)."""
    width = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4}[data[:8]]
    start = 8 + width + int.from_bytes(data[8 : 8 + width], "little")
    if start > min(len(data), MAX_NPY_HEADER):
        raise ValueError("it is too long")
    header = ast.literal_eval(data[8 + width : start].decode("latin-1").strip())
    shape, descr = header["shape"], header["descr"]
    if not isinstance(descr, str) or not NUMBERS.fullmatch(descr):
        raise ValueError(f"dtype {descr!r:.80}")
    if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"shape {shape!r:.80}")
    return shape, header["fortran_order"] is True, np.dtype(descr), start


def table_of(inputs: Item, y: Array | None, what: str, prefix: str = "") -> Table:
    """Return the rows of all `inputs` (N, ...) as a table; ids are `prefix` and the row's number.

    Raises:
        InputError: the arrays have different numbers of rows.
    """
    arrays = inputs if y is None else (*inputs, y)
    if any(array.ndim < 1 for array in arrays) or len({len(array) for array in arrays}) != 1:
        raise wrong(what, "its arrays have different numbers of samples")
    if y is not None:
        y = y.reshape(len(y), math.prod(y.shape[1:]))
        y = y[:, 0] if y.shape[1] == 1 else y
        y = y.astype(np.float32 if y.dtype.kind == "f" else np.int64)
    items = tuple(zip(*inputs, strict=True))
    return Table(tuple(f"{prefix}{i}" for i in range(len(items))), items, y)


def pick_inputs(arrays: dict[str, Array], names: str | tuple[str, ...], path: Path) -> Item:
    """Return the arrays of one name or of several."""
    return tuple(
        pick_array(arrays, n, path) for n in ((names,) if isinstance(names, str) else names)
    )


def pick_array(arrays: dict[str, Array], name: str, path: Path) -> Array:
    """Return array `name`; raise InputError with the nearest names."""
    if name not in arrays:
        raise InputError(
            f"{path} has no array {name!r}.{did_you_mean(name, arrays)}",
            hint=f"its arrays are: {', '.join(sorted(arrays)) or 'none'}",
        )
    return arrays[name]


def _read_npz(manifest: Manifest, path: Path) -> Table:
    reader = manifest.reader
    assert isinstance(reader, NpzReader)
    arrays = read_npz_arrays(path)
    y = pick_array(arrays, reader.y, path) if reader.y else None
    return table_of(pick_inputs(arrays, reader.x, path), y, str(path))


def _read_npy(manifest: Manifest, path: Path) -> Table:
    reader = manifest.reader
    assert isinstance(reader, NpyReader)
    y = _load_npy(confined(path.parent, reader.y)) if reader.y else None
    return table_of((_load_npy(path),), y, str(path))


def _load_npy(path: Path) -> Array:
    return parse_npy(read_bytes(path, what="npy file", limit=MAX_FILE_BYTES), path)


def _make_synthetic(manifest: Manifest, path: Path) -> Table:
    reader = manifest.reader
    assert isinstance(reader, SyntheticReader)
    random = np.random.default_rng(reader.seed)
    x = random.uniform(-1, 1, (reader.samples, *reader.shape)).astype(np.float32)
    return table_of((x,), None, manifest.id, prefix="synthetic-")


def _generate(manifest: Manifest, path: Path) -> Table:
    from edgeq.data.generators.table import generate

    reader = manifest.reader
    assert isinstance(reader, GeneratedReader)
    made = generate(reader.generator, reader.samples, reader.seed)
    return replace(table_of(made.inputs, made.y, manifest.id), ids=made.ids)


# --- folders -------------------------------------------------------------------------------------


def _list_files(folder: Path, suffixes: tuple[str, ...]) -> Iterator[tuple[str, Path]]:
    """Yield (relative posix path, path) in sorted order; links are passed over."""
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder", hint="source.path must name a folder here")
    found: list[Path] = []
    for base, _, names in os.walk(folder):
        paths = (Path(base, name) for name in names if name.lower().endswith(suffixes))
        found += [path for path in paths if path.is_file() and not path.is_symlink()]
        if len(found) > MAX_FILES:
            raise wrong(folder, f"it holds more than {MAX_FILES:,} files")
    if not found:
        raise wrong(folder, f"it holds no {'/'.join(suffixes)} file")
    yield from sorted((path.relative_to(folder).as_posix(), path) for path in found)


def _read_folder(
    manifest: Manifest,
    folder: Path,
    suffixes: tuple[str, ...],
    label: str,
    read: Callable[[Path], Array],
) -> Table:
    ids, items, total = [], [], 0
    for name, path in _list_files(folder, suffixes):
        item = read(path)
        total += item.nbytes
        if total > MAX_TOTAL_BYTES:
            raise wrong(folder, "its samples take more memory than edgeq gives them")
        ids.append(name)
        items.append((item,))
    names = [LABELS[label](name) for name in ids] if label != "none" else None
    y = None if names is None else label_indices(names, manifest.labels, folder)
    return Table(tuple(ids), tuple(items), y)


LABELS: dict[str, Callable[[str], str]] = {
    "folder": lambda name: Path(name).parts[0] if "/" in name else "",
    "prefix": lambda name: Path(name).stem.split("_")[0],
}


def label_indices(names: list[str], labels: tuple[str, ...], what: object) -> NDArray[np.int64]:
    """Return each name's place in `labels`, or, without labels, among the sorted names."""
    known = labels or tuple(sorted(set(names)))
    index = {name: i for i, name in enumerate(known)}
    for name in names:
        if name not in index:
            raise InputError(
                f"{what}: label {name!r} is not in the manifest.{did_you_mean(name, known)}",
                hint=f"labels are: {', '.join(known[:20])}",
            )
    return np.array([index[name] for name in names], np.int64)


def _read_images(manifest: Manifest, path: Path) -> Table:
    reader = manifest.reader
    assert isinstance(reader, ImageReader)
    mode = PIXELS[reader.mode]
    return _read_folder(
        manifest, path, IMAGE_SUFFIXES, reader.label, lambda file: read_image(file, mode)
    )


def read_image(path: Path, mode: str) -> NDArray[np.uint8]:
    """Return a PNG, JPEG or BMP as uint8 (H, W, 3) for mode 'RGB', (H, W, 1) for 'L'."""
    require("pillow")
    from PIL import Image

    data = read_bytes(path, what="image", limit=MAX_FILE_BYTES)
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "BMP")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise wrong(path, f"it has more than {MAX_PIXELS:,} pixels")
            pixels = np.array(image.convert(mode), np.uint8)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Warning) as error:
        raise wrong(path, f"it is not a readable PNG, JPEG or BMP: {error}") from error
    return pixels.reshape(pixels.shape[0], pixels.shape[1], -1)


def _read_coco(manifest: Manifest, path: Path) -> Table:
    from edgeq.data.coco import read_coco

    return read_coco(manifest, path)


def _read_wavs(manifest: Manifest, path: Path) -> Table:
    reader = manifest.reader
    assert isinstance(reader, WavReader)
    rate = reader.sample_rate
    return _read_folder(manifest, path, (".wav",), reader.label, lambda file: read_wav(file, rate))


def read_wav(path: Path, sample_rate: int) -> NDArray[np.float32]:
    """Return 8, 16 or 32-bit PCM as float32 (samples,) in [-1, 1), channels averaged."""
    data = read_bytes(path, what="WAV file", limit=MAX_FILE_BYTES)
    try:
        with wave.open(io.BytesIO(data), "rb") as file:
            rate, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
            raw = file.readframes(file.getnframes())
    except (wave.Error, EOFError, ValueError, RuntimeError, MemoryError) as error:
        raise wrong(path, f"it is not a readable PCM .wav: {error}") from error
    if rate != sample_rate:
        raise wrong(path, f"it has {rate} Hz, the manifest says {sample_rate} Hz")
    if width not in WAV_FULL_SCALE or not raw or len(raw) % (width * channels):
        raise wrong(path, f"{8 * width} bits or its length is none that edgeq reads")
    x = np.frombuffer(raw, f"<{'u' if width == 1 else 'i'}{width}").astype(np.float64)
    x = (x - 128 if width == 1 else x) / WAV_FULL_SCALE[width]
    return np.asarray(x.reshape(-1, channels).mean(axis=1), np.float32)


# --- tables --------------------------------------------------------------------------------------


def _read_csv(manifest: Manifest, path: Path) -> Table:
    reader = manifest.reader
    assert isinstance(reader, CsvReader)
    data = read_bytes(path, what="CSV file", limit=MAX_FILE_BYTES >> 2)
    try:
        text = io.StringIO(data.decode("utf-8-sig"), newline="")
        header, *rows = csv.reader(text, delimiter=reader.delimiter, strict=True)
    except (UnicodeDecodeError, csv.Error, ValueError, TypeError) as error:
        raise wrong(path, f"it is not a readable CSV: {error}") from error
    features = reader.features or tuple(name for name in header if name != reader.label)
    for name in (*features, *([reader.label] if reader.label else [])):
        if header.count(name) != 1:
            raise wrong(path, f"its header does not hold column {name!r} once")
    columns = [header.index(name) for name in features]
    rows = [row for row in rows if row]
    x = np.array([_numbers(row, columns, header, path, i) for i, row in enumerate(rows, 2)])
    at = header.index(reader.label) if reader.label else None
    y = None if at is None else _targets(manifest, [row[at] for row in rows], path)
    return table_of((x.astype(np.float32).reshape(len(rows), -1),), y, str(path), prefix="row-")


def _numbers(
    row: list[str], columns: list[int], header: list[str], path: Path, line: int
) -> list[float]:
    try:
        if len(row) != len(header):
            raise ValueError(f"{len(row)} fields, the header has {len(header)}")
        return [float(row[column]) for column in columns]
    except ValueError as error:
        raise wrong(path, f"row {line}: {error}") from error


def _targets(manifest: Manifest, names: list[str], path: Path) -> Array:
    if manifest.metric != "mae":
        return label_indices(names, manifest.labels, path)
    try:
        return np.array([float(name) for name in names], np.float32)
    except ValueError as error:
        raise wrong(path, f"its targets are not numbers: {error}") from error


def wrong(what: object, why: str) -> InputError:
    """Return the error of a file that is not what the manifest says."""
    return InputError(f"{what}: {why}", hint="check the file, and the manifest's reader and source")


READERS: dict[type[Any], Callable[[Manifest, Path], Table]] = {
    NpzReader: _read_npz,
    NpyReader: _read_npy,
    ImageReader: _read_images,
    CocoReader: _read_coco,
    WavReader: _read_wavs,
    CsvReader: _read_csv,
    SyntheticReader: _make_synthetic,
    GeneratedReader: _generate,
}
