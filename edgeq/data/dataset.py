"""A dataset: its samples, split into those that calibrate, those that judge, those that train."""

from __future__ import annotations

import fnmatch
import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import structs

from edgeq.core.errors import InputError
from edgeq.data import catalog
from edgeq.data.manifest import (
    BOX_METRICS,
    SPLIT_NAMES,
    ArraySplit,
    InputSpec,
    LocalSource,
    Manifest,
    MatchSplit,
    Metric,
    NoSource,
    NpzReader,
    RowsSplit,
    SampleSpec,
    ShareSplit,
    Split,
    Splits,
    SyntheticReader,
)
from edgeq.data.preprocessing import apply_steps
from edgeq.data.readers import (
    Array,
    Item,
    Table,
    pick_array,
    pick_inputs,
    read_npz_arrays,
    read_table,
    table_of,
)

ALIASES = {"calibration": "representative"}
SYNTHETIC = "synthetic:"
MAX_SYNTHETIC_ELEMENTS = 1 << 22
# What an .npz without a manifest may call its arrays, the first that is there wins.
ROLES = {
    "representative": ("calibration", "calib", "representative", "rep", "train"),
    "evaluation": ("evaluation", "eval", "test", "val"),
}


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples ready for a model: an array (N, ...) for each of its inputs, float32 or int32.

    `names` are the inputs' in the model ('' where the manifest names none); `y` (N,) or (N, ...) or
    None are labels, targets or boxes, `ids` one name a sample.
    """

    inputs: tuple[Array, ...]
    y: Array | None
    ids: tuple[str, ...]
    names: tuple[str, ...] = ("",)

    @property
    def x(self) -> Array:
        """The first input."""
        return self.inputs[0]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A loaded dataset. `warnings` say what its figures cannot tell."""

    name: str
    manifest: Manifest
    parts: dict[str, Table]
    warnings: tuple[str, ...] = ()

    def samples(self, split: str, limit: int | None = None) -> Samples:
        """Return the first `limit` preprocessed samples of a split (None: all of it).

        `split` is 'calibration' (also 'representative'), 'evaluation' or 'train'.

        Raises:
            InputError: no such split, or samples that do not fit the manifest.
        """
        part = self.parts.get(ALIASES.get(split, split))
        if part is None:
            raise InputError(
                f"dataset {self.name} has no split {split!r}",
                hint=f"its splits are: {', '.join(self.parts)}",
            )
        specs = _describe_inputs(self.manifest, part)
        y = None if part.y is None else part.y[:limit]
        inputs = tuple(
            _stack(
                (
                    _prepare(item[i], spec, f"dataset {self.manifest.id}: sample {name}")
                    for item, name in zip(part.items[:limit], part.ids[:limit], strict=True)
                ),
                len(part.items[:limit]),
                spec,
                self.manifest.id,
            )
            for i, spec in enumerate(specs)
        )
        return Samples(inputs, y, part.ids[:limit], tuple(spec.name for spec in specs))


def load_dataset(ref: str, *, data_root: Path | None = None) -> Dataset:
    """Load a dataset: its id, the path of a manifest (.toml) or .npz, or 'synthetic:1x96x96x3'.

    Local data are looked for below `data_root`, EDGEQ_DATA_DIR, a user's manifest and the cache.

    Raises:
        InputError: unknown, missing, damaged, or a sample that judges also calibrates or trains.
    """
    if ref.startswith(SYNTHETIC):
        manifest = _synthetic_manifest(ref)
        note = f"{ref} is noise: latency and memory hold, accuracy says nothing"
        return Dataset(ref, manifest, split_samples(manifest, Path()), (note,))
    if ref.endswith(".npz"):
        path = Path(ref)
        manifest = _describe_npz(path)
        return Dataset(path.stem, manifest, split_samples(manifest, path))
    entry = catalog.find_entry(ref)
    path = catalog.locate_data(entry, data_root=data_root)
    return Dataset(entry.manifest.id, entry.manifest, split_samples(entry.manifest, path))


# --- splits --------------------------------------------------------------------------------------


def split_samples(manifest: Manifest, path: Path) -> dict[str, Table]:
    """Read the data at `path` and divide them; raise InputError where splits share a sample."""
    chosen = {name: getattr(manifest.splits, name) for name in SPLIT_NAMES}
    splits: dict[str, Split] = {name: split for name, split in chosen.items() if split is not None}
    if any(isinstance(split, ArraySplit) for split in splits.values()):
        take = partial(_take_arrays, arrays=read_npz_arrays(path), manifest=manifest, path=path)
    else:
        take = partial(_take_rows, table=read_table(manifest, path))
    parts = {name: _shuffle(take(split), manifest.shuffle) for name, split in splits.items()}
    for name, part in parts.items():
        if not part.ids:
            raise InputError(
                f"dataset {manifest.id}: split {name} holds no sample",
                hint=f"check splits.{name} in the manifest against the data",
            )
        if part.y is not None and manifest.labels:
            _check_labels(manifest, name, part.y)
    _refuse_overlap(manifest.id, parts)
    return parts


def _take_arrays(
    split: Split, *, arrays: dict[str, Array], manifest: Manifest, path: Path
) -> Table:
    if isinstance(split, ArraySplit):
        x, y = split.x, split.y
    else:
        assert isinstance(manifest.reader, NpzReader)
        x, y = manifest.reader.x, manifest.reader.y
    target = pick_array(arrays, y, path) if y else None
    first = x if isinstance(x, str) else x[0]
    inputs = pick_inputs(arrays, x, path)
    table = table_of(inputs, target, f"{path}:{first}", prefix=f"{first}-")
    return table if isinstance(split, ArraySplit) else _take_rows(split, table=table)


def _take_rows(split: Split, *, table: Table) -> Table:
    return pick_rows(table, RULES[type(split)](split, table))


def _match(split: MatchSplit, table: Table) -> list[int]:
    def any_of(name: str, patterns: Iterable[str]) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)

    return [
        i
        for i, name in enumerate(table.ids)
        if any_of(name, split.names) and not any_of(name, split.but_not)
    ]


def _rows(split: RowsSplit, table: Table) -> list[int]:
    if not 0 <= split.start < split.stop <= len(table.ids):
        raise InputError(
            f"rows {split.start} to {split.stop} do not lie in the {len(table.ids)} samples",
            hint="correct start and stop of the split in the manifest",
        )
    return list(range(split.start, split.stop))


def _share(split: ShareSplit, table: Table) -> list[int]:
    shares = [int(hash_sample(item)[:13], 16) / 16**13 for item in table.items]
    return [i for i, share in enumerate(shares) if split.start <= share < split.stop]


RULES: dict[type[Any], Callable[[Any, Table], list[int]]] = {
    MatchSplit: _match,
    RowsSplit: _rows,
    ShareSplit: _share,
}


def hash_sample(item: Item) -> str:
    """Return the SHA-256 of a raw sample: of each array dtype, shape and bytes in C order."""
    heads = (f"{array.dtype.str}{array.shape}".encode() for array in item)
    parts = zip(heads, item, strict=True)
    return hashlib.sha256(
        b"".join(head + np.ascontiguousarray(array).tobytes() for head, array in parts)
    ).hexdigest()


def _refuse_overlap(dataset: str, parts: dict[str, Table]) -> None:
    judges = parts["evaluation"]
    judged = {hash_sample(item): name for item, name in zip(judges.items, judges.ids, strict=True)}
    for split in parts.keys() - {"evaluation"}:
        for item, name in zip(parts[split].items, parts[split].ids, strict=True):
            twin = judged.get(hash_sample(item))
            if twin is not None:
                raise InputError(
                    f"dataset {dataset}: sample {name} of split {split} is also {twin} of split "
                    "evaluation",
                    hint="remove the duplicate, or split by share: equal samples stay together",
                )


def _check_labels(manifest: Manifest, split: str, y: Array) -> None:
    if manifest.metric in ("mae", *BOX_METRICS):
        return
    count, what = len(manifest.labels), f"dataset {manifest.id}: split {split} holds labels"
    if manifest.metric == "map" and y.ndim == 2:
        if y.shape[1] != count or not np.isin(y, (0, 1)).all():
            raise InputError(
                f"{what} of {y.shape[1]} values that are not 0 or 1 for each of {count}",
                hint="say for each of the manifest's labels, in their order, who has it",
            )
        return
    if y.ndim != 1 or y.dtype.kind not in "iub" or y.min() < 0 or y.max() >= count:
        raise InputError(
            f"{what} outside 0 to {count - 1}", hint="labels are places in the manifest's list"
        )


def _shuffle(table: Table, seed: int | None) -> Table:
    if seed is None:
        return table
    # By a hash and not by a generator: the order holds on every version of numpy.
    keys = [hashlib.sha256(f"{seed}:{name}".encode()).digest() for name in table.ids]
    return pick_rows(table, sorted(range(len(keys)), key=keys.__getitem__))


def pick_rows(table: Table, rows: list[int]) -> Table:
    """Return the table of these rows, in their order."""
    return Table(
        tuple(table.ids[i] for i in rows),
        tuple(table.items[i] for i in rows),
        None if table.y is None else table.y[rows],
    )


def _describe_inputs(manifest: Manifest, part: Table) -> tuple[InputSpec, ...]:
    """Return what the manifest says of each array of a sample."""
    count = len(part.items[0])
    if manifest.inputs and len(manifest.inputs) != count:
        raise InputError(
            f"dataset {manifest.id}: its samples have {count} arrays, the manifest describes "
            f"{len(manifest.inputs)} inputs",
            hint="give one [[inputs]] for each array, in the reader's order",
        )
    alike = InputSpec(
        name="", preprocessing=manifest.preprocessing, **structs.asdict(manifest.sample)
    )
    return manifest.inputs or (alike,) * count


def _prepare(array: Array, spec: InputSpec, what: str) -> Array:
    """Return one preprocessed array of a sample; its errors name the sample."""
    try:
        return apply_steps(array, spec.preprocessing)
    except InputError as error:
        raise InputError(f"{what}: {error.cause}", hint=error.hint) from error


def _stack(items: Iterable[Array], count: int, spec: InputSpec, dataset: str) -> Array:
    """Return `count` samples as one array (count, ...), each taken as it is made."""
    what = f"dataset {dataset}" + (f", input {spec.name}" if spec.name else "")
    x = np.zeros((0, *spec.shape), np.float32)
    for place, item in enumerate(items):
        if place == 0:
            x = np.empty((count, *item.shape), item.dtype)
        shapes = {item.shape, x.shape[1:]}
        if len(shapes) > 1 or (spec.shape and shapes - {spec.shape}):
            raise InputError(
                f"{what}: samples have shapes {sorted(map(list, shapes))}, wanted "
                f"{list(spec.shape) or 'one'}",
                hint="resize, pad or reshape them in [[preprocessing]], or correct sample.shape",
            )
        if item.dtype != x.dtype:
            x = x.astype(np.result_type(x, item))
        x[place] = item
    low = -math.inf if spec.low is None else spec.low
    high = math.inf if spec.high is None else spec.high
    least, most = (np.min(x), np.max(x)) if x.size else (low, high)
    if least < low or most > high:
        raise InputError(
            f"{what}: values from {least:g} to {most:g} leave the range {low:g} to {high:g}",
            hint="correct the preprocessing, or sample.low and sample.high",
        )
    return x


# --- without a manifest --------------------------------------------------------------------------


def _synthetic_manifest(ref: str) -> Manifest:
    sizes = ref.removeprefix(SYNTHETIC).split("x")
    if not all(s.isascii() and s.isdecimal() and 0 < len(s) < 8 and int(s) for s in sizes):
        raise InputError(f"{ref!r} names no shape", hint="for example synthetic:1x96x96x3")
    batch, *shape = map(int, sizes)
    if batch != 1 or not shape or math.prod(shape) > MAX_SYNTHETIC_ELEMENTS:
        raise InputError(
            f"{ref!r}: the shape must begin with batch 1 and have at most "
            f"{MAX_SYNTHETIC_ELEMENTS:,} elements",
            hint="for example synthetic:1x96x96x3",
        )
    count = 200 if math.prod(shape) <= 1 << 18 else 20
    return Manifest(
        id="synthetic",
        name=ref,
        licence="CC0-1.0",
        metric="none",
        source=NoSource(),
        reader=SyntheticReader(shape=tuple(shape), samples=count),
        sample=SampleSpec(shape=tuple(shape), low=-1, high=1),
        splits=Splits(
            representative=RowsSplit(start=0, stop=count // 2),
            evaluation=RowsSplit(start=count // 2, stop=count),
        ),
    )


def _describe_npz(path: Path) -> Manifest:
    arrays = read_npz_arrays(path)
    calibrates, judges = (_find_role(arrays, words) for words in ROLES.values())
    if calibrates and judges:
        splits = Splits(representative=calibrates, evaluation=judges)
        x, y = str(judges.x), judges.y
    else:
        only = calibrates or judges
        x, y = (str(only.x), only.y) if only else ("x", "y" if "y" in arrays else "")
        pick_array(arrays, x, path)
        splits = Splits(
            representative=ShareSplit(start=0, stop=0.5), evaluation=ShareSplit(start=0.5, stop=1)
        )
    return Manifest(
        id=path.stem,
        name=path.name,
        licence="unknown",
        metric=_metric_of(arrays[y]) if y else "none",
        source=LocalSource(path=str(path)),
        reader=NpzReader(x=x, y=y),
        splits=splits,
    )


def _metric_of(y: Array) -> Metric:
    """Return the metric that labels or targets without a manifest suggest."""
    if y.dtype.kind == "f":
        return "mae"
    return "map" if y.size > len(y) > 0 else "top1"


def _find_role(arrays: dict[str, Array], words: tuple[str, ...]) -> ArraySplit | None:
    for word in words:
        if f"x_{word}" in arrays:
            return ArraySplit(x=f"x_{word}", y=f"y_{word}" if f"y_{word}" in arrays else "")
    return None
