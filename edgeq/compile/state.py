"""The C of state that is kept between invokes: its first values and how NAME_init gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.text import c_array
from edgeq.graph.ir import Graph
from edgeq.graph.variables import initial_values

_CLEARED = "Clears the arena."
_KEPT = """Clears the arena, and gives the model's state its first values: state is kept from one
   invoke to the next, until this is called again."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A variable at an offset of the arena, and what it holds at first."""

    offset: int
    first: NDArray[Any]

    @property
    def bytes(self) -> NDArray[np.int8]:
        """The first value as it lies in memory."""
        flat = np.ascontiguousarray(self.first).reshape(-1)
        return flat.astype(flat.dtype.newbyteorder("<")).view(np.int8)

    @property
    def is_even(self) -> bool:
        """Whether all bytes are the same."""
        return bool((self.bytes == self.bytes[0]).all())

    @property
    def array(self) -> str:
        """The name of the constant that holds the first value, where one has to."""
        return f"state{self.offset}"


def find_states(graph: Graph, places: Mapping[int, int | str]) -> tuple[State, ...]:
    """Return the variables that lie in the arena, by their tensors' places, and their values."""
    found = ((places.get(tensor), first) for tensor, first in initial_values(graph).items())
    return tuple(State(place, first) for place, first in found if isinstance(place, int))


def constant_bytes(states: Sequence[State]) -> int:
    """Return how many bytes first values take in flash."""
    return sum(s.bytes.size for s in states if not s.is_even)


def init_words(states: Sequence[State]) -> str:
    """Return what NAME_init does, for its comment."""
    return _KEPT if states else _CLEARED


def state_arrays(states: Sequence[State]) -> str:
    """Return the first values that are no single byte, as constants."""
    return "".join(f"\n{c_array(s.array, s.bytes)}" for s in states if not s.is_even)


def state_resets(name: str, states: Sequence[State]) -> str:
    """Return the loops of NAME_init that give variables their values in a cleared arena."""
    return "".join(_reset(name, s) for s in states if s.bytes.any())


def _reset(name: str, state: State) -> str:
    value = str(int(state.bytes[0])) if state.is_even else f"{state.array}[i]"
    place = f"{name}_arena[{state.offset} + i]"
    return f"    for (i = 0; i < {state.bytes.size}; i++) {{\n        {place} = {value};\n    }}\n"
