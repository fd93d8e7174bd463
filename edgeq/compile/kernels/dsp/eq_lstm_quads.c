#include "eq_dense_quads.h"
#include "eq_lstm.h"

/* The gates of a cell are a quad. */
static void sum_gates(const struct eq_lstm_product *p, int32_t depth, int32_t unit, const int8_t *x,
                      int32_t *acc)
{
    const int32_t words = (depth + 3) / 4 * 4;
    eq_quad_add((const int32_t *)p->weights + words * unit, x, depth, p->chunk, acc);
}

void eq_lstm_quads(const struct eq_lstm *layer, const int8_t *x, int8_t *state, int16_t *cell,
                   int8_t *y)
{
    eq_lstm_run(layer, sum_gates, x, state, cell, y);
}
