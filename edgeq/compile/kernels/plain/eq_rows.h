/* CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED, one output channel after the other. */
#ifndef EQ_ROWS_H
#define EQ_ROWS_H

#include "eq_base.h"
#include "eq_window.h"

/* The weights of an output are [kernel_h][kernel_w][depth]; the bias holds the input's zero point.
   An output reads `depth` input channels, and the `copies` outputs that follow each other read the
   same ones. */
struct eq_rows {
    struct eq_window window;
    int16_t depth;
    int16_t copies;
    int8_t in_zero;
    struct eq_output out;
};

/* Output channel `o` of all images, whose weights are `w`. */
void eq_make_channel(const struct eq_rows *layer, const int8_t *x, const int8_t *w, int32_t o,
                     int8_t *y);

#endif
