/* SVDF: filters of one vector each, whose last results a second filter weighs over time. */
#ifndef EQ_SVDF_H
#define EQ_SVDF_H

#include "eq_base.h"

/* Filters are [filters][depth] and [filters][memory]; `rank` of them make one output. The state is
   [batches][filters][memory], of the elements of the filters over time; state_zero is subtracted
   from it. `bias` holds the zero point of x; multiplier and shift make what the state keeps. */
struct eq_svdf {
    int32_t batches;
    int32_t filters;
    int32_t rank;
    int32_t depth;
    int32_t memory;
    int32_t state_zero;
    int32_t multiplier;
    int32_t shift;
    const int8_t *weights;
    const int32_t *bias;
    struct eq_output out;
};

/* The state is kept for next time. */
void eq_svdf(const struct eq_svdf *layer, const int8_t *x, const int8_t *over_time, int8_t *state,
             int8_t *y);
void eq_svdf_16(const struct eq_svdf *layer, const int8_t *x, const int16_t *over_time,
                int16_t *state, int8_t *y);

#endif
