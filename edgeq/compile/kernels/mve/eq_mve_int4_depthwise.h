/* DEPTHWISE_CONV_2D with weights of four bits and one output for each channel, with Helium. */
#ifndef EQ_MVE_INT4_DEPTHWISE_H
#define EQ_MVE_INT4_DEPTHWISE_H

#include "eq_mve_depthwise.h"

/* As eq_mve_depthwise, but weights[blocks][kernel_h][(kernel_w + 1) / 2][16] hold two taps a
   byte: the first in its lower half, the last of an odd row in its upper one. The products of a
   window fit 16 bits. Each sixteen shifts, at most nought, are followed by sixteen to the left. */
void eq_mve_int4_depthwise(const struct eq_mve_depthwise *layer, const int8_t *x, int8_t *y,
                           int8_t *scratch);

#endif
