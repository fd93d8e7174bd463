/* DEPTHWISE_CONV_2D with one output for each channel, sixteen channels at once. */
#ifndef EQ_MVE_DEPTHWISE_H
#define EQ_MVE_DEPTHWISE_H

#include "eq_mve.h"
#include "eq_window.h"

/* Sixteen lanes are a block of channels, and `x_step` and `y_step` lead to the next pixel; or they
   are whole pixels of few channels, side by side in both tensors, and both steps are 16.
   weights[blocks][kernel_h][kernel_w][16]; bias, multiplier and shift of a block come in the order
   of the lanes' accumulators: 0 4 8 12, 2 6 10 14, 1 5 9 13, 3 7 11 15.
   No two neighbouring taps weigh more than 255 together: their products fit 16 bits. */
struct eq_mve_depthwise {
    struct eq_window window;
    int8_t in_zero;
    int8_t side_by_side;
    int32_t steps;
    int32_t x_step;
    int32_t y_step;
    const int8_t *weights;
    struct eq_mve_output out;
};

/* `scratch` holds the rows of a window, padded, and 16 bytes. */
void eq_mve_depthwise(const struct eq_mve_depthwise *layer, const int8_t *x, int8_t *y,
                      int8_t *scratch);

/* The rows of taps of one row of outputs, and the bytes between two taps. */
struct eq_mve_rows {
    const int8_t *const *row;
    int32_t tap;
};

/* A row of outputs of the block that starts at byte `c` of a pixel, with the parameters and weights
   of that block alone. */
void eq_mve_depthwise_block(const struct eq_mve_depthwise *block, const struct eq_mve_rows *rows,
                            int32_t c, int8_t *y);

#endif
