#include "eq_binary.h"

static int8_t finish(const struct eq_result *r, int32_t acc)
{
    const int32_t v = eq_requantize(acc, r->multiplier, r->shift) + r->zero;
    return (int8_t)eq_clamp(v, r->min, r->max);
}

static int32_t scaled(const struct eq_operand *p, int32_t v)
{
    v -= p->zero;
    return p->multiplier == 0 ? v * ((int32_t)1 << 19)
                              : eq_requantize(v * ((int32_t)1 << 20), p->multiplier, p->shift);
}

static void add_row(const void *layer, const int8_t *a, int32_t a_step, const int8_t *b,
                    int32_t b_step, int8_t *y, int32_t count)
{
    const struct eq_add p = *(const struct eq_add *)layer;
    int32_t i;
    for (i = 0; i < count; i++) {
        y[i] = finish(&p.out, scaled(&p.a, *a) + p.sign * scaled(&p.b, *b));
        a += a_step;
        b += b_step;
    }
}

static void mul_row(const void *layer, const int8_t *a, int32_t a_step, const int8_t *b,
                    int32_t b_step, int8_t *y, int32_t count)
{
    const struct eq_mul p = *(const struct eq_mul *)layer;
    int32_t i;
    for (i = 0; i < count; i++) {
        y[i] = finish(&p.out, (*a - p.a_zero) * (*b - p.b_zero));
        a += a_step;
        b += b_step;
    }
}

void eq_add(const struct eq_add *layer, const int8_t *a, const int8_t *b, int8_t *y)
{
    eq_broadcast(&layer->loops, add_row, layer, a, b, y);
}

void eq_mul(const struct eq_mul *layer, const int8_t *a, const int8_t *b, int8_t *y)
{
    eq_broadcast(&layer->loops, mul_row, layer, a, b, y);
}
