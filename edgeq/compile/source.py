"""The files of a generated library: text only, every decision is in the unit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgeq.compile.layer import SCRATCH, Constant, Layer, Loop, Part, Run
from edgeq.compile.memory.lifetimes import scratch_key
from edgeq.compile.state import find_states, init_words, state_arrays, state_resets
from edgeq.compile.text import c_array, c_initialiser, c_number, comment_words, shape_text
from edgeq.core.records import Plan, PlannedLayer, PortRecord
from edgeq.graph.ir import Graph, Tensor

KERNELS = Path(__file__).parent / "kernels"
# Filled for each library; and what a header declares, not what it defines.
NAMES = "eq_names.h"
DECLARED = re.compile(r"^(?!static|typedef)\w+ \*?(eq_\w+)\([^;{]*\);", re.MULTILINE)
ARENA_ALIGNMENT = 16


@dataclass(frozen=True, slots=True)
class Unit:
    """All that the text is made from.

    `places` maps a tensor, or a layer's scratch key, to its offset in the arena, or to the name of
    its array; `fast` are the arrays for fast memory.
    """

    graph: Graph
    plan: Plan
    layers: tuple[Layer, ...]
    constants: Mapping[str, Constant]
    places: Mapping[int, int | str]
    fast: frozenset[str] = frozenset()

    @property
    def macro(self) -> str:
        """The prefix of the library's macros."""
        return self.plan.name.upper()


def library_files(unit: Unit) -> tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]:
    """Return the files by name, the C sources in build order, and the hot ones among them."""
    name = unit.plan.name
    stems = kernel_sources(unit.layers)
    hot = kernel_sources(layer for layer in unit.layers if layer.hot)
    kernels = {f"{s}.c": kernel_text(f"{s}.c") for s in stems}
    headers = {h: kernel_text(h) for h in included(kernels)}
    if NAMES in headers:
        headers[NAMES] = names_text(name, headers)
    if "eq_base.h" in headers:
        kernels["eq_base.c"] = kernel_text("eq_base.c")
    sources = (f"{name}.c", *sorted(kernels))
    files = {
        f"{name}.h": header_text(unit),
        f"{name}.c": source_text(unit),
        f"{name}_data.h": data_text(unit),
        "CMakeLists.txt": cmake_text(name, sources, hot),
        **dict(sorted({**kernels, **headers}.items())),
    }
    return files, sources, tuple(f"{stem}.c" for stem in hot)


def kernel_sources(layers: Iterable[Layer]) -> tuple[str, ...]:
    """Return the stems of the kernel files that `layers` need, sorted."""
    return tuple(sorted({stem for layer in layers for stem in layer.sources}))


@cache
def kernel_paths() -> Mapping[str, Path]:
    """Return the kernels' files, C and headers, by name: a library is flat, names are unique."""
    return {path.name: path for path in sorted(KERNELS.rglob("eq_*.[ch]"))}


@cache
def kernel_text(name: str) -> str:
    """Return a kernel file's text."""
    return kernel_paths()[name].read_text(encoding="ascii")


def names_text(name: str, headers: Mapping[str, str]) -> str:
    """Return eq_names.h: what the headers declare, with the model's name before it."""
    functions = sorted({f for text in headers.values() for f in DECLARED.findall(text)})
    defines = "".join(f"#define {f} {name}_{f}\n" for f in functions)
    return f"{headers[NAMES]}#ifndef EQ_NAMES_H\n#define EQ_NAMES_H\n\n{defines}\n#endif\n"


def included(texts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the kernel headers that `texts` include, directly or not, sorted."""
    found: set[str] = set()
    waiting = list(texts.values())
    while waiting:
        fresh = set(direct_includes(waiting.pop())) - found
        found |= fresh
        waiting += [kernel_text(h) for h in fresh]
    return tuple(sorted(found))


def direct_includes(text: str) -> tuple[str, ...]:
    """Return the names in the `#include "..."` lines of a C file."""
    return tuple(re.findall(r'^#include "([^"]+)"', text, re.MULTILINE))


# --- NAME.h ------------------------------------------------------------------------------------


def header_text(unit: Unit) -> str:
    """Return NAME.h: sizes, quantisation and the four functions."""
    plan, macro = unit.plan, unit.macro
    ports = [port_macros(macro, "INPUT", i, p) for i, p in enumerate(plan.inputs)]
    ports += [port_macros(macro, "OUTPUT", i, p) for i, p in enumerate(plan.outputs)]
    return _HEADER.format(
        name=plan.name,
        macro=macro,
        alignment=ARENA_ALIGNMENT,
        version=plan.edgeq_version,
        sha256=plan.model_sha256,
        arena=plan.arena_bytes,
        layers=len(plan.layers),
        inputs=len(plan.inputs),
        outputs=len(plan.outputs),
        ports="\n".join(ports),
        reset=init_words(find_states(unit.graph, unit.places)),
    )


def port_record(tensor: Tensor, offset: int) -> PortRecord:
    """Return the record of an input or output that lies at `offset` of the arena."""
    q = tensor.quantization
    return PortRecord(
        name=tensor.name,
        tensor=tensor.index,
        shape=tensor.shape,
        dtype=tensor.dtype,
        bytes=tensor.bytes,
        offset=offset,
        scale=q.scale if q else None,
        zero_point=q.zero_point if q else None,
    )


def port_macros(macro: str, kind: str, index: int, port: PortRecord) -> str:
    """Return size and quantisation of an input or output as macros."""
    prefix = f"#define {macro}_{kind}_{index}"
    lines = [
        f"/* {kind.lower()} {index}: {port.dtype} {shape_text(port.shape)} "
        f'"{comment_words(port.name)}" */',
        f"{prefix}_BYTES {port.bytes}",
    ]
    if port.scale is not None and port.zero_point is not None:
        lines += [
            f"{prefix}_SCALE {c_number(port.scale)}",
            f"{prefix}_ZERO_POINT ({port.zero_point})",
        ]
    return "\n".join(lines) + "\n"


_HEADER = """\
/* {name}: a neural network as a C library, made by edgeq {version}.
   Real value = scale * (q - zero point). */
#ifndef {macro}_H
#define {macro}_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {{
#endif

#define {macro}_MODEL_SHA256 "{sha256}"
#define {macro}_ARENA_BYTES {arena}
#define {macro}_ARENA_ALIGNMENT {alignment}
#define {macro}_LAYERS {layers}
#define {macro}_INPUTS {inputs}
#define {macro}_OUTPUTS {outputs}

{ports}
/* {reset} Call it once before anything else. */
void {name}_init(void);

/* The memory of input `index`, to be written before each {name}_invoke(), which may overwrite it;
   a null pointer where there is no such input. */
void *{name}_input(int index);

/* Computes the outputs from the inputs. */
void {name}_invoke(void);

/* The memory of output `index`, valid until the inputs are written again; a null pointer where
   there is no such output. */
const void *{name}_output(int index);

#ifdef __cplusplus
}}
#endif

#endif
"""

# --- NAME.c ------------------------------------------------------------------------------------


def source_text(unit: Unit) -> str:
    """Return NAME.c: the arena, each layer's parameters, and the four functions."""
    plan = unit.plan
    pairs = list(zip(plan.layers, unit.layers, strict=True))
    return _SOURCE.format(
        name=plan.name,
        macro=unit.macro,
        includes="".join(f'#include "{h}"\n' for h in _declaring_headers(unit.layers)),
        parameters="".join(_parameters(p, layer) for p, layer in pairs),
        calls="\n".join(_layer_calls(unit, p, layer) for p, layer in pairs),
        locals=_locals(unit),
        states=state_resets(plan.name, find_states(unit.graph, unit.places)),
        inputs=_port_cases(plan.name, plan.inputs),
        outputs=_port_cases(plan.name, plan.outputs),
    )


def _declaring_headers(layers: Iterable[Layer]) -> tuple[str, ...]:
    """Return the headers that declare the kernels which `layers` call, sorted."""
    called = {call.kernel for layer in layers for call in layer.calls}
    texts = {f"{s}.c": kernel_text(f"{s}.c") for s in kernel_sources(layers)}
    return tuple(h for h in included(texts) if called & {*DECLARED.findall(kernel_text(h))})


def _locals(unit: Unit) -> str:
    if not unit.layers:
        return ""
    counter = "    int32_t i;\n" * any(x.rounds > 1 for y in unit.layers for x in y.program)
    return f"    int8_t *const a = {unit.plan.name}_arena;\n{counter}\n"


def _instance(layer: int, call: int, struct: str) -> str:
    name = f"{struct.removeprefix('eq_')}{layer}"
    return name if call == 0 else f"{name}_{call}"


def _parameters(planned: PlannedLayer, layer: Layer) -> str:
    index = planned.index
    return "".join(
        f"static const struct {c.struct} {_instance(index, i, c.struct)} = "
        f"{c_initialiser(c.fields, index)};\n\n"
        for i, c in enumerate(layer.calls)
    )


def _layer_calls(unit: Unit, planned: PlannedLayer, layer: Layer) -> str:
    x = [shape_text(unit.graph.tensor(i).shape) for i in planned.inputs[:1]]
    words = [planned.op, layer.detail, " -> ".join((*x, shape_text(planned.output_shape)))]
    title = f"{planned.index}: {', '.join(w for w in words if w)}"
    calls = "".join(_loop(unit, planned.index, layer, x) for x in _program(layer))
    done = f"{planned.index}, {arena_place(planned.output_offset)}, {planned.output_bytes}"
    return (
        f"    /* {title}\n       {comment_words(planned.name)} */\n"
        f"{calls}    {unit.macro}_LAYER_DONE({done});\n"
    )


def _program(layer: Layer) -> tuple[Loop, ...]:
    once = (Run(i, tuple(map(Part, c.operands))) for i, c in enumerate(layer.calls))
    return layer.program or tuple(Loop(1, (run,)) for run in once)


def _loop(unit: Unit, index: int, layer: Layer, loop: Loop) -> str:
    if loop.rounds == 1:
        return "".join(_run(unit, index, layer, run) for run in loop.runs)
    body = "".join(f"    {_run(unit, index, layer, run)}" for run in loop.runs)
    return f"    for (i = 0; i < {loop.rounds}; i++) {{\n{body}    }}\n"


def _run(unit: Unit, index: int, layer: Layer, run: Run) -> str:
    call = layer.calls[run.call]
    operands = ", ".join(_operand(unit, index, part) for part in run.operands)
    return f"    {call.kernel}(&{_instance(index, run.call, call.struct)}, {operands});\n"


def _operand(unit: Unit, layer: int, part: Part) -> str:
    scratch = part.tensor == SCRATCH
    place = unit.places[scratch_key(layer) if scratch else part.tensor]
    text = place if isinstance(place, str) else arena_place(place + part.offset)
    if part.step:
        text += f" + i * {part.step}"
    typed = unit.plan.layers[layer].output if scratch else part.tensor
    plain = unit.graph.tensor(typed).dtype == "int8"
    return text if plain else f"(void *)({text})"


def arena_place(offset: int, arena: str = "a") -> str:
    """Return the C expression of an arena offset; inside NAME_invoke the arena is `a`."""
    return f"{arena} + {offset}" if offset else arena


def _port_cases(name: str, ports: tuple[PortRecord, ...]) -> str:
    return "".join(
        f"    case {i}:\n        return {arena_place(p.offset, f'{name}_arena')};\n"
        for i, p in enumerate(ports)
    )


_SOURCE = """\
#include "{name}.h"

{includes}
#include "{name}_data.h"

/* Called after each layer with its index and its output; a debugger or a profiler may define it. */
#ifndef {macro}_LAYER_DONE
#define {macro}_LAYER_DONE(index, data, bytes) ((void)0)
#endif

/* Define {macro}_ARENA_EXTERN to place the arena yourself:
   int8_t {name}_arena[{macro}_ARENA_BYTES], aligned to {macro}_ARENA_ALIGNMENT bytes. */
#if defined({macro}_ARENA_EXTERN)
extern int8_t {name}_arena[];
#elif defined(__GNUC__)
static int8_t {name}_arena[{macro}_ARENA_BYTES]
    __attribute__((aligned({macro}_ARENA_ALIGNMENT)));
#else
#error "define {macro}_ARENA_EXTERN and place the arena with your compiler's means"
#endif

{parameters}void {name}_init(void)
{{
    int32_t i;
    for (i = 0; i < {macro}_ARENA_BYTES; i++) {{
        {name}_arena[i] = 0;
    }}
{states}}}

void *{name}_input(int index)
{{
    switch (index) {{
{inputs}    default:
        return 0;
    }}
}}

void {name}_invoke(void)
{{
{locals}{calls}}}

const void *{name}_output(int index)
{{
    switch (index) {{
{outputs}    default:
        return 0;
    }}
}}
"""

# --- NAME_data.h and CMakeLists.txt --------------------------------------------------------------


def data_text(unit: Unit) -> str:
    """Return NAME_data.h: the constant arrays, included by NAME.c alone."""
    fast = f"{unit.macro}_FAST "
    arrays = "\n".join(
        (fast if name in unit.fast else "") + c_array(name, c.data)
        for name, c in unit.constants.items()
    ) + state_arrays(find_states(unit.graph, unit.places))
    if unit.fast:
        arrays = _FAST.format(macro=unit.macro) + arrays
    guard = f"{unit.macro}_DATA_H"
    return (
        f"/* The constants of {unit.plan.name}, included by {unit.plan.name}.c alone. */\n"
        f"#ifndef {guard}\n#define {guard}\n\n#include <stdint.h>\n\n{arrays}\n#endif\n"
    )


_FAST = """\
/* Before the constants of the hottest layers: an attribute that places them in memory without wait
   states, where the firmware has a section for it. */
#ifndef {macro}_FAST
#define {macro}_FAST
#endif

"""


def cmake_text(name: str, sources: tuple[str, ...], hot: tuple[str, ...]) -> str:
    """Return CMakeLists.txt: a static library, its hot kernels optimised for speed."""
    lines = "".join(f"    {s}\n" for s in sources)
    speed = "".join(f"    {s}.c\n" for s in hot)
    hot_block = (
        f'if(CMAKE_C_COMPILER_ID MATCHES "GNU|Clang")\n'
        f"  set_source_files_properties(\n{speed}    PROPERTIES COMPILE_OPTIONS -O2)\nendif()\n"
        if hot
        else ""
    )
    return (
        f"cmake_minimum_required(VERSION 3.13)\nproject({name} C)\n\n"
        f"add_library({name} STATIC\n{lines})\n"
        f"target_include_directories({name} PUBLIC ${{CMAKE_CURRENT_LIST_DIR}})\n"
        f"set_target_properties({name} PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON)\n"
        f"{hot_block}"
    )
