#include "eq_int16_mean.h"

static int32_t sum(const struct eq_mean *m, const int16_t *x)
{
    const int32_t inner = m->size[4], outer = m->size[2] * m->size[3] * inner;
    int32_t acc = 0, i, j;
    for (i = 0; i < m->size[1]; i++) {
        const int16_t *v = x + i * outer;
        for (j = 0; j < m->size[3]; j++) {
            acc += *v;
            v += inner;
        }
    }
    return acc;
}

void eq_int16_mean(const struct eq_mean *layer, const int16_t *x, int16_t *y)
{
    const int32_t *const n = layer->size;
    int32_t i, j, k;
    for (i = 0; i < n[0]; i++) {
        for (j = 0; j < n[2]; j++) {
            for (k = 0; k < n[4]; k++) {
                const int32_t acc = sum(layer, x + j * n[3] * n[4] + k);
                const int32_t v = eq_requantize(acc, layer->multiplier, layer->shift);
                *y++ = (int16_t)eq_clamp(v, INT16_MIN, INT16_MAX);
            }
        }
        x += n[1] * n[2] * n[3] * n[4];
    }
}
