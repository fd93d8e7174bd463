"""Many compiled models as one library: a board runs hundreds of cases with one firmware.

The bundle has the four functions of any library of edgeq's. Its input is the inputs of all models
end to end; its output, for each model, a byte that says whether memory around its arena was
written to, then its outputs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgeq.compile.source import NAMES, names_text
from edgeq.core.files import sha256_hex
from edgeq.core.records import CompiledModel, Plan, PortRecord

NAME = "bundle"
GUARD = 64
# What a file defines for itself: all models are one translation unit, so each name gets a prefix.
DEFINED = re.compile(r"^static\b[^;{}()=\[]*?\b(\w+)\s*(?:\[|=|\()", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Member:
    """A compiled model of a bundle; one that has `state` is initialised before it runs."""

    compiled: CompiledModel
    state: bool = False

    @property
    def input_bytes(self) -> int:
        """Bytes of all its inputs."""
        return sum(port.bytes for port in self.compiled.plan.inputs)

    @property
    def output_bytes(self) -> int:
        """Bytes of all its outputs."""
        return sum(port.bytes for port in self.compiled.plan.outputs)


def bundle(members: Sequence[Member]) -> CompiledModel:
    """Return a library that runs every member in turn.

    A member that comes again, for other inputs, is compiled once; different ones have different
    names.
    """
    files: dict[str, str] = {}
    kernels: set[str] = set()
    hot: set[str] = set()
    models = list({m.compiled.name: m.compiled for m in members}.values())
    for compiled in models:
        kernels |= set(compiled.sources) - {f"{compiled.name}.c"}
        hot |= set(compiled.hot_sources)
        files |= {n: t for n, t in compiled.files.items() if n.endswith((".c", ".h"))}
    headers = {name: text for name, text in files.items() if name.startswith("eq_")}
    if NAMES in headers:
        # Each member's own list has its own prefix; what stands before the list is the same.
        headers[NAMES] = headers[NAMES].partition("#ifndef EQ_NAMES_H")[0]
        files[NAMES] = names_text(NAME, {n: t for n, t in headers.items() if n.endswith(".h")})
    for compiled in models:
        files[f"{compiled.name}.c"] = _without_arena(compiled)
    files[f"{NAME}.h"] = _HEADER
    files[f"{NAME}.c"] = _source(models, members, files)
    return CompiledModel(
        name=NAME,
        plan=_plan(members, files),
        files=files,
        sources=(f"{NAME}.c", *sorted(kernels)),
        hot_sources=tuple(sorted(hot)),
    )


def _without_arena(compiled: CompiledModel) -> str:
    """Return the model's C without the declaration of an arena that lies elsewhere."""
    name = compiled.name
    text, count = re.subn(
        rf"^extern int8_t {name}_arena\[\];\n", "", compiled.files[f"{name}.c"], flags=re.M
    )
    if count != 1:
        raise ValueError(f"{name}.c declares its arena {count} times")
    return text


def _source(
    models: Sequence[CompiledModel], members: Sequence[Member], files: dict[str, str]
) -> str:
    largest = max(model.plan.arena_bytes for model in models)
    return _SOURCE.format(
        guard=GUARD,
        memory=largest + 2 * GUARD,
        inputs=max(1, sum(m.input_bytes for m in members)),
        outputs=sum(1 + m.output_bytes for m in members),
        members="".join(_included(model, files) for model in models),
        ports=", ".join(str(p.bytes) for m in members for p in _ports(m)) or "0",
        table="".join(_row(m) for m in members),
    )


def _included(compiled: CompiledModel, files: dict[str, str]) -> str:
    name = compiled.name
    own = DEFINED.findall(files[f"{name}.c"]) + DEFINED.findall(files[f"{name}_data.h"])
    own = [word for word in dict.fromkeys(own) if not word.startswith(name)]
    defines = "".join(f"#define {word} {name}_{word}\n" for word in own)
    undefines = "".join(f"#undef {word}\n" for word in own)
    return (
        f"#define {name.upper()}_ARENA_EXTERN\n#define {name}_arena (memory + GUARD)\n"
        f'{defines}#include "{name}.c"\n{undefines}\n'
    )


def _ports(member: Member) -> Iterator[PortRecord]:
    yield from member.compiled.plan.inputs
    yield from member.compiled.plan.outputs


def _row(member: Member) -> str:
    name, plan = member.compiled.name, member.compiled.plan
    init = f"{name}_init" if member.state else "0"
    return (
        f"    {{{init}, {name}_input, {name}_invoke, {name}_output, "
        f"{plan.arena_bytes}, {len(plan.inputs)}, {len(plan.outputs)}}},\n"
    )


def _plan(members: Sequence[Member], files: dict[str, str]) -> Plan:
    first = members[0].compiled.plan
    text = "".join(f"{name}\n{text}" for name, text in sorted(files.items()))
    return Plan(
        name=NAME,
        model_sha256=sha256_hex(text.encode()),
        model_bytes=0,
        edgeq_version=first.edgeq_version,
        core=first.core,
        macs=0,
        arena_bytes=0,
        arena_lower_bound=0,
        constant_bytes=sum(m.compiled.plan.constant_bytes for m in members),
        inputs=(_port("inputs", max(1, sum(m.input_bytes for m in members))),),
        outputs=(_port("outputs", sum(1 + m.output_bytes for m in members)),),
        tensors=(),
        layers=(),
    )


def _port(name: str, size: int) -> PortRecord:
    return PortRecord(name=name, tensor=0, shape=(size,), dtype="int8", bytes=size, offset=0)


_HEADER = """\
#ifndef BUNDLE_H
#define BUNDLE_H

void bundle_init(void);
void *bundle_input(int index);
void bundle_invoke(void);
const void *bundle_output(int index);

#endif
"""

_SOURCE = """\
#include <stdint.h>

#include "bundle.h"

#define GUARD {guard}
#define FILL 0x5a

static int8_t memory[{memory}] __attribute__((aligned(16)));
static int8_t inputs[{inputs}];
static int8_t outputs[{outputs}];

{members}
struct member {{
    void (*init)(void);
    void *(*input)(int index);
    void (*invoke)(void);
    const void *(*output)(int index);
    int32_t arena;
    int32_t inputs;
    int32_t outputs;
}};

/* The bytes of every model's inputs and outputs. */
static const int32_t ports[] = {{{ports}}};

static const struct member members[] = {{
{table}}};

static void copy(int8_t *to, const int8_t *from, int32_t count)
{{
    while (count-- > 0) {{
        *to++ = *from++;
    }}
}}

/* Whether nothing was written before and behind the arena. */
static int intact(int32_t arena)
{{
    int32_t i;
    for (i = 0; i < GUARD; i++) {{
        if (memory[i] != FILL || memory[GUARD + arena + i] != FILL) {{
            return 0;
        }}
    }}
    return 1;
}}

void bundle_init(void)
{{
}}

void *bundle_input(int index)
{{
    return index == 0 ? inputs : 0;
}}

void bundle_invoke(void)
{{
    const int8_t *from = inputs;
    const int32_t *bytes = ports;
    int8_t *to = outputs;
    uint32_t k;
    for (k = 0; k < sizeof members / sizeof members[0]; k++) {{
        const struct member *const m = &members[k];
        int8_t *const status = to++;
        int32_t i;
        for (i = 0; i < m->arena + 2 * GUARD; i++) {{
            memory[i] = FILL;
        }}
        if (m->init) {{
            m->init();
        }}
        for (i = 0; i < m->inputs; i++, from += *bytes++) {{
            copy(m->input(i), from, *bytes);
        }}
        m->invoke();
        for (i = 0; i < m->outputs; i++, to += *bytes++) {{
            copy(to, m->output(i), *bytes);
        }}
        *status = (int8_t)!intact(m->arena);
    }}
}}

const void *bundle_output(int index)
{{
    return index == 0 ? outputs : 0;
}}
"""
