/* ADD and SUB of equal shapes as a plane over both operands, in products of 32 bits. */
#ifndef EQ_SMALL_SUM_H
#define EQ_SMALL_SUM_H

#include "eq_base.h"

/* y = (a * a_high + (a * a_low >> 8) + b * b_high + (b * b_low >> 8) + offset) >> 21, saturated,
   which the compiler has compared with TFLite's arithmetic for every a and b. y may be a or b. */
struct eq_small_sum {
    int32_t count;
    int32_t a_high, b_high, offset;
    uint8_t a_low, b_low;
};

void eq_small_sum(const struct eq_small_sum *layer, const int8_t *a, const int8_t *b, int8_t *y);

#endif
