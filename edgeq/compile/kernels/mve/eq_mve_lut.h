/* Every function of one byte, as a table, sixteen bytes at once. */
#ifndef EQ_MVE_LUT_H
#define EQ_MVE_LUT_H

#include "eq_lut.h"

void eq_mve_lut(const struct eq_lut *layer, const int8_t *x, int8_t *y);

#endif
