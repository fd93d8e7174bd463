#include "eq_accumulate.h"

static int8_t finish(const struct eq_total *t, int32_t sum)
{
    const int32_t acc = (int32_t)((uint32_t)sum << 19);
    const int32_t v = eq_requantize(acc, t->multiplier, t->shift) + t->zero;
    return (int8_t)eq_clamp(v, INT8_MIN, INT8_MAX);
}

static void cumsum_line(const struct eq_cumsum *s, const int8_t *x, int8_t *y, int32_t step)
{
    int32_t sum = -s->out.in_zero, d;
    for (d = 0; d < s->depth; d++) {
        const int32_t v = *x - s->out.in_zero;
        *y = finish(&s->out, s->exclusive ? sum : sum + v);
        sum += v;
        x += step;
        y += step;
    }
}

void eq_cumsum(const struct eq_cumsum *layer, const int8_t *x, int8_t *y)
{
    const int32_t block = layer->depth * layer->inner;
    const int32_t start = layer->backwards ? block - layer->inner : 0;
    int32_t o, i;
    for (o = 0; o < layer->outer; o++) {
        for (i = 0; i < layer->inner; i++) {
            const int32_t at = o * block + start + i;
            cumsum_line(layer, x + at, y + at, layer->backwards ? -layer->inner : layer->inner);
        }
    }
}

void eq_add_one(const struct eq_add_one *layer, const int8_t *x, int8_t *sums)
{
    int16_t *const s = (int16_t *)(void *)sums;
    int32_t i;
    for (i = 0; i < layer->count; i++) {
        s[i] = (int16_t)((layer->first ? 0 : s[i]) + x[i]);
    }
}

void eq_add_done(const struct eq_add_done *layer, const int8_t *sums, int8_t *y)
{
    const int16_t *const s = (const int16_t *)(const void *)sums;
    int32_t i;
    for (i = 0; i < layer->count; i++) {
        y[i] = finish(&layer->out, s[i] + layer->offset);
    }
}
