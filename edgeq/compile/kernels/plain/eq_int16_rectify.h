/* RELU, RELU6 and LEAKY_RELU on int16 around nought. */
#ifndef EQ_INT16_RECTIFY_H
#define EQ_INT16_RECTIFY_H

#include "eq_base.h"

/* Numbers below nought are scaled by the second factor and then multiplied with `sign`. */
struct eq_int16_rectify {
    int32_t count;
    int32_t multiplier;
    int32_t below_multiplier;
    int8_t shift;
    int8_t below_shift;
    int8_t sign;
    int16_t min;
    int16_t max;
};

void eq_int16_rectify(const struct eq_int16_rectify *layer, const int16_t *x, int16_t *y);

#endif
