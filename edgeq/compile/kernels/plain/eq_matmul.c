#include "eq_matmul.h"

static int32_t dot(const struct eq_matmul *m, const int8_t *a, const int8_t *b)
{
    const int32_t a_zero = m->a_zero, b_zero = m->b_zero, a_step = m->a_depth, b_step = m->b_depth;
    int32_t acc = 0, d;
    for (d = 0; d < m->depth; d++) {
        acc += (*a - a_zero) * (*b - b_zero);
        a += a_step;
        b += b_step;
    }
    return acc;
}

static int8_t *product(const struct eq_matmul *m, const int8_t *a, const int8_t *b, int8_t *y)
{
    int32_t i, j;
    for (i = 0; i < m->rows; i++) {
        for (j = 0; j < m->columns; j++) {
            const int32_t acc = dot(m, a + i * m->a_row, b + j * m->b_column);
            const int32_t v = eq_requantize(acc, m->multiplier, m->shift) + m->zero;
            *y++ = (int8_t)eq_clamp(v, INT8_MIN, INT8_MAX);
        }
    }
    return y;
}

void eq_matmul(const struct eq_matmul *layer, const int8_t *a, const int8_t *b, int8_t *y)
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
