"""What a generator gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """Samples: an array (N, ...) for each input, labels (N,) and a name for each."""

    inputs: tuple[NDArray[Any], ...]
    y: NDArray[Any]
    ids: tuple[str, ...]


def number_ids(prefix: str, count: int) -> tuple[str, ...]:
    """Return 'prefix-0', 'prefix-1' and so on."""
    return tuple(f"{prefix}-{i}" for i in range(count))
