#include "eq_dsp_product.h"

static void multiply_row(const void *layer, const int8_t *a, int32_t a_step, const int8_t *b,
                         int32_t b_step, int8_t *y, int32_t count)
{
    const struct eq_dsp_product p = *(const struct eq_dsp_product *)layer;
    for (; count > 0; count--) {
        const int32_t acc = (*a - p.a_zero) * (*b - p.b_zero);
        const int32_t v = eq_dsp_finish(acc, p.multiplier, p.shift, p.zero);
        *y++ = (int8_t)eq_clamp(v, p.min, p.max);
        a += a_step;
        b += b_step;
    }
}

static void look_up_row(const void *layer, const int8_t *a, int32_t a_step, const int8_t *b,
                        int32_t b_step, int8_t *y, int32_t count)
{
    const struct eq_dsp_product_table t = *(const struct eq_dsp_product_table *)layer;
    const struct eq_dsp_product p = t.product;
    const int8_t *const middle = t.table + 128;
    for (; count > 0; count--) {
        const int32_t acc = (*a - p.a_zero) * (*b - p.b_zero);
        *y++ = middle[eq_dsp_finish(acc, p.multiplier, p.shift, p.zero)];
        a += a_step;
        b += b_step;
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
