/* DIV, element by element, with broadcasting. */
#ifndef EQ_DIVIDE_H
#define EQ_DIVIDE_H

#include "eq_base.h"
#include "eq_broadcast.h"

/* `shift` is TFLite's: positive to the left. */
struct eq_divide {
    struct eq_broadcast loops;
    int8_t a_zero;
    int8_t b_zero;
    int32_t multiplier;
    int8_t shift;
    int8_t zero;
    int8_t min;
    int8_t max;
};

void eq_divide(const struct eq_divide *layer, const int8_t *a, const int8_t *b, int8_t *y);

#endif
