#include "eq_int4.h"

/* `count` weights from the one of index `first` on. */
EQ_APART static void unpack(const int8_t *packed, int32_t first, int32_t count, int8_t *w)
{
    int32_t i;
    for (i = first; i < first + count; i++) {
        const uint32_t two = (uint8_t)packed[i >> 1];
        *w++ = (int8_t)((int32_t)(((i & 1 ? two >> 4 : two) & 15u) ^ 8u) - 8);
    }
}

void eq_int4(const struct eq_int4 *layer, const int8_t *x, int8_t *row, int8_t *y)
{
    const struct eq_window *g = &layer->rows.window;
    const int32_t count = g->kernel_h * g->kernel_w * layer->rows.depth;
    int32_t o;
    for (o = 0; o < g->out_c; o++) {
        unpack(layer->weights, o * count, count, row);
        eq_make_channel(&layer->rows, x, row, o, y);
    }
}
