"""The model itself as C, for TensorFlow Lite Micro: array, header and op resolver."""

from __future__ import annotations

from collections.abc import Iterator

from edgeq.compile.identifiers import c_identifier
from edgeq.compile.source import port_macros, port_record
from edgeq.compile.text import WIDTH
from edgeq.graph.ir import Graph

# Above this size a compiler reads string literals several times faster than numbers.
STRING_BYTES = 64 << 10
_ROW = 1024  # C99 promises literals of 4095 characters

# Words of an operator's name that MicroMutableOpResolver does not capitalise like the others.
_WORDS = {"2D": "2D", "LSTM": "LSTM", "V2": "V2", "SVDF": "Svdf"}
_HEX = [f"0x{v:02x}" for v in range(256)]
_ESCAPED = [chr(v) if 32 <= v < 127 and chr(v) not in '"\\?' else f"\\{v:03o}" for v in range(256)]


def emit_array(graph: Graph, data: bytes, name: str) -> dict[str, str]:
    """Return the files NAME_model.c, NAME_model.h and NAME_op_resolver.h, by name.

    Args:
        graph: what `data` holds.
        data: the .tflite file.
        name: becomes a C identifier.
    """
    stem = c_identifier(name)
    return {
        f"{stem}_model.c": _source(stem, data),
        f"{stem}_model.h": _header(stem, graph, data),
        f"{stem}_op_resolver.h": _resolver(stem, graph),
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


def _header(name: str, graph: Graph, data: bytes) -> str:
    macro = name.upper()
    kinds = (("INPUT", graph.inputs), ("OUTPUT", graph.outputs))
    ports = [
        port_macros(macro, kind, position, port_record(graph.tensor(index), 0))
        for kind, indices in kinds
        for position, index in enumerate(indices)
    ]
    return _HEADER.format(
        name=name, macro=macro, bytes=len(data), sha256=graph.sha256, ports="\n".join(ports)
    )


_HEADER = """\
/* The model {name} as bytes, for TensorFlow Lite Micro. Real value = scale * (q - zero point). */
#ifndef {macro}_MODEL_H
#define {macro}_MODEL_H

#ifdef __cplusplus
extern "C" {{
#endif

#define {macro}_MODEL_SHA256 "{sha256}"
#define {macro}_MODEL_BYTES {bytes}

{ports}
/* The flatbuffer, aligned to 16 bytes. */
extern const unsigned char *const {name}_model;

#ifdef __cplusplus
}}
#endif

#endif
"""


def _resolver(name: str, graph: Graph) -> str:
    names = sorted({n.op for n in graph.nodes})
    calls = "\n".join(
        f"    if (resolver.Add{_method(op)}() != kTfLiteOk) return kTfLiteError;" for op in names
    )
    return _RESOLVER.format(name=name, macro=name.upper(), count=len(names), calls=calls)


def _method(op: str) -> str:
    return "".join(_WORDS.get(word, word.capitalize()) for word in op.split("_"))


_RESOLVER = """\
// The operators of {name} and no others, for TensorFlow Lite Micro (C++).
#ifndef {macro}_OP_RESOLVER_H
#define {macro}_OP_RESOLVER_H

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

using {name}_op_resolver = tflite::MicroMutableOpResolver<{count}>;

inline TfLiteStatus {name}_add_operators({name}_op_resolver& resolver)
{{
{calls}
    return kTfLiteOk;
}}

#endif
"""
