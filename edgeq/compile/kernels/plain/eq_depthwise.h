/* DEPTHWISE_CONV_2D. */
#ifndef EQ_DEPTHWISE_H
#define EQ_DEPTHWISE_H

#include "eq_base.h"
#include "eq_window.h"

/* weights[out_c][kernel_h][kernel_w]; the bias holds the input's zero point. `border` is a row of
   in_c zero points, read where a 3x3 window reaches over the border. */
struct eq_depthwise {
    struct eq_window window;
    int8_t in_zero;
    const int8_t *weights;
    const int8_t *border;
    struct eq_output out;
};

/* Any kernel and any number of outputs for each input channel. */
void eq_depthwise(const struct eq_depthwise *layer, const int8_t *x, int8_t *y);

/* 3x3, one output for each input channel, no dilation. */
void eq_depthwise_3x3(const struct eq_depthwise *layer, const int8_t *x, int8_t *y);

#endif
