/* Sums of 32 bits become int16 in one multiplication where their factor permits. */
#ifndef EQ_DSP16_OUTPUT_H
#define EQ_DSP16_OUTPUT_H

#include "eq_int16.h"

/* The multiplier of output `o` whose (sum * multiplier + 2^31) >> 32 is what eq_int16_finish
   computes, before its clamp; -1 where there is none. */
static inline int32_t eq_dsp16_multiplier(const struct eq_int16_output *q, int32_t o)
{
    const int32_t shift = q->shift[o & q->mask];
    return q->wide && shift >= 16 && shift <= 32 ? q->multiplier[o & q->mask] << (32 - shift) : -1;
}

static inline int16_t eq_dsp16_finish(const struct eq_int16_output *q, int32_t sum,
                                      int32_t multiplier, int32_t o)
{
    if (multiplier < 0) {
        return eq_int16_finish(q, sum, o);
    }
    return (int16_t)eq_clamp(eq_multiply_high(sum, multiplier), q->min, q->max);
}

#endif
