"""A dataset's samples on their way to a worker: packed as bytes, unpacked as a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from edgeq.core.files import sha256_hex
from edgeq.data.manifest import InputSpec, Manifest, NoSource, RowsSplit, Splits, SyntheticReader
from edgeq.data.preprocessing import Cast
from edgeq.sweep.records import PackedArray, Samples

if TYPE_CHECKING:
    from edgeq.data.dataset import Dataset
    from edgeq.data.readers import Array

DTYPES = {"float32": "<f4", "int32": "<i4"}


def pack_samples(dataset: Dataset, split: str, limit: int) -> Samples:
    """Return the first `limit` preprocessed samples of a split, with all inputs of each."""
    part = dataset.samples(split, limit)
    arrays = tuple(map(_pack, part.names, part.inputs))
    heads = [(array.name, array.dtype, array.shape) for array in arrays]
    return Samples(
        dataset=dataset.name,
        sha256=sha256_hex(f"{heads}{part.ids}".encode() + b"".join(a.data for a in arrays)),
        arrays=arrays,
        ids=part.ids,
        warnings=dataset.warnings,
    )


def _pack(name: str, x: Array) -> PackedArray:
    dtype: Literal["float32", "int32"] = "int32" if x.dtype == np.int32 else "float32"
    data = np.ascontiguousarray(x, DTYPES[dtype]).tobytes()
    return PackedArray(name=name, dtype=dtype, shape=x.shape, data=data)


def unpack_samples(samples: Samples, split: str) -> Dataset:
    """Return a dataset that holds these samples alone, as `split`."""
    from edgeq.data.dataset import Dataset
    from edgeq.data.readers import Table, table_of

    rows = RowsSplit(start=0, stop=len(samples.ids))
    manifest = Manifest(
        id="sweep",
        name=samples.dataset,
        licence="unknown",
        metric="none",
        source=NoSource(),
        reader=SyntheticReader(shape=samples.arrays[0].shape[1:], samples=len(samples.ids)),
        inputs=tuple(map(_describe, samples.arrays)),
        splits=Splits(representative=rows, evaluation=rows),
    )
    table = table_of(tuple(map(_unpack, samples.arrays)), None, samples.dataset)
    parts = {split: Table(samples.ids, table.items, None)}
    return Dataset(samples.dataset, manifest, parts, samples.warnings)


def _describe(array: PackedArray) -> InputSpec:
    """Return what keeps an array as it is: only what a cast leaves as int32 stays int32."""
    steps = (Cast(dtype="int32"),) if array.dtype == "int32" else ()
    return InputSpec(name=array.name, shape=array.shape[1:], preprocessing=steps)


def _unpack(array: PackedArray) -> Array:
    raw = np.frombuffer(array.data, DTYPES[array.dtype])
    return raw.reshape(array.shape).astype(array.dtype)
