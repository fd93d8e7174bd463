/* DEPTHWISE_CONV_2D 3x3, one output for each input channel, stride 1 or 2, no dilation, two rows of
   outputs at a time, for cores that multiply 32 bits by 32 and have no SIMD (see eq_paired.h). */
#ifndef EQ_PAIRED_DEPTHWISE_H
#define EQ_PAIRED_DEPTHWISE_H

#include "eq_base.h"
#include "eq_scale.h"
#include "eq_window.h"

/* weights[channels][column][row]; the bias holds the input's zero point. Of the channels the first
   `made` are made. */
struct eq_paired_depthwise {
    struct eq_window window;
    int32_t made;
    int8_t in_zero;
    const int8_t *weights;
    struct eq_scaling scaling; /* without a bias where `out` holds */
    struct eq_output out;
};

/* `scratch` takes 12 bytes for each column that the windows see and 16 for each pair of columns of
   the output. The output may lie exactly on the input. */
void eq_paired_depthwise(const struct eq_paired_depthwise *layer, int8_t *scratch, const int8_t *x,
                         int8_t *y);

#endif
