/* FULLY_CONNECTED, four outputs at once, on the DSP extension. */
#ifndef EQ_DENSE_QUADS_H
#define EQ_DENSE_QUADS_H

#include "eq_base.h"

/* y[rows][outputs] = x[rows][depth] * weights. The halves of a word of weights are 256 * a + b, of
   two outputs (a, b) and one tap each: taps (0, 2), then (1, 3) of four. In memory follow outputs
   in fours (the rest: two), in them taps in fours, in them both pairs of outputs. Noughts fill up.
   The sum of 256 * a + b, less that of b, is 256 times that of a: only b needs widening. A chunk
   is as many taps, a multiple of four, as keep the sums of b and of a within 23 bits. */
struct eq_dense_quads {
    int16_t rows;
    int16_t depth;
    int16_t chunk;
    int32_t outputs;
    const int32_t *weights;
    struct eq_output out;
};

/* sums[4] += the products of x and the quad that starts at `weights`. */
void eq_quad_add(const int32_t *weights, const int8_t *x, int32_t depth, int32_t chunk,
                 int32_t *sums);

void eq_dense_quads(const struct eq_dense_quads *layer, const int8_t *x, int8_t *y);

#endif
