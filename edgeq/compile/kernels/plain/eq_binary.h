/* ADD, SUB and MUL, element by element, with broadcasting. */
#ifndef EQ_BINARY_H
#define EQ_BINARY_H

#include "eq_base.h"
#include "eq_broadcast.h"

/* One operand of a sum on the common scale, 20 bits up. Multiplier nought stands for one half. */
struct eq_operand {
    int32_t multiplier;
    int8_t shift;
    int8_t zero;
};

struct eq_result {
    int32_t multiplier;
    int8_t shift;
    int8_t zero;
    int8_t min;
    int8_t max;
};

/* a + sign * b */
struct eq_add {
    struct eq_broadcast loops;
    struct eq_operand a;
    struct eq_operand b;
    struct eq_result out;
    int8_t sign;
};

struct eq_mul {
    struct eq_broadcast loops;
    int8_t a_zero;
    int8_t b_zero;
    struct eq_result out;
};

void eq_add(const struct eq_add *layer, const int8_t *a, const int8_t *b, int8_t *y);
void eq_mul(const struct eq_mul *layer, const int8_t *a, const int8_t *b, int8_t *y);

#endif
