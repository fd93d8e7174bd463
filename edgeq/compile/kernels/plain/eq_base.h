/* Arithmetic shared by the kernels: requantisation as TFLite Micro defines it. */
#ifndef EQ_BASE_H
#define EQ_BASE_H

#include <stdint.h>

#include "eq_names.h"

/* Cores without a 32x32 -> 64 bit multiply: Armv6-M and Armv8-M Baseline. */
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
#define EQ_NO_LONG_MULTIPLY 1
#endif

/* A loop that needs every register: inlined into its caller, compilers keep its sums in memory. */
#if defined(__GNUC__)
#define EQ_APART __attribute__((noinline))
#else
#define EQ_APART
#endif

/* How accumulators become int8: per-output bias, multiplier and shift, then zero point and clamp.
   `mask` is -1 where each output has its own multiplier and shift, 0 where all share one. */
struct eq_output {
    const int32_t *bias;
    const int32_t *multiplier;
    const int8_t *shift;
    int8_t mask;
    int8_t zero;
    int8_t min;
    int8_t max;
};

int32_t eq_requantize_wide(int32_t acc, int32_t multiplier, int32_t shift);

/* (a * b + 2^31) >> 32, exact, for 0 <= b. */
static inline int32_t eq_multiply_high(int32_t a, int32_t b)
{
#ifdef EQ_NO_LONG_MULTIPLY
    const int32_t ah = a >> 16, bh = b >> 16;
    const uint32_t al = (uint32_t)a & 0xffffu, bl = (uint32_t)b & 0xffffu;
    const int32_t middle = ah * (int32_t)bl + (int32_t)((al * bl) >> 16);
    const uint32_t low = al * (uint32_t)bh + ((uint32_t)middle & 0xffffu);
    return ah * bh + (middle >> 16) + (int32_t)((low + 0x8000u) >> 16);
#elif defined(__ARM_FEATURE_DSP)
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 31)) >> 32); /* SMMULR */
#else
    const int64_t product = (int64_t)a * b;
    return (int32_t)(product >> 32) + (int32_t)((uint32_t)product >> 31);
#endif
}

/* acc * multiplier * 2^-(32 + shift), rounded twice: to the nearest after the multiplication, then
   half away from zero after the shift. A shift >= 0 promises |acc| < 2^30; a negative one encodes
   every other case (see eq_requantize_wide). */
static inline int32_t eq_requantize(int32_t acc, int32_t multiplier, int32_t shift)
{
    int32_t r;
    if (shift < 0) {
        return eq_requantize_wide(acc, multiplier, shift);
    }
    r = eq_multiply_high(acc * 2, multiplier);
    r += r >> 31;
    return ((r >> shift) + 1) >> 1;
}

static inline int32_t eq_clamp(int32_t v, int32_t min, int32_t max)
{
    v = v < min ? min : v;
    return v > max ? max : v;
}

/* The finished int8 of output channel `c`. */
static inline int8_t eq_finish(const struct eq_output *q, int32_t acc, int32_t c)
{
    const int32_t i = c & q->mask;
    const int32_t v = eq_requantize(acc, q->multiplier[i], q->shift[i]) + q->zero;
    return (int8_t)eq_clamp(v, q->min, q->max);
}

#endif
