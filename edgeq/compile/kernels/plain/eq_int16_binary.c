#include "eq_int16_binary.h"

/* Combines one element of each. */
typedef int16_t pair_function(const void *layer, int32_t a, int32_t b);

static void broadcast(const struct eq_broadcast *loops, pair_function *combine, const void *layer,
                      const int16_t *a, const int16_t *b, int16_t *y)
{
    const int32_t *const n = loops->size, *const p = loops->a_step, *const q = loops->b_step;
    int32_t i, j, k, m;
    for (i = 0; i < n[0]; i++) {
        for (j = 0; j < n[1]; j++) {
            for (k = 0; k < n[2]; k++) {
                const int16_t *const v = a + i * p[0] + j * p[1] + k * p[2];
                const int16_t *const w = b + i * q[0] + j * q[1] + k * q[2];
                for (m = 0; m < n[3]; m++) {
                    *y++ = combine(layer, v[m * p[3]], w[m * q[3]]);
                }
            }
        }
    }
}

static int16_t finish(const struct eq_int16_result *r, int32_t acc)
{
    return (int16_t)eq_clamp(eq_requantize(acc, r->multiplier, r->shift), r->min, r->max);
}

static int32_t scaled(const struct eq_int16_operand *p, int32_t v)
{
    return eq_requantize(v * ((int32_t)1 << 15), p->multiplier, p->shift);
}

static int16_t sum(const void *layer, int32_t a, int32_t b)
{
    const struct eq_int16_add *const p = layer;
    return finish(&p->out, scaled(&p->a, a) + p->sign * scaled(&p->b, b));
}

static int16_t product(const void *layer, int32_t a, int32_t b)
{
    return finish(&((const struct eq_int16_mul *)layer)->out, a * b);
}

void eq_int16_add(const struct eq_int16_add *layer, const int16_t *a, const int16_t *b,
                  int16_t *y)
{
    broadcast(&layer->loops, sum, layer, a, b, y);
}

void eq_int16_mul(const struct eq_int16_mul *layer, const int16_t *a, const int16_t *b,
                  int16_t *y)
{
    broadcast(&layer->loops, product, layer, a, b, y);
}

static int16_t extreme(const void *layer, int32_t a, int32_t b)
{
    return (int16_t)((a > b) != ((const struct eq_int16_extreme *)layer)->least ? a : b);
}

void eq_int16_extreme(const struct eq_int16_extreme *layer, const int16_t *a, const int16_t *b,
                      int16_t *y)
{
    broadcast(&layer->loops, extreme, layer, a, b, y);
}
