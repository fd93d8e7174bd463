"""Many compiled models as one library: a board runs hundreds of cases with one firmware.

The bundle has the four functions of any library of edgeq's. Its input says, case by case, how each
model's inputs are made (`Filling`). Its output has for each case a byte that is not nought where
memory around the model's arena was written to, then the outputs, or their CRC-32 alone.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edgeq.compile.source import NAMES, names_text
from edgeq.core.files import sha256_hex
from edgeq.core.lcg import generate_bytes
from edgeq.core.records import CompiledModel, Plan, PortRecord

NAME = "bundle"
GUARD = 64
DIGEST_BYTES = 4
# What a file defines for itself: all models are one translation unit, so each name gets a prefix.
DEFINED = re.compile(r"^static\b[^;{}()=\[]*?\b(\w+)\s*(?:\[|=|\()", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Filling:
    """How the bytes of all inputs of a model are made.

    They are `raw`; or else those of the generator lcg:`seed` (edgeq.core.lcg), and where there are
    two `ends`, the first or the second one as the generator's highest bit is 0 or 1.
    """

    seed: int = 0
    ends: bytes = b""
    raw: bytes | None = None

    def encode(self) -> bytes:
        """Return what a bundle reads."""
        if self.raw is not None:
            return b"\0" + self.raw
        return (b"\2" if self.ends else b"\1") + self.seed.to_bytes(4, "little") + self.ends

    def make(self, count: int) -> bytes:
        """Return the `count` bytes."""
        if self.raw is not None:
            return self.raw
        made = generate_bytes(self.seed, count)
        return bytes(self.ends[byte >> 7] for byte in made) if self.ends else made


@dataclass(frozen=True, slots=True)
class Member:
    """A case: a model, initialised before it runs where it has `state`, and its inputs."""

    compiled: CompiledModel
    filling: Filling
    state: bool = False

    @property
    def output_bytes(self) -> int:
        """Bytes of all its outputs."""
        return sum(port.bytes for port in self.compiled.plan.outputs)


def given(members: Sequence[Member]) -> bytes:
    """Return the input of a bundle."""
    return b"".join(member.filling.encode() for member in members)


def split(members: Sequence[Member], answer: bytes, *, digest: bool) -> list[tuple[int, bytes]]:
    """Return for each member its status and what came out, from the output of a bundle."""
    found, at = [], 0
    for member in members:
        size = DIGEST_BYTES if digest else member.output_bytes
        found.append((answer[at], answer[at + 1 : at + 1 + size]))
        at += 1 + size
    return found


def digest_of(outputs: bytes) -> bytes:
    """Return the CRC-32 of outputs as a bundle gives it."""
    return zlib.crc32(outputs).to_bytes(DIGEST_BYTES, "little")


def bundle(members: Sequence[Member], *, digest: bool) -> CompiledModel:
    """Return a library that runs every member in turn.

    A model that comes again, with other inputs, is compiled once; different models have different
    names.

    Args:
        digest: give the CRC-32 of the outputs instead of their bytes.
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
    files[f"{NAME}.c"] = _source(models, members, files, digest)
    return CompiledModel(
        name=NAME,
        plan=_plan(members, files, digest),
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
    models: Sequence[CompiledModel], members: Sequence[Member], files: dict[str, str], digest: bool
) -> str:
    largest = max(model.plan.arena_bytes for model in models)
    return _SOURCE.format(
        guard=GUARD,
        memory=largest + 2 * GUARD,
        digest=int(digest),
        inputs=len(given(members)),
        outputs=_output_bytes(members, digest),
        members="".join(_included(model, files) for model in models),
        ports=", ".join(str(p.bytes) for m in members for p in _ports(m)) or "0",
        table="".join(_row(m) for m in members),
    )


def _output_bytes(members: Sequence[Member], digest: bool) -> int:
    return sum(1 + (DIGEST_BYTES if digest else m.output_bytes) for m in members)


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


def _plan(members: Sequence[Member], files: dict[str, str], digest: bool) -> Plan:
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
        constant_bytes=0,
        inputs=(_port("inputs", len(given(members))),),
        outputs=(_port("outputs", _output_bytes(members, digest)),),
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
#define DIGEST {digest}

static int8_t memory[{memory}] __attribute__((aligned(16)));
static uint8_t inputs[{inputs}];
static uint8_t outputs[{outputs}];

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

/* Make the inputs of a model as the bytes at `from` say; return what follows those. */
static const uint8_t *fill(const struct member *m, const int32_t *bytes, const uint8_t *from)
{{
    const uint8_t kind = *from++;
    const uint8_t *const seed = from, *const ends = seed + 4;
    uint32_t x = 0;
    int32_t i, k;
    if (kind != 0) {{
        x = seed[0] | (uint32_t)seed[1] << 8 | (uint32_t)seed[2] << 16 | (uint32_t)seed[3] << 24;
        from = kind == 1 ? ends : ends + 2;
    }}
    for (i = 0; i < m->inputs; i++) {{
        uint8_t *const to = m->input(i);
        for (k = 0; k < bytes[i]; k++) {{
            x = x * 1664525u + 1013904223u;
            to[k] = (uint8_t)(kind == 0 ? *from++ : kind == 1 ? x >> 24 : ends[x >> 31]);
        }}
    }}
    return from;
}}

/* The CRC-32 of zlib, to be inverted at its end. */
static uint32_t digest(uint32_t crc, const uint8_t *from, int32_t count)
{{
    int bit;
    while (count-- > 0) {{
        crc ^= *from++;
        for (bit = 0; bit < 8; bit++) {{
            crc = crc >> 1 ^ (crc & 1u ? 0xedb88320u : 0u);
        }}
    }}
    return crc;
}}

/* Write the outputs of a model, or their digest, to `to`; return what follows them. */
static uint8_t *collect(const struct member *m, const int32_t *bytes, uint8_t *to)
{{
    uint32_t crc = 0xffffffffu;
    int32_t i, k;
    for (i = 0; i < m->outputs; i++) {{
        const uint8_t *const from = m->output(i);
        crc = digest(crc, from, bytes[i]);
        for (k = 0; !DIGEST && k < bytes[i]; k++) {{
            *to++ = from[k];
        }}
    }}
    for (i = 0; DIGEST && i < 4; i++) {{
        *to++ = (uint8_t)(~crc >> 8 * i);
    }}
    return to;
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
    const uint8_t *from = inputs;
    const int32_t *bytes = ports;
    uint8_t *to = outputs;
    uint32_t k;
    for (k = 0; k < sizeof members / sizeof members[0]; k++) {{
        const struct member *const m = &members[k];
        uint8_t *const status = to++;
        int32_t i;
        for (i = 0; i < m->arena + 2 * GUARD; i++) {{
            memory[i] = FILL;
        }}
        if (m->init) {{
            m->init();
        }}
        from = fill(m, bytes, from);
        bytes += m->inputs;
        m->invoke();
        to = collect(m, bytes, to);
        bytes += m->outputs;
        *status = (uint8_t)!intact(m->arena);
    }}
}}

const void *bundle_output(int index)
{{
    return index == 0 ? outputs : 0;
}}
"""
