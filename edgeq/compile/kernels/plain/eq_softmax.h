/* SOFTMAX along the last axis, output scale 1/256 and zero point -128. */
#ifndef EQ_SOFTMAX_H
#define EQ_SOFTMAX_H

#include "eq_base.h"

/* exp[d] is e^(-d * beta * scale) in Q0.31 for a distance d from the largest input; beyond
   `entries` it is nought. */
struct eq_softmax {
    int32_t rows;
    int32_t depth;
    int32_t entries;
    const int32_t *exp;
};

void eq_softmax(const struct eq_softmax *layer, const int8_t *x, int8_t *y);

#endif
