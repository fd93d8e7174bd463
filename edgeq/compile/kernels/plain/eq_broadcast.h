/* The loops of operators on two tensors, one of which may repeat. */
#ifndef EQ_BROADCAST_H
#define EQ_BROADCAST_H

#include <stdint.h>

#include "eq_names.h"

/* Four loops, the last one innermost; a step of nought repeats an operand. */
struct eq_broadcast {
    int32_t size[4];
    int32_t a_step[4];
    int32_t b_step[4];
};

/* Computes `count` outputs in a row. */
typedef void eq_row(const void *layer, const int8_t *a, int32_t a_step, const int8_t *b,
                    int32_t b_step, int8_t *y, int32_t count);

void eq_broadcast(const struct eq_broadcast *loops, eq_row *row, const void *layer,
                  const int8_t *a, const int8_t *b, int8_t *y);

#endif
