#include "eq_fixed.h"
#include "eq_softmax.h"

static void softmax_row(const struct eq_softmax *s, const int8_t *x, int8_t *y)
{
    int32_t most = INT8_MIN, sum = 0, zeros, scale, c;
    for (c = 0; c < s->depth; c++) {
        most = x[c] > most ? x[c] : most;
    }
    for (c = 0; c < s->depth; c++) {
        const int32_t distance = most - x[c];
        sum += distance < s->entries ? eq_divide_by_power(s->exp[distance], 12) : 0;
    }
    zeros = eq_leading_zeros((uint32_t)sum);
    scale = eq_reciprocal((int32_t)(((uint32_t)sum << zeros) - 0x80000000u));
    for (c = 0; c < s->depth; c++) {
        const int32_t distance = most - x[c];
        const int32_t e = distance < s->entries ? s->exp[distance] : 0;
        const int32_t v = eq_divide_by_power(eq_multiply(scale, e), 35 - zeros) - 128;
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
