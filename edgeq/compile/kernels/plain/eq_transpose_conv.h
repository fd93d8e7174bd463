/* TRANSPOSE_CONV: weights [outputs][kernel_h][kernel_w][in_c]. */
#ifndef EQ_TRANSPOSE_CONV_H
#define EQ_TRANSPOSE_CONV_H

#include "eq_base.h"
#include "eq_window.h"

/* The window is that of the convolution which leads from the output back to the input. */
struct eq_transpose_conv {
    struct eq_window window;
    int8_t in_zero;
    const int8_t *weights;
    struct eq_output out;
};

/* The taps that reach an output along one axis, every `stride`-th from `first` to before `end`;
   tap k reads input (at - k) / stride. */
static inline struct eq_span eq_taps_reaching(int32_t at, int32_t stride, int32_t kernel,
                                              int32_t size)
{
    struct eq_span t;
    t.first = at - (size - 1) * stride;
    t.first = t.first > 0 ? t.first : at % stride;
    t.end = at + 1 < kernel ? at + 1 : kernel;
    return t;
}

void eq_transpose_conv(const struct eq_transpose_conv *layer, const int8_t *x, int8_t *y);

#endif
