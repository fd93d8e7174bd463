"""The model itself as C, for TensorFlow Lite Micro: array, header and op resolver."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from edgeq.compile.identifiers import c_identifier
from edgeq.compile.resolver import resolver_header
from edgeq.compile.source import port_macros, port_record
from edgeq.compile.text import WIDTH
from edgeq.graph.ir import Graph

# Above this size a compiler reads string literals several times faster than numbers.
STRING_BYTES = 64 << 10
_ROW = 1024  # C99 promises literals of 4095 characters

_HEX = [f"0x{v:02x}" for v in range(256)]
_ESCAPED = [chr(v) if 32 <= v < 127 and chr(v) not in '"\\?' else f"\\{v:03o}" for v in range(256)]


class Arenas(NamedTuple):
    """Bytes of tensor arena: with the reference kernels, with CMSIS-NN, and with its MVE paths."""

    reference: int
    cmsis_nn: int
    cmsis_nn_mve: int


def emit_array(
    graph: Graph, data: bytes, name: str, arenas: Arenas | None = None
) -> dict[str, str]:
    """Return the files NAME_model.c, NAME_model.h and NAME_op_resolver.h, by name.

    Args:
        graph: what `data` holds.
        data: the .tflite file.
        name: becomes a C identifier.
        arenas: become macros of the header.

    Raises:
        InputError: TensorFlow Lite Micro has no such operator.
    """
    stem = c_identifier(name)
    return {
        f"{stem}_model.c": _source(stem, data),
        f"{stem}_model.h": _header(stem, graph, data, arenas),
        f"{stem}_op_resolver.h": resolver_header(stem, graph),
    }


def _source(name: str, data: bytes) -> str:
    form = _strings(data) if len(data) > STRING_BYTES else _numbers(data)
    return _SOURCE.format(name=name, definition=form)


def _numbers(data: bytes) -> str:
    step = (WIDTH - 4) // 6
    lines = (
        "    " + ", ".join(_HEX[v] for v in data[i : i + step]) for i in range(0, len(data), step)
    )
    return f"ALIGNED unsigned char bytes[{len(data)}] = {{\n" + ",\n".join(lines) + "\n};\n"


def _strings(data: bytes) -> str:
    starts = range(0, len(data), _ROW)
    rows = ("\n".join(_literals(data[i : i + _ROW])) for i in starts)
    head = f"ALIGNED NONSTRING char bytes[{len(starts)}][{_ROW}] = {{\n"
    return head + ",\n".join(rows) + "\n};\n"


def _literals(row: bytes) -> Iterator[str]:
    line = ""
    for value in row:
        word = _ESCAPED[value]
        if len(line) + len(word) > WIDTH - 8:
            yield f'    "{line}"'
            line = ""
        line += word
    yield f'    "{line}"'


_SOURCE = """\
#include "{name}_model.h"

#if defined(__GNUC__)
#define ALIGNED static const __attribute__((aligned(16)))
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define ALIGNED static const _Alignas(16)
#else
#error "the model must be aligned to 16 bytes: use a C11 compiler"
#endif

/* Rows that are full have no terminating nought, on purpose. */
#if (defined(__clang__) && __clang_major__ >= 21) || \\
    (!defined(__clang__) && defined(__GNUC__) && __GNUC__ >= 15)
#define NONSTRING __attribute__((nonstring))
#else
#define NONSTRING
#endif

{definition}
const unsigned char *const {name}_model = (const unsigned char *)bytes;
"""


def _header(name: str, graph: Graph, data: bytes, arenas: Arenas | None) -> str:
    macro = name.upper()
    kinds = (("INPUT", graph.inputs), ("OUTPUT", graph.outputs))
    ports = [
        port_macros(macro, kind, position, port_record(graph.tensor(index), 0))
        for kind, indices in kinds
        for position, index in enumerate(indices)
    ]
    return _HEADER.format(
        name=name,
        macro=macro,
        bytes=len(data),
        sha256=graph.sha256,
        arenas=_arena_macros(macro, arenas) if arenas else "",
        ports="\n".join(ports),
    )


def _arena_macros(macro: str, arenas: Arenas) -> str:
    stem = f"#define {macro}_ARENA_BYTES"
    cmsis_nn = [f"{stem}_CMSIS_NN {arenas.cmsis_nn}"]
    if arenas.cmsis_nn_mve != arenas.cmsis_nn:
        mve = f"{stem}_CMSIS_NN {arenas.cmsis_nn_mve}"
        cmsis_nn = ["#ifdef __ARM_FEATURE_MVE", mve, "#else", *cmsis_nn, "#endif"]
    return "\n".join((_ARENA_COMMENT, f"{stem}_REFERENCE {arenas.reference}", *cmsis_nn, "\n"))


_ARENA_COMMENT = """\
/* Bytes of tensor arena, aligned to 16, for the reference kernels and for CMSIS-NN's: estimated
   step by step as MicroInterpreter allocates on a 32-bit Arm, for TensorFlow Lite Micro 90b983c
   and CMSIS-NN 4ab83cc; another version may need more. */"""


_HEADER = """\
/* The model {name} as bytes, for TensorFlow Lite Micro. Real value = scale * (q - zero point). */
#ifndef {macro}_MODEL_H
#define {macro}_MODEL_H

#ifdef __cplusplus
extern "C" {{
#endif

#define {macro}_MODEL_SHA256 "{sha256}"
#define {macro}_MODEL_BYTES {bytes}

{arenas}{ports}
/* The flatbuffer, aligned to 16 bytes. */
extern const unsigned char *const {name}_model;

#ifdef __cplusplus
}}
#endif

#endif
"""
