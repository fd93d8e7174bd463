/* Matrix times vectors: FULLY_CONNECTED, and CONV_2D with a 1x1 kernel and stride 1. */
#ifndef EQ_DENSE_H
#define EQ_DENSE_H

#include "eq_base.h"

/* y[rows][outputs] = x[rows][depth] * weights[outputs][depth]; the bias holds the zero point. */
struct eq_dense {
    int32_t rows;
    int32_t depth;
    int32_t outputs;
    const int8_t *weights;
    struct eq_output out;
};

void eq_dense(const struct eq_dense *layer, const int8_t *x, int8_t *y);

#endif
