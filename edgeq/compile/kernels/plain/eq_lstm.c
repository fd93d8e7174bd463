#include "eq_lstm.h"

static void sum_gates(const struct eq_lstm_product *p, int32_t depth, int32_t unit, const int8_t *x,
                      int32_t *acc)
{
    const int8_t *const end = x + depth, *w = (const int8_t *)p->weights + 4 * depth * unit;
    int32_t a0 = acc[0], a1 = acc[1], a2 = acc[2], a3 = acc[3];
    for (; x < end; x++) {
        a0 += *x * w[0];
        a1 += *x * w[1];
        a2 += *x * w[2];
        a3 += *x * w[3];
        w += 4;
    }
    acc[0] = a0;
    acc[1] = a1;
    acc[2] = a2;
    acc[3] = a3;
}

void eq_lstm(const struct eq_lstm *layer, const int8_t *x, int8_t *state, int16_t *cell, int8_t *y)
{
    eq_lstm_run(layer, sum_gates, x, state, cell, y);
}
