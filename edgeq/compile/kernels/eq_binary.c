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

typedef void row_function(const void *layer, const int8_t *a, int32_t a_step, const int8_t *b,
                          int32_t b_step, int8_t *y, int32_t count);

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

static void broadcast(const struct eq_broadcast *l, row_function *row, const void *layer,
                      const int8_t *a, const int8_t *b, int8_t *y)
{
    int32_t i, j, k;
    for (i = 0; i < l->size[0]; i++) {
        for (j = 0; j < l->size[1]; j++) {
            for (k = 0; k < l->size[2]; k++) {
                row(layer, a + i * l->a_step[0] + j * l->a_step[1] + k * l->a_step[2],
                    l->a_step[3], b + i * l->b_step[0] + j * l->b_step[1] + k * l->b_step[2],
                    l->b_step[3], y, l->size[3]);
                y += l->size[3];
            }
        }
    }
}

void eq_add(const struct eq_add *layer, const int8_t *a, const int8_t *b, int8_t *y)
{
    broadcast(&layer->loops, add_row, layer, a, b, y);
}

void eq_mul(const struct eq_mul *layer, const int8_t *a, const int8_t *b, int8_t *y)
{
    broadcast(&layer->loops, mul_row, layer, a, b, y);
}
