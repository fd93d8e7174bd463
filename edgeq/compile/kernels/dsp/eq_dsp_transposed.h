/* TRANSPOSE_CONV for cores with SMLAD. */
#ifndef EQ_DSP_TRANSPOSED_H
#define EQ_DSP_TRANSPOSED_H

#include "eq_dsp_tile.h"
#include "eq_window.h"

/* With stride s, output s * q + r is made of inputs q, q - 1, ... and of every s-th tap from tap r
   on: the outputs of one r are a convolution. The matrix has a stream for each of the first
   stride_h rows and stride_w columns of outputs, one behind the other, with the taps in the order
   of the inputs and one of noughts where there is none; `steps` are the most of them, `outputs` the
   distance of two outputs of one r, and the window's padding is what is cut off. Rows of outputs are
   made in order: what a row reads, it reads before the next one is written. `scratch` holds a
   widened tile, and behind it the bytes of windows that reach over the border. */
struct eq_dsp_transposed {
    struct eq_window window;
    int8_t in_zero;
    struct eq_dsp_matrix matrix;
};

void eq_dsp_transposed(const struct eq_dsp_transposed *layer, const int8_t *x, int8_t *scratch,
                       int8_t *y);

#endif
