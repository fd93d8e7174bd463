/* AVERAGE_POOL_2D and MAX_POOL_2D. */
#ifndef EQ_POOL_H
#define EQ_POOL_H

#include "eq_base.h"
#include "eq_window.h"

struct eq_pool {
    struct eq_window window;
    int8_t min;
    int8_t max;
};

void eq_average_pool(const struct eq_pool *layer, const int8_t *x, int8_t *y);
void eq_max_pool(const struct eq_pool *layer, const int8_t *x, int8_t *y);

#endif
