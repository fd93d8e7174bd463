"""Kernels called from Python: thousands of cases in the time in which one program is built.

All kernels become one shared library. A layer's structures are filled as C would fill them, from
the declarations in the kernels' headers, and every tensor lies between guard bytes.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.compile.layer import SCRATCH, Call, Constant, Layer, Overlap, Ref
from edgeq.compile.source import kernel_paths, kernel_text
from edgeq.compile.support import lower
from edgeq.compile.target import NATIVE
from edgeq.graph.ir import DTYPES, Graph, Tensor
from edgeq.graph.variables import initial_values
from tests.support.native import WARNINGS, require_compiler

Array = NDArray[Any]

_GUARD = 64
_STRUCT = re.compile(r"^struct (\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"(?:const )?(?:struct )?(\w+) ([^;]+);")
_TYPES: dict[str, Any] = {
    "int8_t": ctypes.c_int8,
    "int16_t": ctypes.c_int16,
    "int32_t": ctypes.c_int32,
    "int64_t": ctypes.c_int64,
    "uint8_t": ctypes.c_uint8,
    "uint16_t": ctypes.c_uint16,
    "uint32_t": ctypes.c_uint32,
    "float": ctypes.c_float,
}


def run_direct(graph: Graph, inputs: Sequence[Array]) -> Iterator[list[Array]]:
    """Yield the outputs of a graph of one operator, whose plain kernels are called in process:
    with every tensor in memory of its own, then with the output over each input where it may be.

    Raises:
        AssertionError: a kernel wrote outside its output.
    """
    (node,) = graph.nodes
    layer = lower(graph, node, NATIVE)
    given = initial_values(graph) | dict(zip(graph.inputs, inputs, strict=True))
    used = dict.fromkeys(i for i in (*node.inputs, *node.outputs) if i >= 0)
    for overlap in (None, *layer.overlaps):
        memory = {i: _Memory.of(graph.tensor(i), given.get(i)) for i in used}
        memory[SCRATCH] = _Memory(np.zeros(layer.scratch, np.int8))
        if overlap is not None:
            widest = max(DTYPES[graph.tensor(i).dtype].itemsize for i in used)
            _lay_over(memory, node.outputs[0], overlap, widest)
        for call in layer.calls:
            _invoke(layer, call, [memory[i].address for i in call.operands])
        for piece in memory.values():
            piece.check()
        yield [_value(graph.tensor(i), memory[i]) for i in graph.outputs]


class _Memory:
    """Bytes between guards, or a part of another's."""

    def __init__(self, data: NDArray[np.int8]) -> None:
        guards = np.full(_GUARD, 0x5A, np.int8)
        self.bytes = np.concatenate([guards, data, guards])
        self.first, self.size = _GUARD, data.size

    @classmethod
    def of(cls, tensor: Tensor, value: Array | None) -> _Memory:
        known = value if value is not None else tensor.data
        if known is None:
            return cls(np.full(tensor.bytes, 0x3C, np.int8))
        return cls(np.array(known).reshape(-1).view(np.int8))

    @property
    def address(self) -> int:
        return int(self.bytes.ctypes.data) + self.first

    @property
    def data(self) -> NDArray[np.int8]:
        return self.bytes[self.first : self.first + self.size]

    def check(self) -> None:
        assert (self.bytes[:_GUARD] == 0x5A).all(), "a kernel wrote before its tensor"
        assert (self.bytes[-_GUARD:] == 0x5A).all(), "a kernel wrote behind it"


def _lay_over(memory: dict[int, _Memory], output: int, overlap: Overlap, align: int) -> None:
    """Put an output as near to the start of an input, or as far behind it, as it may be."""
    x, y = memory[overlap.tensor], memory[output]
    start = 0 if overlap.exact else min(-overlap.distance, x.size) // align * align
    low, high = min(0, start), max(x.size, start + y.size)
    both = _Memory(np.full(high - low, 0x3C, np.int8))
    both.bytes[_GUARD - low : _GUARD - low + x.size] = x.data
    x.bytes, x.first = both.bytes, _GUARD - low
    y.bytes, y.first = both.bytes, _GUARD + start - low


def _value(tensor: Tensor, memory: _Memory) -> Array:
    return memory.data.copy().view(DTYPES[tensor.dtype]).reshape(tensor.shape)


def _invoke(layer: Layer, call: Call, operands: Sequence[int]) -> None:
    constants = {c.ref: c for c in layer.constants}
    filled = _filled(structure(call.struct)(), call.fields, constants)
    kernel = getattr(_library(), call.kernel)
    kernel.restype = None
    kernel(ctypes.byref(filled), *(ctypes.c_void_p(address) for address in operands))


def _filled(block: Any, fields: Mapping[str, Any], constants: Mapping[Ref, Constant]) -> Any:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            _filled(getattr(block, name), value, constants)
        elif isinstance(value, Ref):
            setattr(block, name, constants[value].data.ctypes.data)
        elif isinstance(value, Sequence):
            for i, element in enumerate(value):
                getattr(block, name)[i] = int(element)
        else:
            setattr(block, name, value)
    return block


@functools.cache
def structure(name: str) -> Any:
    """Return a structure that the kernels' headers declare."""
    fields = _FIELD.findall(_bodies()[name])
    declared = [field for line in fields for field in _declared(*line)]
    return type(name, (ctypes.Structure,), {"_fields_": declared})


@functools.cache
def _bodies() -> Mapping[str, str]:
    texts = (kernel_text(name) for name in kernel_paths() if name.endswith(".h"))
    return dict(pair for text in texts for pair in _STRUCT.findall(_plain(text)))


def _plain(text: str) -> str:
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def _declared(kind: str, names: str) -> list[tuple[str, Any]]:
    """Return the fields of one declaration, e.g. 'int32_t', 'a, b[4]'."""
    fields = []
    for name in (n.strip() for n in names.split(",")):
        if name.startswith("*"):
            fields.append((name[1:].removeprefix("const "), ctypes.c_void_p))
            continue
        base = _TYPES[kind] if kind in _TYPES else structure(kind)
        bare, *count = name.rstrip("]").split("[")
        fields.append((bare, base * int(count[0]) if count else base))
    return fields


@functools.cache
def _library() -> ctypes.CDLL:
    folder = Path(tempfile.mkdtemp(prefix="edgeq-direct-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    target = folder / "kernels.so"
    for path in kernel_paths().values():
        shutil.copy(path, folder)
    sources = sorted(str(path) for path in folder.glob("*.c"))
    command = [require_compiler("gcc"), *WARNINGS, "-O1", "-fPIC", "-shared", *sources]
    done = subprocess.run([*command, "-o", target], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(target))
