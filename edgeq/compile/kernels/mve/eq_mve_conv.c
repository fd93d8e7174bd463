#include "eq_mve_conv.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve_windows.h"

void eq_mve_conv(const struct eq_mve_conv *layer, const int8_t *x, int8_t *y, int8_t *scratch)
{
    struct eq_mve_windows w;
    int32_t count;
    w.zero = layer->in_zero;
    eq_mve_open_windows(&w, &layer->window, layer->columns, x, scratch);
    while ((count = eq_mve_next_windows(&w)) != 0) {
        eq_mve_multiply(&layer->matrix, w.first, w.step, count, y);
        y += count * layer->window.out_c;
    }
}

void eq_mve_pointwise(const struct eq_mve_pointwise *layer, const int8_t *x, int8_t *y)
{
    eq_mve_multiply(&layer->matrix, x, layer->matrix.depth, layer->rows, y);
}
#endif
