"""A dataset's samples on their way to a worker: packed as bytes, unpacked as a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeq.core.files import sha256_hex
from edgeq.data.manifest import Manifest, NoSource, RowsSplit, Splits, SyntheticReader
from edgeq.sweep.records import Samples

if TYPE_CHECKING:
    from edgeq.data.dataset import Dataset

DTYPE = "<f4"


def pack_samples(dataset: Dataset, split: str, limit: int) -> Samples:
    """Return the first `limit` preprocessed samples of a split, as little-endian float32."""
    part = dataset.samples(split, limit)
    data = np.ascontiguousarray(part.x, DTYPE).tobytes()
    return Samples(
        dataset=dataset.name,
        sha256=sha256_hex(f"{part.x.shape}{part.ids}".encode() + data),
        shape=part.x.shape,
        data=data,
        ids=part.ids,
        warnings=dataset.warnings,
    )


def unpack_samples(samples: Samples, split: str) -> Dataset:
    """Return a dataset that holds these samples alone, as `split`."""
    from edgeq.data.dataset import Dataset
    from edgeq.data.readers import Table

    count, *shape = samples.shape
    rows = RowsSplit(start=0, stop=count)
    manifest = Manifest(
        id="sweep",
        name=samples.dataset,
        licence="unknown",
        metric="none",
        source=NoSource(),
        reader=SyntheticReader(shape=tuple(shape), samples=count),
        splits=Splits(representative=rows, evaluation=rows),
    )
    x = np.frombuffer(samples.data, DTYPE).reshape(samples.shape).astype(np.float32)
    parts = {split: Table(samples.ids, tuple(x), None)}
    return Dataset(samples.dataset, manifest, parts, samples.warnings)
