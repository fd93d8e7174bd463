/* FULLY_CONNECTED and 1x1 CONV_2D with Helium. */
#ifndef EQ_MVE_DENSE_H
#define EQ_MVE_DENSE_H

#include "eq_mve.h"

/* y[rows][outputs] = x[rows][depth] * weights[outputs][depth]; at least four outputs. */
struct eq_mve_dense {
    int32_t rows;
    int32_t depth;
    int32_t outputs;
    const int8_t *weights;
    struct eq_mve_output out;
};

void eq_mve_dense(const struct eq_mve_dense *layer, const int8_t *x, int8_t *y);

#endif
