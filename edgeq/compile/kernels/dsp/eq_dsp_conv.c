#include "eq_dsp_conv.h"

static inline void make_tile(const struct eq_dsp_conv *layer, const int32_t *x, int32_t pixels,
                             int8_t *y)
{
    eq_dsp_tile(&layer->matrix, x, pixels, y);
}

#define EQ_DSP_MAKE_TILE make_tile
#include "eq_dsp_windows.h"

void eq_dsp_conv(const struct eq_dsp_conv *layer, const int8_t *x, int8_t *scratch, int8_t *y)
{
    eq_dsp_windows(layer, x, scratch, y);
}
