/* ADD, SUB and MUL with Helium, of operands whose rows are contiguous. */
#ifndef EQ_MVE_BINARY_H
#define EQ_MVE_BINARY_H

#include "eq_binary.h"
#include "eq_mve.h"

/* y = plain + sign * scaled, 20 bits up. `plain` has the larger scale: a * plain_factor +
   plain_offset, where the factor is 2^19, negative where it is subtracted. The other one is
   b * scaled_factor + scaled_offset, requantised. */
struct eq_mve_add {
    struct eq_broadcast loops;
    int32_t plain_factor;
    int32_t plain_offset;
    int32_t scaled_factor;
    int32_t scaled_offset;
    int32_t multiplier;
    int8_t shift;
    int8_t sign;
    struct eq_result out;
};

/* The factor of the result is below a half. */
struct eq_mve_mul {
    struct eq_broadcast loops;
    int8_t a_zero;
    int8_t b_zero;
    struct eq_result out;
};

void eq_mve_add(const struct eq_mve_add *layer, const int8_t *plain, const int8_t *scaled,
                int8_t *y);
void eq_mve_mul(const struct eq_mve_mul *layer, const int8_t *a, const int8_t *b, int8_t *y);

#endif
