/* ADD, SUB and MUL on int16 around nought, with broadcasting, for cores with SMMLAR. */
#ifndef EQ_DSP16_BINARY_H
#define EQ_DSP16_BINARY_H

#include "eq_base.h"
#include "eq_broadcast.h"

/* (multiplier + 2^32) * 2^-(33 + shift), 1 <= shift: rounded as eq_requantize does. */
struct eq_dsp16_factor {
    int32_t multiplier;
    int32_t shift;
};

/* The result of an operator, and its clamp. */
struct eq_dsp16_result {
    struct eq_dsp16_factor factor;
    int16_t min;
    int16_t max;
};

/* a * a_factor + b_sign * (b * 2^15 * b_factor): a has the larger scale of both. */
struct eq_dsp16_sum {
    struct eq_broadcast loops;
    int32_t a_factor;
    int32_t b_sign;
    struct eq_dsp16_factor b_factor;
    struct eq_dsp16_result out;
};

struct eq_dsp16_product {
    struct eq_broadcast loops;
    struct eq_dsp16_result out;
};

void eq_dsp16_sum(const struct eq_dsp16_sum *layer, const int16_t *a, const int16_t *b, int16_t *y);
void eq_dsp16_product(const struct eq_dsp16_product *layer, const int16_t *a, const int16_t *b,
                      int16_t *y);

#endif
