/* MEAN over any axes. */
#ifndef EQ_MEAN_H
#define EQ_MEAN_H

#include "eq_base.h"

/* The input as [kept][reduced][kept][reduced][kept]; `offset` takes the zero points away. */
struct eq_mean {
    int32_t size[5];
    int32_t offset;
    int32_t multiplier;
    int8_t shift;
    int8_t zero;
};

void eq_mean(const struct eq_mean *layer, const int8_t *x, int8_t *y);

#endif
