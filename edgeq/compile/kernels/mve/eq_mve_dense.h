/* FULLY_CONNECTED of one row with Helium. */
#ifndef EQ_MVE_DENSE_H
#define EQ_MVE_DENSE_H

#include "eq_mve.h"

/* weights[outputs][depth]; at least four outputs. */
struct eq_mve_dense {
    int32_t depth;
    int32_t outputs;
    const int8_t *weights;
    struct eq_mve_output out;
};

void eq_mve_dense(const struct eq_mve_dense *layer, const int8_t *x, int8_t *y);

#endif
