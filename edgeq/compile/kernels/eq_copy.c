#include "eq_copy.h"

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

void eq_copy(const struct eq_copy *layer, const int8_t *x, int8_t *y)
{
    const struct eq_copy *const s = layer;
    const int32_t *const f = s->from_step, *const t = s->to_step;
    int32_t i, j, k, l;
    x += s->from;
    y += s->to;
    for (i = 0; i < s->size[0]; i++) {
        for (j = 0; j < s->size[1]; j++) {
            for (k = 0; k < s->size[2]; k++) {
                for (l = 0; l < s->size[3]; l++) {
                    copy_row(s, x + i * f[0] + j * f[1] + k * f[2] + l * f[3],
                             y + i * t[0] + j * t[1] + k * t[2] + l * t[3]);
                }
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
    int32_t i;
    for (i = 0; i < layer->count; i++) {
        y[i] = layer->bytes[i];
    }
}
