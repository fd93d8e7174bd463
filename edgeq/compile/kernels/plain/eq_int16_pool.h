/* AVERAGE_POOL_2D and MAX_POOL_2D on int16. */
#ifndef EQ_INT16_POOL_H
#define EQ_INT16_POOL_H

#include "eq_base.h"
#include "eq_window.h"

struct eq_int16_pool {
    struct eq_window window;
    int16_t min;
    int16_t max;
};

void eq_int16_average_pool(const struct eq_int16_pool *layer, const int16_t *x, int16_t *y);
void eq_int16_max_pool(const struct eq_int16_pool *layer, const int16_t *x, int16_t *y);

#endif
