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
