/* TRANSPOSE_CONV for cores with SMLAD. */
#ifndef EQ_DSP_TRANSPOSED_H
#define EQ_DSP_TRANSPOSED_H

#include "eq_dsp_tile.h"
#include "eq_window.h"

/* The outputs that lie alike between inputs are a convolution of stride 1, whose padding is
   negative where they begin behind the first input. They go to y + `first`, and the matrix has the
   distance between two in a row; `row` bytes lie between two rows, `image` between two images.
   `scratch` holds a widened tile, and behind it the bytes of windows that reach over the border:
   kernel_h rows of kernel_w + 3 pixels. */
struct eq_dsp_transposed {
    struct eq_window window;
    int8_t in_zero;
    int32_t first, row, image;
    struct eq_dsp_matrix matrix;
};

void eq_dsp_transposed(const struct eq_dsp_transposed *layer, const int8_t *x, int8_t *scratch,
                       int8_t *y);

#endif
