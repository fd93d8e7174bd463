"""Buffers, what may overlap, and first-fit placement among both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Buffer:
    """A tensor's memory: bytes, and the inclusive layer indices between which it is alive."""

    size: int
    first: int
    last: int

    def meets(self, other: Buffer) -> bool:
        """Whether both are alive at some layer."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave for two buffers to overlap, by their positions in the sequence of buffers.

    `written` may start at least `distance` bytes below the start of `read` (negative: as many
    bytes above), or, where `exact`, at the start of `read` itself. They meet in one layer only.
    """

    written: int
    read: int
    distance: int = 0
    exact: bool = False


def arena_bytes(buffers: Sequence[Buffer], offsets: Sequence[int]) -> int:
    """Return the size of the arena that holds `buffers` at `offsets`."""
    return max((o + b.size for b, o in zip(buffers, offsets, strict=True)), default=0)


def align(value: int, step: int) -> int:
    """Return the least multiple of `step` that is no less than `value`."""
    return -(-value // step) * step


def least_at(
    moment: int, buffers: Sequence[Buffer], alignment: int, permits: Sequence[Permit] = ()
) -> int:
    """Return a bound for what the buffers alive at a layer need.

    All aligned but the one on top; of two that may overlap, what both together need at least.
    """
    alive = {i: b.size for i, b in enumerate(buffers) if b.first <= moment <= b.last}
    sizes = {i: align(size, alignment) for i, size in alive.items()}
    spare = max((sizes[i] - size for i, size in alive.items()), default=0)
    near = [p for p in permits if p.read in alive and p.written in alive]
    saved = 0
    for p in near:
        written, read = sizes[p.written], sizes[p.read]
        joint = max(written, read + (0 if p.exact else max(0, p.distance)))
        saved += max(0, written + read - joint)
    outputs = sum(sizes[i] for i in {p.written for p in near})
    inputs = sum(sizes[i] for i in {p.read for p in near})
    return sum(sizes.values()) - min(saved, outputs, inputs) - spare


# An interval of offsets that are not free, both ends excluded.
_Span = tuple[int, int]


class Packing:
    """Buffers and how far apart they must be; places them first-fit in a given order.

    Of each pair that meets, one starts at least so many bytes above the other: the size of the
    lower one, or what a permit says.
    """

    def __init__(
        self, buffers: Sequence[Buffer], alignment: int, permits: Sequence[Permit] = ()
    ) -> None:
        self.buffers = buffers
        self.permits = permits
        self.sizes = [align(b.size, alignment) for b in buffers]
        gaps: list[dict[int, tuple[_Span, ...]]] = [
            {
                j: ((-self.sizes[i], self.sizes[j]),)
                for j, other in enumerate(buffers)
                if j != i and b.meets(other)
            }
            for i, b in enumerate(buffers)
        ]
        for p in permits:
            size = self.sizes[p.read]
            near = self.sizes[p.written] if p.exact else align(p.distance, alignment)
            near = min(near, self.sizes[p.written])
            gaps[p.read][p.written] = _around(-size, near, p.exact)
            gaps[p.written][p.read] = _around(-near, size, p.exact)
        # For each buffer, its rivals and the offsets from theirs that it may not have.
        self.gaps = [tuple(g.items()) for g in gaps]
        moments = {b.first for b in buffers}
        self.floor = max((least_at(m, buffers, alignment, permits) for m in moments), default=0)

    def place(self, order: Sequence[int]) -> list[int]:
        """Return the offsets (by buffer) of first-fit placement in `order`."""
        offsets = [-1] * len(self.buffers)
        for i in order:
            offsets[i] = self.fit(i, offsets)
        return offsets

    def fit(self, i: int, offsets: Sequence[int], at: int = 0) -> int:
        """Return the lowest offset from `at` where buffer `i` fits among the placed (>= 0) ones."""
        taken = sorted(
            (offsets[j] + low, offsets[j] + high)
            for j, spans in self.gaps[i]
            if offsets[j] >= 0
            for low, high in spans
        )
        for low, high in taken:
            if at <= low:
                break
            at = max(at, high)
        return at

    def height(self, offsets: Sequence[int]) -> int:
        """Return the arena's size for `offsets`."""
        return arena_bytes(self.buffers, offsets)


def _around(low: int, high: int, hole: bool) -> tuple[_Span, ...]:
    """Return the open interval, without its middle where the two may coincide."""
    if low >= high:
        return ()
    return ((low, 0), (0, high)) if hole else ((low, high),)
