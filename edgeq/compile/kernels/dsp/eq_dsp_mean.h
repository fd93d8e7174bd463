/* MEAN and SUM of pixels, four channels at once, on the DSP extension. */
#ifndef EQ_DSP_MEAN_H
#define EQ_DSP_MEAN_H

#include "eq_mean.h"

/* Sizes [kept][reduced][1][1][kept], the last one at least four. */
void eq_dsp_mean(const struct eq_mean *layer, const int8_t *x, int8_t *y);

#endif
