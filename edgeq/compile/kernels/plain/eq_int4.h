/* CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED with weights of four bits. */
#ifndef EQ_INT4_H
#define EQ_INT4_H

#include "eq_base.h"
#include "eq_window.h"

/* weights[out_c][kernel_h][kernel_w][depth], two to a byte, the first in its low half; the bias
   holds the input's zero point. An output reads `depth` input channels, and the `copies` outputs
   that follow each other read the same ones. */
struct eq_int4 {
    struct eq_window window;
    int16_t depth;
    int16_t copies;
    int8_t in_zero;
    const int8_t *weights;
    struct eq_output out;
};

/* `row` has room for the unpacked weights of one output. */
void eq_int4(const struct eq_int4 *layer, const int8_t *x, int8_t *row, int8_t *y);

#endif
