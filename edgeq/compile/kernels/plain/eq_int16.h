/* Operators with weights on int16 around nought: CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED. */
#ifndef EQ_INT16_H
#define EQ_INT16_H

#include "eq_base.h"
#include "eq_window.h"

/* How sums become int16. Where they are `wide`, of up to 48 bits, a multiplier has 16 bits and a
   shift is that of the product to the right, at least 1; else both are those of eq_requantize.
   `mask` is -1 where each output has its own, 0 where all share one. */
struct eq_int16_output {
    const int64_t *bias;
    const int32_t *multiplier;
    const int8_t *shift;
    int8_t mask;
    int8_t wide;
    int16_t min;
    int16_t max;
};

/* The finished int16 of output `o`. */
static inline int16_t eq_int16_finish(const struct eq_int16_output *q, int64_t acc, int32_t o)
{
    const int32_t i = o & q->mask, shift = q->shift[i];
    int32_t v;
    if (q->wide) {
        v = (int32_t)((acc * q->multiplier[i] + ((int64_t)1 << (shift - 1))) >> shift);
    } else {
        v = eq_requantize((int32_t)acc, q->multiplier[i], shift);
    }
    return (int16_t)eq_clamp(v, q->min, q->max);
}

/* weights[out_c][kernel_h][kernel_w][depth]. An output reads `depth` input channels, and the
   `copies` outputs that follow each other read the same ones. */
struct eq_int16_conv {
    struct eq_window window;
    int16_t depth;
    int16_t copies;
    const int8_t *weights;
    struct eq_int16_output out;
};

void eq_int16_conv(const struct eq_int16_conv *layer, const int16_t *x, int16_t *y);

#endif
