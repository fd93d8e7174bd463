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


# An operand that is no tensor: the layer's scratch memory.
SCRATCH = -2


@dataclass(frozen=True, slots=True)
class Overlap:
    """Where an output may lie upon an input that dies in its layer.

    The output starts at least `distance` bytes below the input's start (negative: it may start as
    many bytes above it), or, where `exact`, at the input's start and nowhere else.
    """

    tensor: int
    distance: int = 0
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A call `kernel(&parameters, operands...)`; operands are graph tensor indices, or SCRATCH.

    `fields` initialises `struct <struct>` in the order of the mapping: its values are numbers,
    sequences of numbers, constants or further mappings.
    """

    kernel: str
    struct: str
    fields: Mapping[str, Any]
    operands: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """An operand that starts `offset` bytes into a tensor, or into SCRATCH.

    In a loop it starts `step` bytes further in each round.
    """

    tensor: int
    offset: int = 0
    step: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One of a layer's calls, by its index, with operands of its own."""

    call: int
    operands: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """Runs that follow each other, `rounds` times."""

    rounds: int
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Coding:
    """How a node's weights are kept as codes.

    `bits` of a code, distinct `values`, bytes of flash `saved`; `decoded` are the bytes of memory
    that all weights would take at once, `held` those that are there for some of them.
    """

    node: int
    bits: int
    values: int
    saved: int
    decoded: int
    held: int


@dataclass(frozen=True, slots=True)
class Layer:
    """One node, lowered. `sources` are the stems of the kernel files that it needs.

    A `hot` layer's kernels take most of the time: they are worth -O2 where the rest gets -Os.
    `scratch` is in bytes: memory of the arena that only this layer uses. `overlaps` are what its
    kernels permit, given the order in which they read and write. Without a `program` each call is
    made once, in order; with one, `kernels` are those of its nodes, one each. `codings` are
    those of nodes whose weights are kept as codes.
    """

    calls: tuple[Call, ...]
    sources: tuple[str, ...]
    constants: tuple[Constant, ...] = ()
    detail: str = ""
    hot: bool = False
    scratch: int = 0
    overlaps: tuple[Overlap, ...] = ()
    program: tuple[Loop, ...] = ()
    kernels: tuple[str, ...] = ()
    codings: tuple[Coding, ...] = ()


def constant(name: str, values: Any, dtype: type[np.generic], *, shared: bool = False) -> Constant:
    """Return a flat array constant of `dtype`."""
    return Constant(name, np.ascontiguousarray(values, dtype=dtype).reshape(-1), shared)
