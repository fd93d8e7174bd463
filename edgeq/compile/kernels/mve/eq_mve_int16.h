/* CONV_2D, FULLY_CONNECTED and DEPTHWISE_CONV_2D of int16 around nought with Helium. */
#ifndef EQ_MVE_INT16_H
#define EQ_MVE_INT16_H

#include "eq_mve_conv.h"
#include "eq_mve_depthwise.h"

/* As the kernels of int8, but a vector has eight elements, and windows count channels in bytes:
   weights[tiles][2][blocks of the depth][2][8], or [blocks][kernel_h][kernel_w][8] whose outputs
   come in the order 0 2 4 6, 1 3 5 7. No sum leaves 32 bits. The shifts of a tile or block, at
   most nought, are followed by those to the left; where sums are `wide`, these alone count, and
   what the product with a multiplier is rounded to, once, is its upper half. */
void eq_mve_int16_conv(const struct eq_mve_conv *layer, const int16_t *x, int16_t *y,
                       int8_t *scratch);
void eq_mve_int16_pointwise(const struct eq_mve_pointwise *layer, const int16_t *x, int16_t *y);
void eq_mve_int16_depthwise(const struct eq_mve_depthwise *layer, const int16_t *x, int16_t *y,
                            int8_t *scratch);

#endif
