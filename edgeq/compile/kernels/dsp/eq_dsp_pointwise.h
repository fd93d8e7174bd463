/* CONV_2D with a 1x1 kernel and stride 1, for cores with SMLAD. */
#ifndef EQ_DSP_POINTWISE_H
#define EQ_DSP_POINTWISE_H

#include "eq_dsp_tile.h"

/* y[rows][outputs] = x[rows][depth] * matrix, four rows at a time: all that a tile reads is read
   before any of it is written. `scratch` holds a widened tile. */
struct eq_dsp_pointwise {
    int32_t rows;
    int32_t depth;
    struct eq_dsp_matrix matrix;
};

void eq_dsp_pointwise(const struct eq_dsp_pointwise *layer, const int8_t *x, int8_t *scratch,
                      int8_t *y);

#endif
