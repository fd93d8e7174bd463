/* CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED with weights of few distinct values. */
#ifndef EQ_CODED_ROWS_H
#define EQ_CODED_ROWS_H

#include "eq_codes.h"
#include "eq_rows.h"

/* A row of codes holds the weights of an output. */
struct eq_coded_rows {
    struct eq_codes weights;
    struct eq_rows rows;
};

/* `row` has room for the weights of one output. */
void eq_coded_rows(const struct eq_coded_rows *layer, const int8_t *x, int8_t *row, int8_t *y);

#endif
