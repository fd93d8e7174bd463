"""The verifier: walks the raw bytes of a .tflite file before anything decodes it.

The generated accessors of a FlatBuffers schema follow every offset that they find. This module
follows them first: every table, vtable, vector, string and union lies inside the file, is
aligned, and does not overlap what describes it; and the work that a reader does is bounded by
the size of the file. Format: FlatBuffers internals, "Binary Format" (flatbuffers.dev).
"""

from __future__ import annotations

import struct
from typing import NoReturn

from edgeq.core.errors import InputError
from edgeq.graph.layout import ENUMS, SCALARS, UNIONS, Field, tables

FILE_IDENTIFIER = b"TFL3"
MAX_FILE_BYTES = (1 << 31) - 1
# A table may be shared, but the sum of all parts, counted each time they are reached, is
# at most this many times the file: a few bytes cannot stand for millions of tables.
_MAX_SHARING = 4
_MAX_TABLES = 250_000

_U8 = struct.Struct("<B").unpack_from
_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from
_I32 = struct.Struct("<i").unpack_from

_HINT = "the file is damaged or hostile: export or convert the model again"


def verify(data: bytes, name: str) -> None:
    """Raise InputError, naming the field, unless `data` is a structurally safe .tflite file.

    Args:
        data: the whole file.
        name: what errors call the file.
    """
    if len(data) > MAX_FILE_BYTES:
        raise InputError(
            f"{name}: {len(data):,} bytes is more than the 2 GiB that a .tflite file can have",
            hint="use a smaller model",
        )
    if len(data) < 8 or data[4:8] != FILE_IDENTIFIER:
        raise _not_a_model(data, name)
    walk = _Walk(data, name)
    walk.visit_table(walk.follow(0, "root"), "Model", "model")


def _not_a_model(data: bytes, name: str) -> InputError:
    for magic, kind in ((b"PK\x03\x04", "a .keras or zip file"), (b"\x89HDF", "an HDF5 file")):
        if data.startswith(magic):
            return InputError(
                f"{name}: this is {kind}, not a .tflite file",
                hint="convert it first: edgeq convert MODEL --data DATASET",
            )
    what = "is empty" if not data else "does not carry the file identifier TFL3 at byte 4"
    return InputError(
        f"{name}: not a .tflite file: it {what}", hint="give a TensorFlow Lite (LiteRT) model"
    )


class _Walk:
    """One pass over one file. `spent` counts the bytes of all parts reached so far."""

    def __init__(self, data: bytes, name: str) -> None:
        self.data = data
        self.name = name
        self.layout = tables()
        self.spent = 0
        self.tables = 0

    def reject(self, path: str, why: str) -> NoReturn:
        raise InputError(f"{self.name}: {path}: {why}", hint=_HINT)

    def spend(self, size: int, path: str) -> None:
        self.spent += size
        if self.spent > _MAX_SHARING * len(self.data):
            self.reject(path, "parts of the file are shared more often than a model needs")

    def inside(self, start: int, size: int, align: int, path: str) -> None:
        """Reject a part that leaves the file or is not aligned to `align` bytes."""
        if start < 0 or start + size > len(self.data):
            self.reject(
                path, f"bytes {start}..{start + size} lie outside the file ({len(self.data)})"
            )
        if start % align:
            self.reject(path, f"offset {start} is not aligned to {align} bytes")

    def follow(self, at: int, path: str) -> int:
        """Return where the unsigned offset stored at `at` leads."""
        self.inside(at, 4, 4, path)
        offset: int = _U32(self.data, at)[0]
        if offset == 0:
            self.reject(path, "the offset leads to itself")
        self.inside(at + offset, 4, 4, path)
        return at + offset

    def visit_table(self, at: int, type_: str, path: str) -> None:
        """Verify the table of type `type_` at `at` and all that hangs on it."""
        self.tables += 1
        if self.tables > _MAX_TABLES:
            self.reject(path, f"more than {_MAX_TABLES:,} tables")
        vtable, slots = self.visit_vtable(at, path)
        for field in self.layout[type_]:
            if field.slot >= slots:
                break
            offset: int = _U16(self.data, vtable + 4 + 2 * field.slot)[0]
            if offset:
                self.visit_field(at, offset, field, vtable, path)

    def visit_vtable(self, at: int, path: str) -> tuple[int, int]:
        """Verify the vtable of the table at `at`; return where it lies and its slots."""
        self.inside(at, 4, 4, path)
        vtable = at - _I32(self.data, at)[0]
        self.inside(vtable, 4, 2, f"{path} (vtable)")
        length, size = _U16(self.data, vtable)[0], _U16(self.data, vtable + 2)[0]
        if length < 4 or length % 2:
            self.reject(f"{path} (vtable)", f"a length of {length} bytes is not possible")
        if size < 4:
            self.reject(f"{path} (vtable)", f"a table of {size} bytes is not possible")
        self.inside(vtable, length, 2, f"{path} (vtable)")
        self.inside(at, size, 4, path)
        if vtable < at + size and at < vtable + length:
            self.reject(f"{path} (vtable)", "the vtable overlaps the table that it describes")
        self.spend(size + 4, path)
        return vtable, (length - 4) // 2

    def visit_field(self, table: int, offset: int, field: Field, vtable: int, path: str) -> None:
        """Verify the field whose value or offset lies `offset` bytes into the table."""
        path = f"{path}.{field.name}" if path != "model" else field.name
        scalar = None if field.is_vector else SCALARS.get(ENUMS.get(field.type, field.type))
        width = scalar or 4
        size: int = _U16(self.data, vtable + 2)[0]
        if offset < 4 or offset + width > size:
            self.reject(path, f"byte {offset} lies outside its table of {size} bytes")
        at = table + offset
        self.inside(at, width, width, path)
        if scalar is not None:
            return
        if field.is_vector:
            self.visit_vector(self.follow(at, path), field.type, path)
        elif field.type == "string":
            self.visit_string(self.follow(at, path), path)
        elif field.type in UNIONS:
            self.visit_union(table, at, field, vtable, path)
        else:
            self.visit_table(self.follow(at, path), field.type, path)

    def visit_union(self, table: int, at: int, field: Field, vtable: int, path: str) -> None:
        """Verify a union's value, whose type code stands in the slot before it."""
        entry: int = _U16(self.data, vtable + 4 + 2 * (field.slot - 1))[0]
        code: int = _U8(self.data, table + entry)[0] if entry else 0
        members = UNIONS[field.type]
        if code == 0:
            self.reject(path, "a value without a type")
        if code > len(members):
            self.reject(path, f"unknown type {code} (1..{len(members)})")
        self.visit_table(self.follow(at, path), members[code - 1], path)

    def visit_vector(self, at: int, type_: str, path: str) -> None:
        """Verify the vector of `type_` at `at`: its length, its elements and what they refer to."""
        scalar = SCALARS.get(ENUMS.get(type_, type_))
        width = scalar or 4
        count: int = _U32(self.data, at)[0]
        self.inside(at + 4, count * width, width if count else 1, f"{path} ({count:,} elements)")
        self.spend(4 + count * width, path)
        if scalar is not None:
            return
        for i in range(count):
            element = f"{path}[{i}]"
            target = self.follow(at + 4 + 4 * i, element)
            if type_ == "string":
                self.visit_string(target, element)
            else:
                self.visit_table(target, type_, element)

    def visit_string(self, at: int, path: str) -> None:
        """Verify the string at `at`: its length, its terminator and its UTF-8."""
        count: int = _U32(self.data, at)[0]
        self.inside(at + 4, count + 1, 1, f"{path} ({count:,} characters)")
        self.spend(5 + count, path)
        if self.data[at + 4 + count]:
            self.reject(path, "the string does not end in a zero byte")
        try:
            self.data[at + 4 : at + 4 + count].decode()
        except UnicodeDecodeError:
            self.reject(path, "the string is not UTF-8")
