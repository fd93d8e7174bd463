/* AVERAGE_POOL_2D, MAX_POOL_2D and MEAN with Helium, channels side by side. */
#ifndef EQ_MVE_POOL_H
#define EQ_MVE_POOL_H

#include "eq_mean.h"
#include "eq_pool.h"

/* Of windows of fewer than 4096 taps. */
void eq_mve_average_pool(const struct eq_pool *layer, const int8_t *x, int8_t *y);
void eq_mve_max_pool(const struct eq_pool *layer, const int8_t *x, int8_t *y);

/* `shift` is TFLite's, below nought: to the right. */
void eq_mve_mean(const struct eq_mean *layer, const int8_t *x, int8_t *y);

#endif
