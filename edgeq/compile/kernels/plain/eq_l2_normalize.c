#include "eq_fixed.h"
#include "eq_normalize.h"

/* 1 / sqrt(v) is multiplier * 2^(shift - 31). */
struct factor {
    int32_t multiplier;
    int32_t shift;
};

/* Five Newton-Raphson steps in Q3, from 1: x = 3/2 x - v/2 x^3. Nought counts as one. */
static struct factor inverse_sqrt(int32_t v)
{
    struct factor f = {INT32_MAX, 0};
    int32_t x = (int32_t)1 << 28, half, pairs, i;
    if (v <= 1) {
        return f;
    }
    f.shift = -11;
    while (v >= (int32_t)1 << 29) {
        v /= 4;
        f.shift--;
    }
    pairs = (eq_leading_zeros((uint32_t)v) - 1) / 2 - 1;
    f.shift += pairs;
    half = eq_divide_by_power((v << 2 * pairs) >> 1, 1);
    for (i = 0; i < 5; i++) {
        const int32_t square = eq_multiply(x, x);
        const int32_t cube = eq_shift_left_saturating(eq_multiply(square, x), 6);
        const int32_t next = eq_multiply(3 * ((int32_t)1 << 27), x) - eq_multiply(half, cube);
        x = eq_shift_left_saturating(next, 3);
    }
    f.multiplier = eq_multiply(x, 1518500250); /* sqrt(1/2) */
    if (f.shift > 0) {
        f.multiplier <<= f.shift;
        f.shift = 0;
    }
    return f;
}

void eq_l2_normalize(const struct eq_l2_normalize *layer, const int8_t *x, int8_t *y)
{
    const int32_t depth = layer->depth, zero = layer->zero;
    int32_t r, c;
    for (r = 0; r < layer->rows; r++) {
        struct factor f;
        int32_t sum = 0;
        for (c = 0; c < depth; c++) {
            sum += (x[c] - zero) * (x[c] - zero);
        }
        f = inverse_sqrt(sum);
        for (c = 0; c < depth; c++) {
            const int32_t v = eq_requantize_wide(x[c] - zero, f.multiplier, f.shift + 7 - 32);
            y[c] = (int8_t)eq_clamp(v, INT8_MIN, INT8_MAX);
        }
        x += depth;
        y += depth;
    }
}
