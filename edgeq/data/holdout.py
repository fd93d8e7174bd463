"""A dataset with its judges put away: what a search may look at as often as it likes."""

from __future__ import annotations

from dataclasses import replace

from edgeq.core.errors import InputError
from edgeq.data.dataset import Dataset, hash_sample, pick_rows
from edgeq.data.readers import Table

LEAST = 20


def hold_out(dataset: Dataset, share: float = 0.5) -> Dataset:
    """Return the dataset with other judges, which neither train nor calibrate.

    Where a training split is apart from the representative one, the representative samples judge,
    for the model has not seen them, and training samples calibrate. Else a share of the
    representative samples judges, those of the least SHA-256, so that equal ones stay together.

    Raises:
        InputError: fewer than 20 samples would judge, or none would be left.
    """
    parts = dataset.parts
    pool, train = parts["representative"], parts.get("train")
    digests = [hash_sample(item) for item in pool.items]
    if train is not None and set(digests).isdisjoint(map(hash_sample, train.items)):
        return _checked(dataset, {**parts, "evaluation": pool, "representative": train})
    limit = sorted(digests)[min(int(share * len(digests)), len(digests) - 1)]
    held = {digest for digest in digests if digest < limit}
    judges = pick_rows(pool, [i for i, digest in enumerate(digests) if digest in held])
    rest = {name: _without(part, held) for name, part in parts.items()}
    return _checked(dataset, {**rest, "evaluation": judges})


def _checked(dataset: Dataset, parts: dict[str, Table]) -> Dataset:
    if len(parts["evaluation"].ids) < LEAST or not all(part.ids for part in parts.values()):
        raise InputError(
            f"dataset {dataset.name}: its representative split is too small to hold some out",
            hint=f"a search needs {LEAST} samples apart from those that calibrate and train",
        )
    return replace(dataset, parts=parts)


def _without(part: Table, held: set[str]) -> Table:
    rows = [i for i, item in enumerate(part.items) if hash_sample(item) not in held]
    return pick_rows(part, rows)
