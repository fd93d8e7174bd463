/* CONV_2D and FULLY_CONNECTED with weights of four bits with Helium. */
#ifndef EQ_MVE_INT4_H
#define EQ_MVE_INT4_H

#include "eq_mve_conv.h"

/* As the kernels of int8, but a byte holds two weights: outputs 0 and 2 of a tile, or 1 and 3,
   lie in its lower and its upper half. The bias is sixteenfold, as are the sums: they fit 32
   bits. Each four shifts, at most nought, are followed by four to the left, less the four bits
   of the sums. */
void eq_mve_int4_conv(const struct eq_mve_conv *layer, const int8_t *x, int8_t *y, int8_t *scratch);
void eq_mve_int4_pointwise(const struct eq_mve_pointwise *layer, const int8_t *x, int8_t *y);

#endif
