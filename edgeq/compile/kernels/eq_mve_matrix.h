/* Rows of bytes by a matrix of weights, sixteen products an instruction. */
#ifndef EQ_MVE_MATRIX_H
#define EQ_MVE_MATRIX_H

#include "eq_mve.h"

/* weights[outputs][depth] */
struct eq_mve_matrix {
    int32_t depth;
    int32_t outputs;
    const int8_t *weights;
    const struct eq_mve_output *out;
};

/* One row and two rows by all outputs, of which there are at least four. */
void eq_mve_row(const struct eq_mve_matrix *m, const int8_t *x, int8_t *y);
void eq_mve_rows(const struct eq_mve_matrix *m, const int8_t *x0, const int8_t *x1, int8_t *y0,
                 int8_t *y1);

#endif
