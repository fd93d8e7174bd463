/* MEAN and SUM over any axes of int16 around nought. */
#ifndef EQ_INT16_MEAN_H
#define EQ_INT16_MEAN_H

#include "eq_mean.h"

void eq_int16_mean(const struct eq_mean *layer, const int16_t *x, int16_t *y);

#endif
