"""A hand-made compiled model of one layer: 12 int8 values in, the same values plus one out."""

from __future__ import annotations

import hashlib

from edgeq.core.records import CompiledModel, Plan, PlannedLayer, PlannedTensor, PortRecord

ELEMENTS = 12
TRACED_LAYERS = 1

_HEADER = """#ifndef TINY_H
#define TINY_H

#define TINY_INPUTS 1
#define TINY_OUTPUTS 1
#define TINY_ARENA_BYTES 32

void tiny_init(void);
void *tiny_input(int index);
int tiny_invoke(void);
const void *tiny_output(int index);

#endif
"""
_SOURCE = """#include "tiny.h"

#include <stdint.h>
#include <string.h>

#ifndef TINY_LAYER_DONE
#define TINY_LAYER_DONE(layer, data, bytes) ((void)0)
#endif

static uint8_t arena[32] __attribute__((aligned(16)));
static const int8_t step[12] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

void tiny_init(void)
{
    memset(arena, 0, sizeof arena);
}

void *tiny_input(int index)
{
    (void)index;
    return arena;
}

int tiny_invoke(void)
{
    for (int i = 0; i < 12; i++) {
        arena[16 + i] = (uint8_t)(arena[i] + step[i]);
        arena[i] = 0;
    }
    TINY_LAYER_DONE(0, arena + 16, 12);
    return 0;
}

const void *tiny_output(int index)
{
    (void)index;
    return arena + 16;
}
"""


def tiny_model() -> CompiledModel:
    """Return the model as the compiler would hand it on."""
    sha256 = hashlib.sha256(_SOURCE.encode()).hexdigest()
    ports = {
        "shape": (1, ELEMENTS),
        "dtype": "int8",
        "bytes": ELEMENTS,
        "scale": 0.5,
        "zero_point": 0,
    }
    plan = Plan(
        name="tiny",
        model_sha256=sha256,
        model_bytes=len(_SOURCE),
        edgeq_version="0",
        core="generic",
        macs=0,
        arena_bytes=32,
        arena_lower_bound=32,
        constant_bytes=ELEMENTS,
        inputs=(PortRecord(name="in", tensor=0, offset=0, **ports),),
        outputs=(PortRecord(name="out", tensor=1, offset=16, **ports),),
        tensors=(_tensor(0, "in", 0), _tensor(1, "out", 16)),
        layers=(_LAYER,),
    )
    return CompiledModel(
        name="tiny",
        plan=plan,
        files={"tiny.h": _HEADER, "tiny.c": _SOURCE},
        sources=("tiny.c",),
        hot_sources=("tiny.c",),
    )


def _tensor(index: int, name: str, offset: int) -> PlannedTensor:
    return PlannedTensor(
        index=index, name=name, shape=(1, ELEMENTS), dtype="int8", bytes=ELEMENTS, offset=offset,
        first=0, last=0,
    )  # fmt: skip


_LAYER = PlannedLayer(
    index=0, op="ADD", name="out", nodes=(0,), kernel="tiny_invoke", inputs=(0,), output=1,
    output_offset=16, output_bytes=ELEMENTS, output_shape=(1, ELEMENTS), macs=0,
    constant_bytes=ELEMENTS,
)  # fmt: skip
