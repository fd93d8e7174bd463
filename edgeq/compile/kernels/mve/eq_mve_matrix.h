/* Rows of bytes by a matrix of weights, sixteen products an instruction. */
#ifndef EQ_MVE_MATRIX_H
#define EQ_MVE_MATRIX_H

#include "eq_mve.h"

/* Weights in tiles of four outputs: [tiles][2][blocks of the depth][2][16], where outputs 0 and 2 of
   a tile come before 1 and 3, and noughts fill the last block and the last tile. Kernels of int8 make
   the first `made` of a row's outputs. */
struct eq_mve_matrix {
    int32_t depth;
    int32_t outputs;
    int32_t made;
    const int8_t *weights;
    struct eq_mve_output out;
};

/* y[rows][outputs] = x[rows][depth] * weights, where a row of x starts `step` bytes behind the one
   before it. */
void eq_mve_multiply(const struct eq_mve_matrix *m, const int8_t *x, int32_t step, int32_t rows,
                     int8_t *y);

#endif
