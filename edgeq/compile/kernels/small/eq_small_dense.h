/* FULLY_CONNECTED, four outputs at a time, for cores that have no SIMD and load bytes without their
   sign at no cost. */
#ifndef EQ_SMALL_DENSE_H
#define EQ_SMALL_DENSE_H

#include "eq_base.h"
#include "eq_scale.h"

/* y[rows][outputs] = x[rows][depth] * weights. The weights of four outputs lie together, input by
   input, with 128 added; the last outputs are filled up to four. The bias holds the zero point. */
struct eq_small_dense {
    int32_t rows;
    int32_t depth;
    int32_t outputs;
    const uint8_t *weights;
    struct eq_scaling scaling; /* without a bias where `out` holds */
    struct eq_output out;
};

void eq_small_dense(const struct eq_small_dense *layer, const int8_t *x, int8_t *y);

#endif
