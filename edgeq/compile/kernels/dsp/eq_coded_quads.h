/* FULLY_CONNECTED of one row with weights of few distinct values, for cores with SMLAD. */
#ifndef EQ_CODED_QUADS_H
#define EQ_CODED_QUADS_H

#include "eq_codes.h"
#include "eq_dense_quads.h"

/* Outputs are made `chunk` at a time, a multiple of four. Two rows of codes hold the words of four
   outputs that eq_dense_quads.h tells of, one those of each two behind the last four. */
struct eq_coded_quads {
    struct eq_codes weights;
    int32_t chunk;
    struct eq_dense_quads dense;
};

/* `scratch` holds the words of a chunk; behind them, where codes have four bits, the halves of words
   that each byte stands for. */
void eq_coded_quads(const struct eq_coded_quads *layer, const int8_t *x, int8_t *scratch,
                    int8_t *y);

#endif
