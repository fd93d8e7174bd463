"""What a recipe works with: samples that calibrate, train, watch, and are held back to measure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from edgeq.convert.detections import Layout, layout_of
from edgeq.convert.metrics import Array
from edgeq.convert.samples import Inputs, hash_samples, load_inputs, save_inputs
from edgeq.core.errors import InputError
from edgeq.core.files import sha256_hex
from edgeq.data.dataset import hash_sample
from edgeq.data.ports import Port, fit_inputs

if TYPE_CHECKING:
    from edgeq.data.dataset import Dataset, Samples

WATCHED = 0.1  # share of the training samples that watches
HELD = 256  # samples at most that measure what a step gave


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Samples and what they are judged by: int32 labels, float32 targets, or None."""

    x: Inputs
    y: Array | None

    def __len__(self) -> int:
        return len(self.x[0])

    def take(self, rows: Array) -> Labelled:
        """Return some of the samples."""
        return Labelled(tuple(x[rows] for x in self.x), None if self.y is None else self.y[rows])

    def head(self, count: int) -> Labelled:
        """Return the first `count` samples at most."""
        y = None if self.y is None else self.y[:count]
        return Labelled(tuple(x[:count] for x in self.x), y)

    def joined(self, other: Labelled) -> Labelled:
        """Return these samples and then those of `other`."""
        x = tuple(np.concatenate(parts) for parts in zip(self.x, other.x, strict=True))
        if self.y is None or other.y is None:
            return Labelled(x, None)
        return Labelled(x, np.concatenate([self.y, other.y]))


class Materials(NamedTuple):
    """Everything that the child is given; `metric` is the dataset's, None where it has none.

    `layout`: of a detector's outputs, None for other models.
    """

    calibration: Labelled
    training: Labelled
    watched: Labelled
    metric: str | None
    source: str  # of the training samples: train, or representative
    names: tuple[str, ...] = ("",)  # of the inputs, as the manifest has them
    layout: Layout | None = None

    @property
    def held(self) -> Labelled:
        """The samples that measure what a step gave."""
        return self.watched.head(HELD)

    @property
    def apart(self) -> bool:
        """Whether none of the samples that measure calibrates."""
        return set(_digests(self.held)).isdisjoint(_digests(self.calibration))

    @property
    def sha256(self) -> str:
        """The fingerprint: over dtype, shape and content of all samples and labels, in order."""
        arrays = [a for part in self[:3] for a in (*part.x, part.y) if a is not None]
        digests = (hash_samples(array) for array in arrays)
        return sha256_hex("\n".join((*digests, self.metric or "-")).encode())


def gather_materials(dataset: Dataset, samples: int, *, apart: bool = False) -> Materials:
    """Return a dataset's samples, divided; none of the evaluation split is touched.

    The training split trains, the representative one where there is no other. A tenth of it, by
    the hash of the samples, so that equal ones stay together, only watches.

    Args:
        samples: that calibrate, at most.
        apart: let none calibrate that measure what a step gave, unless all are alike.

    Raises:
        InputError: samples are missing or not finite.
    """
    source = "train" if "train" in dataset.parts else "representative"
    pool = _labelled(dataset, source, None)
    drawn = pool if source == "representative" else _labelled(dataset, "representative", samples)
    shares = _shares(pool)
    watching = shares < WATCHED
    if not 0 < int(watching.sum()) < len(pool):  # few samples: the least hash watches
        watching = shares == shares.min() if np.ptp(shares) else np.zeros(len(pool), bool)
    training, watched = pool, pool
    if watching.any():
        training, watched = (pool.take(np.flatnonzero(rows)) for rows in (~watching, watching))
    if apart:
        drawn = training if drawn is pool else _without(drawn, watched.head(HELD))
    calibration = drawn.head(samples)
    judged = dataset.manifest.metric != "none" and pool.y is not None
    metric = str(dataset.manifest.metric) if judged else None
    names = dataset.samples("representative", 1).names
    layout = layout_of(dataset.manifest)
    return Materials(calibration, training, watched, metric, source, names, layout)


def _shares(samples: Labelled) -> Array:
    """Return a number of [0, 1) for each sample (N,), the same for equal ones."""
    return np.array([int(digest[:13], 16) / float(16**13) for digest in _digests(samples)])


def _digests(samples: Labelled) -> list[str]:
    return [hash_sample(tuple(x[i] for x in samples.x)) for i in range(len(samples))]


def _without(samples: Labelled, others: Labelled) -> Labelled:
    """Return the samples that equal none of `others`; all of them where each does."""
    known = set(_digests(others))
    rows = [i for i, digest in enumerate(_digests(samples)) if digest not in known]
    return samples.take(np.array(rows)) if rows else samples


def _labelled(dataset: Dataset, split: str, limit: int | None) -> Labelled:
    found: Samples = dataset.samples(split, limit)
    x = found.inputs
    if len(x[0]) == 0 or not all(np.isfinite(part).all() for part in x):
        raise InputError(
            f"dataset {dataset.name}: its {split} samples are empty or not finite",
            hint="look at it: edgeq data show",
        )
    if found.y is None:
        return Labelled(x, None)
    y = np.asarray(found.y)
    return Labelled(x, np.ascontiguousarray(y, np.float32 if y.dtype.kind == "f" else np.int32))


def save_materials(folder: Path, materials: Materials) -> None:
    """Write the samples to the child's folder."""
    for name in ("calibration", "training", "watched"):
        part: Labelled = getattr(materials, name)
        save_inputs(folder, part.x, name=name)
        if part.y is not None:
            np.save(folder / f"{name}_y.npy", part.y)


def load_materials(folder: Path, job: Mapping[str, Any], ports: Sequence[Port]) -> Materials:
    """Return what `save_materials` wrote, as the inputs of the job's model, `ports`, take it.

    Raises:
        InputError: the samples do not fit the model's inputs.
    """
    source, names, parts = Path(job["source"]), tuple(job["names"]), []
    for name in ("calibration", "training", "watched"):
        labels = folder / f"{name}_y.npy"
        x = fit_inputs(source, ports, load_inputs(folder, name=name), names)
        parts.append(Labelled(x, np.load(labels) if labels.exists() else None))
    calibration, training, watched = parts
    layout = msgspec.convert(job["layout"], Layout | None)
    return Materials(calibration, training, watched, job["metric"], job["split"], names, layout)


def describe_materials(materials: Materials) -> dict[str, Any]:
    """Return what a child's job says of its samples, for `load_materials` there."""
    return {
        "metric": materials.metric,
        "names": materials.names,
        "split": materials.source,
        "layout": msgspec.to_builtins(materials.layout),
    }
