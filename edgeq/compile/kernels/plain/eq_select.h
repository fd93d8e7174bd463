/* SELECT: an element of one tensor or of the other, as a condition says, with broadcasting. */
#ifndef EQ_SELECT_H
#define EQ_SELECT_H

#include <stdint.h>

#include "eq_names.h"

/* Four loops, the last one innermost; a step of nought repeats an operand. */
struct eq_select {
    int32_t size[4];
    int32_t c_step[4];
    int32_t a_step[4];
    int32_t b_step[4];
};

void eq_select(const struct eq_select *layer, const int8_t *c, const int8_t *a, const int8_t *b,
               int8_t *y);

#endif
