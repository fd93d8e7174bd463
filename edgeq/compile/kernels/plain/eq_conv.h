/* CONV_2D of any kernel, stride, dilation and padding. */
#ifndef EQ_CONV_H
#define EQ_CONV_H

#include "eq_base.h"
#include "eq_window.h"

/* weights[out_c][kernel_h][kernel_w][in_c]; the bias holds the input's zero point. */
struct eq_conv {
    struct eq_window window;
    int8_t in_zero;
    const int8_t *weights;
    struct eq_output out;
};

void eq_conv(const struct eq_conv *layer, const int8_t *x, int8_t *y);

#endif
