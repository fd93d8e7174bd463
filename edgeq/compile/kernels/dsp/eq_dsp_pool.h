/* AVERAGE_POOL_2D and MAX_POOL_2D, four channels at once, on the DSP extension. */
#ifndef EQ_DSP_POOL_H
#define EQ_DSP_POOL_H

#include "eq_pool.h"

/* At least four channels; windows of an average have at most 255 taps. */
void eq_dsp_average_pool(const struct eq_pool *layer, const int8_t *x, int8_t *y);
void eq_dsp_max_pool(const struct eq_pool *layer, const int8_t *x, int8_t *y);

#endif
