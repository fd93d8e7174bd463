/* ADD, SUB, MUL, MAXIMUM and MINIMUM on int16 around nought, with broadcasting. */
#ifndef EQ_INT16_BINARY_H
#define EQ_INT16_BINARY_H

#include "eq_base.h"
#include "eq_broadcast.h"

struct eq_int16_operand {
    int32_t multiplier;
    int8_t shift;
};

struct eq_int16_result {
    int32_t multiplier;
    int8_t shift;
    int16_t min;
    int16_t max;
};

/* a + sign * b, both on a common scale, 15 bits up. */
struct eq_int16_add {
    struct eq_broadcast loops;
    struct eq_int16_operand a;
    struct eq_int16_operand b;
    struct eq_int16_result out;
    int8_t sign;
};

struct eq_int16_mul {
    struct eq_broadcast loops;
    struct eq_int16_result out;
};

struct eq_int16_extreme {
    struct eq_broadcast loops;
    int8_t least;
};

void eq_int16_add(const struct eq_int16_add *layer, const int16_t *a, const int16_t *b,
                  int16_t *y);
void eq_int16_mul(const struct eq_int16_mul *layer, const int16_t *a, const int16_t *b,
                  int16_t *y);
void eq_int16_extreme(const struct eq_int16_extreme *layer, const int16_t *a, const int16_t *b,
                      int16_t *y);

#endif
