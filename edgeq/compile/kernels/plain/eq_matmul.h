/* BATCH_MATMUL: products of computed matrices, either of them transposed. */
#ifndef EQ_MATMUL_H
#define EQ_MATMUL_H

#include "eq_base.h"

/* Three loops over matrices, the last one innermost, then rows, columns and depth; steps in bytes,
   nought where an operand repeats. */
struct eq_matmul {
    int32_t size[3];
    int32_t a_step[3];
    int32_t b_step[3];
    int32_t rows, columns, depth;
    int32_t a_row, a_depth;
    int32_t b_column, b_depth;
    int32_t multiplier;
    int8_t shift;
    int8_t a_zero;
    int8_t b_zero;
    int8_t zero;
};

void eq_matmul(const struct eq_matmul *layer, const int8_t *a, const int8_t *b, int8_t *y);

#endif
