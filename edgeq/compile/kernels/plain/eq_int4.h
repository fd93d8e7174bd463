/* CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED with weights of four bits. */
#ifndef EQ_INT4_H
#define EQ_INT4_H

#include "eq_rows.h"

/* weights[out_c][kernel_h][kernel_w][depth], two to a byte, the first in its low half. */
struct eq_int4 {
    const int8_t *weights;
    struct eq_rows rows;
};

/* `row` has room for the unpacked weights of one output. */
void eq_int4(const struct eq_int4 *layer, const int8_t *x, int8_t *row, int8_t *y);

#endif
