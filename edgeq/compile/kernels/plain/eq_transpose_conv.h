/* TRANSPOSE_CONV: weights [outputs][kernel_h][kernel_w][in_c]. */
#ifndef EQ_TRANSPOSE_CONV_H
#define EQ_TRANSPOSE_CONV_H

#include "eq_base.h"
#include "eq_window.h"

/* The window is that of the convolution which leads from the output back to the input. */
struct eq_transpose_conv {
    struct eq_window window;
    int8_t in_zero;
    const int8_t *weights;
    struct eq_output out;
};

void eq_transpose_conv(const struct eq_transpose_conv *layer, const int8_t *x, int8_t *y);

#endif
