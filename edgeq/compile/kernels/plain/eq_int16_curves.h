/* LOGISTIC, TANH and SOFTMAX on int16: tables, and lines between their entries. */
#ifndef EQ_INT16_CURVES_H
#define EQ_INT16_CURVES_H

#include "eq_base.h"

/* An element becomes element * multiplier * 2^-shift; `sigmoid` holds sigmoid(i / 24) in 0.16. */
struct eq_int16_curve {
    int32_t count;
    int32_t multiplier;
    int8_t shift;
    const int32_t *sigmoid;
};

/* Tables of 513 entries over all of int16: exp from -10 to 0, and 1 / (1 + x) from 0 to 1. */
struct eq_int16_softmax {
    int32_t rows;
    int32_t depth;
    int32_t multiplier;
    int8_t shift;
    const int16_t *exp;
    const int16_t *reciprocal;
};

void eq_int16_logistic(const struct eq_int16_curve *layer, const int16_t *x, int16_t *y);
void eq_int16_tanh(const struct eq_int16_curve *layer, const int16_t *x, int16_t *y);
void eq_int16_softmax(const struct eq_int16_softmax *layer, const int16_t *x, int16_t *y);

#endif
