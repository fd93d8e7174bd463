#include "eq_int16_matmul.h"

static int64_t dot(const struct eq_int16_matmul *m, const int16_t *a, const int16_t *b)
{
    int64_t sum = 0;
    int32_t d;
    for (d = 0; d < m->depth; d++) {
        sum += (int32_t)*a * *b;
        a += m->a_depth;
        b += m->b_depth;
    }
    return sum;
}

static int16_t *product(const struct eq_int16_matmul *m, const int16_t *a, const int16_t *b,
                        int16_t *y)
{
    const int64_t half = (int64_t)1 << (m->shift - 1);
    int32_t i, j;
    for (i = 0; i < m->rows; i++) {
        for (j = 0; j < m->columns; j++) {
            const int64_t sum = dot(m, a + i * m->a_row, b + j * m->b_column);
            const int32_t v = (int32_t)((sum * m->multiplier + half) >> m->shift);
            *y++ = (int16_t)eq_clamp(v, INT16_MIN, INT16_MAX);
        }
    }
    return y;
}

void eq_int16_matmul(const struct eq_int16_matmul *layer, const int16_t *a, const int16_t *b,
                     int16_t *y)
{
    const int32_t *const n = layer->size, *const p = layer->a_step, *const q = layer->b_step;
    int32_t i, j, k;
    for (i = 0; i < n[0]; i++) {
        for (j = 0; j < n[1]; j++) {
            for (k = 0; k < n[2]; k++) {
                y = product(layer, a + i * p[0] + j * p[1] + k * p[2],
                            b + i * q[0] + j * q[1] + k * q[2], y);
            }
        }
    }
}
