/* The part of a convolution's window that lies inside the input, and the weights outside it. */
#ifndef EQ_TAPS_H
#define EQ_TAPS_H

#include "eq_window.h"

/* `rows` x `taps` runs of contiguous bytes. Without dilation along the width, a row that reads all
   input channels is a single run. */
struct eq_taps {
    const int8_t *x;
    const int8_t *w;
    int32_t rows, taps, run;
    int32_t x_row, x_tap;
    int32_t w_row, w_tap;
};

/* The window at `row` and `column` of x, whose weights w read `depth` channels. */
static inline struct eq_taps eq_cut_taps(const struct eq_window *g, int32_t depth, const int8_t *x,
                                         const int8_t *w, int32_t row, int32_t column,
                                         struct eq_span ky, struct eq_span kx)
{
    const int32_t width = kx.end - kx.first;
    const int joined = g->dilation_w == 1 && depth == g->in_c;
    struct eq_taps cut;
    cut.x_row = g->dilation_h * g->in_w * g->in_c;
    cut.w_row = g->kernel_w * depth;
    cut.x_tap = g->dilation_w * g->in_c;
    cut.w_tap = depth;
    cut.rows = ky.end - ky.first;
    cut.taps = joined ? 1 : width;
    cut.run = joined ? width * depth : depth;
    cut.x = x + (row * g->in_w + column) * g->in_c + ky.first * cut.x_row + kx.first * cut.x_tap;
    cut.w = w + ky.first * cut.w_row + kx.first * cut.w_tap;
    return cut;
}

static inline int eq_is_whole(const struct eq_window *g, struct eq_span ky, struct eq_span kx)
{
    return ky.end - ky.first == g->kernel_h && kx.end - kx.first == g->kernel_w;
}

/* The sum of the weights whose taps lie outside the input: there it reads the zero point. */
static int32_t eq_outside_sum(const struct eq_window *g, int32_t depth, const int8_t *w,
                              struct eq_span ky, struct eq_span kx)
{
    int32_t sum = 0, i, j, k;
    for (i = 0; i < g->kernel_h; i++) {
        for (j = 0; j < g->kernel_w; j++) {
            const int inside = i >= ky.first && i < ky.end && j >= kx.first && j < kx.end;
            for (k = 0; !inside && k < depth; k++) {
                sum += w[k];
            }
            w += depth;
        }
    }
    return sum;
}

#endif
