#include "eq_dsp_pointwise.h"

void eq_dsp_pointwise(const struct eq_dsp_pointwise *layer, const int8_t *x, int8_t *scratch,
                      int8_t *y)
{
    const struct eq_dsp_matrix *m = &layer->matrix;
    const int32_t depth = layer->depth, quads = depth / 4, tail = depth & 3;
    int32_t *const wide = (int32_t *)(void *)scratch;
    int32_t rows, p;
    for (rows = layer->rows; rows >= 4; rows -= 4) {
        eq_dsp_widen_4(x, depth, quads, wide);
        for (p = 0; tail && p < 4; p++) {
            eq_dsp_widen_tail(x + p * depth + 4 * quads, tail, wide + 8 * quads + p);
        }
        eq_dsp_tile_4(m, wide, y);
        eq_dsp_clamp(y, 4 * m->outputs, layer->min, layer->max);
        x += 4 * depth;
        y += 4 * m->outputs;
    }
    for (; rows > 0; rows--) {
        eq_dsp_widen_1(x, quads, wide);
        eq_dsp_widen_tail(x + 4 * quads, tail, wide + 8 * quads);
        eq_dsp_tile_1(m, wide, y);
        eq_dsp_clamp(y, m->outputs, layer->min, layer->max);
        x += depth;
        y += m->outputs;
    }
}
