"""Where in a model file something stands, so that every rejection names it."""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from edgeq.core.errors import InputError

DAMAGED = "the file is damaged or hostile: export or convert the model again"


class Place(NamedTuple):
    """A field path in a file, e.g. model.tflite: subgraphs[0].operators[3].inputs[1]."""

    file: str
    path: str = ""

    def at(self, field: str, index: int | None = None) -> Place:
        """Return the place of `field` (or of its element `index`) in this place."""
        step = field if index is None else f"{field}[{index}]"
        return Place(self.file, f"{self.path}.{step}" if self.path else step)

    def reject(self, why: str, hint: str = DAMAGED) -> NoReturn:
        """Raise InputError: `why` this place is rejected."""
        raise InputError(f"{self.file}: {self.path}: {why}", hint=hint)

    def indexed(self, value: int, count: int, what: str) -> int:
        """Return `value` if it is an index into `count` things called `what`."""
        if not 0 <= value < count:
            self.reject(f"{what} index {value} out of range ({_span(count)})")
        return int(value)


def _span(count: int) -> str:
    return f"0..{count - 1}" if count else "there is none"
