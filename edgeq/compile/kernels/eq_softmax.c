#include "eq_softmax.h"

/* Rounding doubling high multiplication: (a * b + 2^30) >> 31, saturated. */
static int32_t multiply(int32_t a, int32_t b)
{
    if (a == INT32_MIN && b == INT32_MIN) {
        return INT32_MAX;
    }
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* a / 2^power, rounded half away from zero. */
static int32_t divide_by_power(int32_t a, int32_t power)
{
    const int32_t mask = (int32_t)(((int64_t)1 << power) - 1);
    return (a >> power) + ((a & mask) > (mask >> 1) + (a < 0));
}

static int32_t shift_left_saturating(int32_t a, int32_t power)
{
    const int64_t v = (int64_t)a * ((int64_t)1 << power);
    return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

/* 1 / (1 + a) in Q0.31 for a in [0, 1) in Q0.31: three Newton-Raphson steps in Q2.29. */
static int32_t reciprocal(int32_t a)
{
    const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) >> 1);
    int32_t x = 1515870810 + multiply(half, -1010580540); /* 48/17 - 32/17 * half */
    int32_t i;
    for (i = 0; i < 3; i++) {
        const int32_t rest = ((int32_t)1 << 29) - multiply(half, x);
        x += shift_left_saturating(multiply(x, rest), 2);
    }
    return shift_left_saturating(x, 1);
}

static int32_t leading_zeros(uint32_t v)
{
    int32_t n = 0;
    while (v < 0x80000000u) {
        v <<= 1;
        n++;
    }
    return n;
}

static void softmax_row(const struct eq_softmax *s, const int8_t *x, int8_t *y)
{
    int32_t most = INT8_MIN, sum = 0, zeros, scale, c;
    for (c = 0; c < s->depth; c++) {
        most = x[c] > most ? x[c] : most;
    }
    for (c = 0; c < s->depth; c++) {
        const int32_t distance = most - x[c];
        sum += distance < s->entries ? divide_by_power(s->exp[distance], 12) : 0;
    }
    zeros = leading_zeros((uint32_t)sum);
    scale = reciprocal((int32_t)(((uint32_t)sum << zeros) - 0x80000000u));
    for (c = 0; c < s->depth; c++) {
        const int32_t distance = most - x[c];
        const int32_t e = distance < s->entries ? s->exp[distance] : 0;
        const int32_t v = divide_by_power(multiply(scale, e), 35 - zeros) - 128;
        y[c] = (int8_t)(v > 127 ? 127 : v);
    }
}

void eq_softmax(const struct eq_softmax *layer, const int8_t *x, int8_t *y)
{
    int32_t r;
    for (r = 0; r < layer->rows; r++) {
        softmax_row(layer, x + r * layer->depth, y + r * layer->depth);
    }
}
