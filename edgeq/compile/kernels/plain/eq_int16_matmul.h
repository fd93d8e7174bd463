/* BATCH_MATMUL on int16 around nought: products of computed matrices, either of them transposed. */
#ifndef EQ_INT16_MATMUL_H
#define EQ_INT16_MATMUL_H

#include "eq_base.h"

/* Three loops over matrices, the last one innermost, then rows, columns and depth; steps in
   elements, nought where an operand repeats. The multiplier has 16 bits, and the shift is that of
   the product to the right, at least 1. */
struct eq_int16_matmul {
    int32_t size[3];
    int32_t a_step[3];
    int32_t b_step[3];
    int32_t rows, columns, depth;
    int32_t a_row, a_depth;
    int32_t b_column, b_depth;
    int32_t multiplier;
    int8_t shift;
};

void eq_int16_matmul(const struct eq_int16_matmul *layer, const int16_t *a, const int16_t *b,
                     int16_t *y);

#endif
