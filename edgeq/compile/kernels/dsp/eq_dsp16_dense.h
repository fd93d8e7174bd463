/* FULLY_CONNECTED on int16 around nought, four outputs at once, for cores with SMLAD. */
#ifndef EQ_DSP16_DENSE_H
#define EQ_DSP16_DENSE_H

#include "eq_int16.h"

/* y[rows][outputs] = x[rows][depth] * weights. A word holds the weights of taps 0, 2, 1 and 3 of
   four and of one output. In memory follow outputs in fours, in them taps in fours, in them the
   outputs; then what is left of the outputs, one by one. Noughts fill up. A chunk is as many taps,
   a multiple of four, as keep their sum within 32 bits. */
struct eq_dsp16_dense {
    int32_t rows;
    int32_t depth;
    int32_t chunk;
    int32_t outputs;
    const int32_t *weights;
    struct eq_int16_output out;
};

void eq_dsp16_dense(const struct eq_dsp16_dense *layer, const int16_t *x, int16_t *y);

#endif
