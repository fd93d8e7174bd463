"""Small pieces of C text: numbers, arrays, initialisers, comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.layer import Ref
from edgeq.core.units import short_name

WIDTH = 99
C_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "float32": "float",
}
_BYTES = np.array([str(v) for v in range(-128, 128)], dtype=object)
_PLAIN = re.compile(r"[^A-Za-z0-9_.:/;,+ -]")


def c_array(name: str, data: NDArray[Any]) -> str:
    """Return the definition of a constant array that holds the flat `data`."""
    kind = C_TYPES[data.dtype.name]
    return f"static const {kind} {name}[{data.size}] = {{\n{c_values(data)}\n}};\n"


def c_values(data: NDArray[Any]) -> str:
    """Return the numbers of a flat array in lines, comma-separated."""
    if data.dtype == np.int8:
        words: Sequence[str] = _BYTES[data.astype(np.int16) + 128].tolist()
    else:
        words = [c_number(v) for v in data.tolist()]
    step = max(1, (WIDTH - 3) // (max(map(len, words), default=1) + 2))
    lines = (", ".join(words[i : i + step]) for i in range(0, len(words), step))
    return ",\n".join(f"    {line}" for line in lines)


def c_number(value: float) -> str:
    """Return a literal of type int32_t or float; INT32_MIN has no decimal literal of its type."""
    if isinstance(value, float):
        digits = f"{np.float32(value).item():.9g}"
        return f"{digits}f" if set(digits) & set(".e") else f"{digits}.0f"
    return "INT32_MIN" if value == -(1 << 31) else str(value)


def c_initialiser(fields: Mapping[str, Any], layer: int, indent: str = "    ") -> str:
    """Return the designated initialiser of a struct, a line for each field."""
    lines = [f"{indent}.{name} = {_field(v, layer, indent)},\n" for name, v in fields.items()]
    return "{\n" + "".join(lines) + indent[4:] + "}"


def _field(value: Any, layer: int, indent: str) -> str:
    if isinstance(value, Ref):
        return value.in_layer(layer)
    if isinstance(value, Mapping):
        inner = indent + "    "
        words = [f".{name} = {_field(v, layer, inner)}" for name, v in value.items()]
        flat = "{" + ", ".join(words) + "}"
        return flat if len(flat) < 60 else "{\n" + _wrap(words, inner) + f"\n{indent}}}"
    if isinstance(value, Sequence):
        return "{" + ", ".join(c_number(v) for v in value) + "}"
    return c_number(value)


def _wrap(words: Sequence[str], indent: str) -> str:
    return "\n".join(_lines(words, indent))


def _lines(words: Sequence[str], indent: str) -> Iterator[str]:
    line = indent
    for word in words:
        if len(line) + len(word) + 2 > WIDTH and line.strip():
            yield line.rstrip()
            line = indent
        line += f"{word}, "
    yield line.rstrip()


def comment_words(name: str, limit: int = 60) -> str:
    """Return `name` fit for a comment: plain characters only, at most `limit` of them."""
    plain = _PLAIN.sub("_", short_name(name))
    return plain if len(plain) <= limit else plain[: limit - 3] + "..."


def shape_text(shape: Sequence[int]) -> str:
    """Return e.g. '1x49x10x1', 'scalar' for no dimension."""
    return "x".join(map(str, shape)) or "scalar"
