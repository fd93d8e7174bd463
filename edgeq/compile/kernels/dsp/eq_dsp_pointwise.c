#include "eq_dsp_pointwise.h"

void eq_dsp_pointwise(const struct eq_dsp_pointwise *layer, const int8_t *x, int8_t *scratch,
                      int8_t *y)
{
    const struct eq_dsp_runs run = {1, layer->depth / 4, layer->depth, layer->depth & 3};
    int32_t *const wide = (int32_t *)(void *)scratch;
    int32_t left, pixels;
    for (left = layer->rows; left > 0; left -= pixels) {
        pixels = left < 4 ? left : 4;
        eq_dsp_widen(&run, x, pixels, layer->depth, wide, wide + 8 * run.quads);
        eq_dsp_tile(&layer->matrix, wide, pixels, y);
        x += pixels * layer->depth;
        y += pixels * layer->matrix.outputs;
    }
}
