#include "eq_copy.h"

#include "eq_run.h"

static void copy_row(const struct eq_copy *s, const int8_t *x, int8_t *y)
{
    const int32_t count = s->size[4], from = s->from_step[4], to = s->to_step[4];
    int32_t i;
    for (i = 0; i < count; i++) {
        *y = *x;
        x += from;
        y += to;
    }
}

static void copy_plane(const struct eq_copy *s, const int8_t *x, int8_t *y)
{
    const int32_t from = s->from_step[3], to = s->to_step[3];
    const int32_t whole = s->from_step[4] == 1 && s->to_step[4] == 1;
    int32_t i;
    for (i = 0; i < s->size[3]; i++) {
        if (whole) {
            eq_copy_run(x, y, s->size[4]);
        } else {
            copy_row(s, x, y);
        }
        x += from;
        y += to;
    }
}

void eq_copy(const struct eq_copy *layer, const int8_t *x, int8_t *y)
{
    const struct eq_copy *const s = layer;
    const int32_t *const f = s->from_step, *const t = s->to_step;
    int32_t i, j, k;
    x += s->from;
    y += s->to;
    for (i = 0; i < s->size[0]; i++) {
        for (j = 0; j < s->size[1]; j++) {
            for (k = 0; k < s->size[2]; k++) {
                copy_plane(s, x + i * f[0] + j * f[1] + k * f[2],
                           y + i * t[0] + j * t[1] + k * t[2]);
            }
        }
    }
}

void eq_fill(const struct eq_fill *layer, int8_t *y)
{
    int32_t i;
    for (i = 0; i < layer->count; i++) {
        y[i] = layer->value;
    }
}

void eq_store(const struct eq_store *layer, int8_t *y)
{
    eq_copy_run(layer->bytes, y, layer->count);
}
