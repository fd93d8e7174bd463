/* AVERAGE_POOL_2D and MAX_POOL_2D on int16, two channels at once, on the DSP extension. */
#ifndef EQ_DSP16_POOL_H
#define EQ_DSP16_POOL_H

#include "eq_int16_pool.h"

/* For at least two channels. */
void eq_dsp16_average_pool(const struct eq_int16_pool *layer, const int16_t *x, int16_t *y);
void eq_dsp16_max_pool(const struct eq_int16_pool *layer, const int16_t *x, int16_t *y);

#endif
