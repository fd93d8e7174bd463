"""What a lowering returns: the kernel calls of one layer and the constants they read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Ref:
    """A constant array, named in an initialiser."""

    name: str
    shared: bool = False

    def in_layer(self, index: int) -> str:
        """Return the array's C name in layer `index`."""
        return self.name if self.shared else f"{self.name}{index}"


@dataclass(frozen=True, slots=True, eq=False)
class Constant:
    """A flat array in flash.

    It belongs to its layer, or it is shared: then arrays of one name merge and the longest wins.
    """

    name: str
    data: NDArray[Any]
    shared: bool = False

    @property
    def ref(self) -> Ref:
        """This array, for an initialiser."""
        return Ref(self.name, self.shared)


@dataclass(frozen=True, slots=True)
class Call:
    """A call `kernel(&parameters, operands...)`; operands are graph tensor indices.

    `fields` initialises `struct <struct>` in the order of the mapping: its values are numbers,
    sequences of numbers, constants or further mappings.
    """

    kernel: str
    struct: str
    fields: Mapping[str, Any]
    operands: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One node, lowered. `sources` are the stems of the kernel files that it needs.

    A `hot` layer's kernels take most of the time: they are worth -O2 where the rest gets -Os.
    """

    calls: tuple[Call, ...]
    sources: tuple[str, ...]
    constants: tuple[Constant, ...] = ()
    detail: str = ""
    hot: bool = False


def constant(name: str, values: Any, dtype: type[np.generic], *, shared: bool = False) -> Constant:
    """Return a flat array constant of `dtype`."""
    return Constant(name, np.ascontiguousarray(values, dtype=dtype).reshape(-1), shared)
