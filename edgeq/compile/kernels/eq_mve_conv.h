/* CONV_2D of any kernel, stride, dilation and padding with Helium. */
#ifndef EQ_MVE_CONV_H
#define EQ_MVE_CONV_H

#include "eq_mve.h"
#include "eq_window.h"

/* weights[out_c][kernel_h][kernel_w][in_c]; at least four outputs. Outside the input every tap
   reads `in_zero`. */
struct eq_mve_conv {
    struct eq_window window;
    int8_t in_zero;
    const int8_t *weights;
    struct eq_mve_output out;
};

/* `scratch` holds the taps of two windows; a kernel one tap high and unpadded needs none. */
void eq_mve_conv(const struct eq_mve_conv *layer, const int8_t *x, int8_t *y, int8_t *scratch);

#endif
