/* TRANSPOSE_CONV on int16 around nought: weights [outputs][kernel_h][kernel_w][in_c]. */
#ifndef EQ_INT16_TRANSPOSE_CONV_H
#define EQ_INT16_TRANSPOSE_CONV_H

#include "eq_int16.h"
#include "eq_transpose_conv.h"

/* The window is that of eq_transpose_conv.h. */
struct eq_int16_transpose_conv {
    struct eq_window window;
    const int8_t *weights;
    struct eq_int16_output out;
};

void eq_int16_transpose_conv(const struct eq_int16_transpose_conv *layer, const int16_t *x,
                             int16_t *y);

#endif
