/* Extremes: REDUCE_MAX and REDUCE_MIN over any axes, ARG_MAX and ARG_MIN along one. */
#ifndef EQ_REDUCE_H
#define EQ_REDUCE_H

#include <stdint.h>

#include "eq_names.h"

/* The input as [kept][reduced][kept][reduced][kept]; `least` is 1 for the minimum. */
struct eq_reduce {
    int32_t size[5];
    int8_t least;
};

/* The input as [outer][depth][inner]; of equal extremes the first one counts. */
struct eq_arg {
    int32_t outer;
    int32_t depth;
    int32_t inner;
    int8_t least;
};

void eq_reduce(const struct eq_reduce *layer, const int8_t *x, int8_t *y);
void eq_arg(const struct eq_arg *layer, const int8_t *x, int32_t *y);

#endif
