#include "eq_gather.h"

#include "eq_run.h"

/* The bytes before a place; computed indices are clamped, so that none leads out of the input. */
static int32_t offset(const struct eq_gather *g, const int32_t *place)
{
    int32_t sum = 0, d;
    for (d = 0; d < g->depth; d++) {
        const int32_t index = place[d] < 0 ? 0 : place[d] > g->last[d] ? g->last[d] : place[d];
        sum += index * g->step[d];
    }
    return sum;
}

void eq_gather(const struct eq_gather *layer, const int8_t *x, const int32_t *places, int8_t *y)
{
    const struct eq_gather *const g = layer;
    int32_t b, o, i;
    for (b = 0; b < g->batches; b++) {
        for (o = 0; o < g->outer; o++) {
            for (i = 0; i < g->count; i++) {
                eq_copy_run(x + offset(g, places + i * g->depth), y, g->run);
                y += g->run;
            }
            x += g->block;
        }
        places += g->count * g->depth;
    }
}

void eq_pick(const struct eq_pick *layer, const int8_t *x, int8_t *y)
{
    const int32_t *const n = layer->size;
    const int32_t *const a = layer->places, *const b = a + n[0], *const c = b + n[1];
    int32_t i, j, k;
    for (i = 0; i < n[0]; i++) {
        for (j = 0; j < n[1]; j++) {
            for (k = 0; k < n[2]; k++) {
                eq_copy_run(x + a[i] + b[j] + c[k], y, layer->run);
                y += layer->run;
            }
        }
    }
}
