/* Fixed point with saturation: numbers of 32 bits, of which some stand before the point (Qm). */
#ifndef EQ_FIXED_H
#define EQ_FIXED_H

#include <stdint.h>

#include "eq_names.h"

/* Rounding doubling high multiplication: (a * b + 2^30) >> 31, saturated. */
int32_t eq_multiply(int32_t a, int32_t b);

/* a / 2^power, rounded half away from zero; power is 0 to 31. */
int32_t eq_divide_by_power(int32_t a, int32_t power);

int32_t eq_shift_left_saturating(int32_t a, int32_t power);

/* 1 / (1 + a) in Q0 for a in [0, 1) in Q0: three Newton-Raphson steps in Q2. */
int32_t eq_reciprocal(int32_t a);

/* The leading noughts of a number other than nought. */
static inline int32_t eq_leading_zeros(uint32_t v)
{
    int32_t n = 0;
    while (v < 0x80000000u) {
        v <<= 1;
        n++;
    }
    return n;
}

#endif
