/* BATCH_MATMUL of computed matrices, for cores with SMLAD. */
#ifndef EQ_DSP_MATMUL_H
#define EQ_DSP_MATMUL_H

#include "eq_dsp.h"

/* The lines of an operand, whose products with those of the other one make the outputs: line l has
   the bytes l * line + d * step, of which one is 1, and its outputs are `y` bytes apart. */
struct eq_dsp_lines {
    int32_t count;
    int32_t line, step;
    int32_t y;
    int8_t zero;
};

/* Three loops over matrices, the last one innermost; steps in bytes, nought where an operand
   repeats. Lines of x are taken in fours, those of w in blocks of `block`, a multiple of four:
   `scratch` holds four and a block, as 2 * (depth / 4) + (depth % 4 + 1) / 2 words each. The
   factor is as in eq_dsp_tile.h. */
struct eq_dsp_matmul {
    int32_t size[3];
    int32_t x_step[3];
    int32_t w_step[3];
    int32_t depth;
    int32_t block;
    struct eq_dsp_lines x, w;
    int32_t matrix; /* bytes of a result */
    int32_t multiplier;
    int8_t shift;
    int8_t zero;
};

void eq_dsp_matmul(const struct eq_dsp_matmul *layer, const int8_t *x, const int8_t *w,
                   int8_t *scratch, int8_t *y);

#endif
