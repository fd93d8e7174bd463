/* CONV_2D of any kernel, stride, dilation and padding, for cores with SMLAD. */
#ifndef EQ_DSP_CONV_H
#define EQ_DSP_CONV_H

#include "eq_dsp_tile.h"
#include "eq_window.h"

/* Tiles of four output pixels in the order of memory: all that a tile reads is read before any of
   it is written. `scratch` holds a widened tile, and behind it the bytes of windows that reach
   over the border: kernel_h rows of 3 * stride_w + (kernel_w - 1) * dilation_w + 1 pixels. */
struct eq_dsp_conv {
    struct eq_window window;
    int8_t in_zero;
    struct eq_dsp_matrix matrix;
};

void eq_dsp_conv(const struct eq_dsp_conv *layer, const int8_t *x, int8_t *scratch, int8_t *y);

#endif
