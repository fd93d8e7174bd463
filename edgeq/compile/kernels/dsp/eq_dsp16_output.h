/* What kernels of int16 in C begin and end with: two inputs in a word, and the finished output. */
#ifndef EQ_DSP16_OUTPUT_H
#define EQ_DSP16_OUTPUT_H

#include "eq_dsp_bytes.h"
#include "eq_int16.h"

/* Two inputs as a word. */
static inline int32_t eq_dsp16_two(const int16_t *x)
{
    return (int32_t)eq_load_four((const int8_t *)(const void *)x);
}

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
