#include "eq_dsp_product.h"

static void multiply_row(const void *layer, const int8_t *a, int32_t a_step, const int8_t *b,
                         int32_t b_step, int8_t *y, int32_t count)
{
    const struct eq_dsp_product *const p = layer;
    const int32_t multiplier = p->multiplier, shift = p->shift, zero = p->zero;
    const int32_t a_zero = p->a_zero, b_zero = p->b_zero;
    const int8_t *const end = y + count;
    for (; y != end; a += a_step, b += b_step) {
        *y++ = eq_dsp_finish((*a - a_zero) * (*b - b_zero), multiplier, shift, zero);
    }
    eq_dsp_limit(y - count, count, p->min, p->max);
}

static void look_up_row(const void *layer, const int8_t *a, int32_t a_step, const int8_t *b,
                        int32_t b_step, int8_t *y, int32_t count)
{
    const struct eq_dsp_product_table *const t = layer;
    const struct eq_dsp_product *const p = &t->product;
    const int32_t multiplier = p->multiplier, shift = p->shift, zero = p->zero;
    const int32_t a_zero = p->a_zero, b_zero = p->b_zero;
    const int8_t *const middle = t->table + 128, *const end = y + count;
    for (; y != end; a += a_step, b += b_step) {
        *y++ = middle[eq_dsp_finish((*a - a_zero) * (*b - b_zero), multiplier, shift, zero)];
    }
}

void eq_dsp_product(const struct eq_dsp_product *layer, const int8_t *a, const int8_t *b, int8_t *y)
{
    eq_broadcast(&layer->loops, multiply_row, layer, a, b, y);
}

void eq_dsp_product_table(const struct eq_dsp_product_table *layer, const int8_t *a,
                          const int8_t *b, int8_t *y)
{
    eq_broadcast(&layer->product.loops, look_up_row, layer, a, b, y);
}
