#include "eq_pairs.h"

static void extreme_row(const void *layer, const int8_t *a, int32_t a_step, const int8_t *b,
                        int32_t b_step, int8_t *y, int32_t count)
{
    const int32_t least = ((const struct eq_extreme *)layer)->least;
    int32_t i;
    for (i = 0; i < count; i++) {
        y[i] = (*a > *b) != least ? *a : *b;
        a += a_step;
        b += b_step;
    }
}

void eq_extreme(const struct eq_extreme *layer, const int8_t *a, const int8_t *b, int8_t *y)
{
    eq_broadcast(&layer->loops, extreme_row, layer, a, b, y);
}

/* Centred, 2^bits times as fine, and on the scale that the multiplier leads to. */
static int32_t scaled(const struct eq_rescale *p, int32_t v, int32_t bits)
{
    return eq_requantize((v - p->zero) * ((int32_t)1 << bits), p->multiplier, p->shift);
}

static int8_t finish(const struct eq_rescale *p, int32_t acc)
{
    const int32_t v = eq_requantize(acc, p->multiplier, p->shift) + p->zero;
    return (int8_t)eq_clamp(v, INT8_MIN, INT8_MAX);
}

static void compare_row(const void *layer, const int8_t *a, int32_t a_step, const int8_t *b,
                        int32_t b_step, int8_t *y, int32_t count)
{
    const struct eq_compare p = *(const struct eq_compare *)layer;
    int32_t i;
    for (i = 0; i < count; i++) {
        const int32_t left = scaled(&p.a, *a, 8), right = scaled(&p.b, *b, 8);
        y[i] = (int8_t)(p.truth >> (1 + (left > right) - (left < right)) & 1);
        a += a_step;
        b += b_step;
    }
}

void eq_compare(const struct eq_compare *layer, const int8_t *a, const int8_t *b, int8_t *y)
{
    eq_broadcast(&layer->loops, compare_row, layer, a, b, y);
}

static void prelu_row(const void *layer, const int8_t *x, int32_t x_step, const int8_t *slope,
                      int32_t slope_step, int8_t *y, int32_t count)
{
    const struct eq_prelu p = *(const struct eq_prelu *)layer;
    int32_t i;
    for (i = 0; i < count; i++) {
        const int32_t v = *x - p.x_zero;
        y[i] = v >= 0 ? finish(&p.rest, v) : finish(&p.slope, v * (*slope - p.slope_zero));
        x += x_step;
        slope += slope_step;
    }
}

void eq_prelu(const struct eq_prelu *layer, const int8_t *x, const int8_t *slope, int8_t *y)
{
    eq_broadcast(&layer->loops, prelu_row, layer, x, slope, y);
}

static void difference_row(const void *layer, const int8_t *a, int32_t a_step, const int8_t *b,
                           int32_t b_step, int8_t *y, int32_t count)
{
    const struct eq_difference p = *(const struct eq_difference *)layer;
    int32_t i;
    for (i = 0; i < count; i++) {
        const int32_t d = scaled(&p.a, *a, 7) - scaled(&p.b, *b, 7);
        y[i] = finish(&p.out, d * d);
        a += a_step;
        b += b_step;
    }
}

void eq_difference(const struct eq_difference *layer, const int8_t *a, const int8_t *b, int8_t *y)
{
    eq_broadcast(&layer->loops, difference_row, layer, a, b, y);
}
