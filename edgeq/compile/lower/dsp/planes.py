"""One channel of an image as a plane of int16, with the padding around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeq.compile.layer import Overlap
from edgeq.compile.lower.convolution import Window
from edgeq.compile.target import Target

ELEMENT_BYTES = 2


@dataclass(frozen=True, slots=True)
class Axes:
    """The image as lines: `line` is the axis (1 height, 2 width) that a line runs along."""

    window: Window
    line: int

    @property
    def across(self) -> int:
        """The axis from line to line."""
        return 3 - self.line

    def extent(self, axis: int) -> int:
        """Return the elements of the plane along `axis` that the windows cover."""
        steps = (self.window.output[axis] - 1) * self.window.stride[axis - 1]
        return steps + self.window.reach[axis - 1]

    def inside(self, axis: int) -> int:
        """Return how many of them come from the input."""
        pad = self.window.pad[axis - 1]
        return max(0, min(self.window.input[axis], self.extent(axis) - pad))

    @property
    def is_inside(self) -> bool:
        """Whether any element comes from the input."""
        return all(self.inside(axis) for axis in (1, 2))

    @property
    def pitch(self) -> int:
        """Elements of the plane from line to line: whole words."""
        return self.extent(self.line) + 1 & ~1

    @property
    def elements(self) -> int:
        """Elements of the plane; pairs of them may reach over the end of the last line."""
        return self.pitch * self.extent(self.across) + 2

    def fields(self) -> Mapping[str, Any]:
        """Return the geometry in `struct eq_plane`."""
        (batch, *x), (_, *y) = self.window.input, self.window.output
        in_step, out_step = ({1: shape[1] * shape[2], 2: shape[2]} for shape in (x, y))
        pad = self.window.pad
        return {
            "batch": batch,
            "in_bytes": x[0] * x[1] * x[2],
            "out_bytes": y[0] * y[1] * y[2],
            "channels": x[2],
            "in_lines": self.inside(self.across),
            "in_length": self.inside(self.line),
            "in_line_step": in_step[self.across],
            "in_step": in_step[self.line],
            "out_lines": y[self.across - 1],
            "out_length": y[self.line - 1],
            "out_line_step": out_step[self.across],
            "out_step": out_step[self.line],
            "pitch": ELEMENT_BYTES * self.pitch,
            "first": pad[self.across - 1] * self.pitch + pad[self.line - 1],
            "elements": self.elements,
        }

    def scratch(self, planes: int) -> int:
        """Return the bytes of `planes` planes."""
        return planes * ELEMENT_BYTES * self.elements

    def affords(self, target: Target, planes: int, element_bytes: int = 1) -> bool:
        """Return whether planes stay small beside the tensors, or only speed counts.

        Args:
            element_bytes: of the tensors.
        """
        fields = self.fields()
        tensors = element_bytes * int(fields["in_bytes"] + fields["out_bytes"])
        return target.options.goal == "speed" or 2 * self.scratch(planes) <= tensors

    def overlaps(self, tensor: int) -> tuple[Overlap, ...]:
        """A plane is whole before its outputs are written, to bytes of this channel alone."""
        fields = self.fields()
        same = self.window.input[3] == self.window.output[3]
        apart = fields["batch"] > 1 and fields["out_bytes"] > fields["in_bytes"]
        return (Overlap(tensor, exact=True),) if same and not apart else ()
