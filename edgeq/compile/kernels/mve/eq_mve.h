/* What the Helium kernels share: requantisation of four accumulators at once. */
#ifndef EQ_MVE_H
#define EQ_MVE_H

#include <stdint.h>

#include "eq_names.h"

/* How accumulators become int8. `shift` is TFLite's, below nought: to the right. Arrays of
   multipliers and shifts have an entry for each output where `mask` is -1, four of one value where
   it is 0. Kernels of other types say what is different. */
struct eq_mve_output {
    const int32_t *bias;
    const int32_t *multiplier;
    const int8_t *shift;
    int8_t mask;
    int8_t zero;
    int8_t wide;
    int16_t min;
    int16_t max;
};

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

/* For what constant arguments make short. */
#if defined(__GNUC__)
#define EQ_MVE_INLINE static inline __attribute__((always_inline))
#else
#define EQ_MVE_INLINE static inline
#endif

/* acc * multiplier * 2^shift, rounded twice. VQRDMULH rounds half up, as TFLite's doubling high
   multiplication does. So does VRSHL, floor((x + half) / 2^s), where TFLite rounds half away from
   zero: below nought that is floor((x - 1 + half) / 2^s). */
static inline int32x4_t eq_mve_requantize(int32x4_t acc, int32x4_t multiplier, int32x4_t shift)
{
    acc = vqrdmulhq_s32(acc, multiplier);
    acc = vaddq_s32(acc, vshrq_n_s32(acc, 31));
    return vrshlq_s32(acc, shift);
}

/* The same of acc * 2^lift, for a shift of nought too, where nothing is rounded twice. */
static inline int32x4_t eq_mve_requantize_any(int32x4_t acc, int32x4_t multiplier,
                                              int32x4_t shift, int32x4_t lift)
{
    acc = vqrdmulhq_s32(vshlq_s32(acc, lift), multiplier);
    acc = vaddq_s32(acc, vshrq_n_s32(vandq_s32(acc, shift), 31));
    return vrshlq_s32(acc, shift);
}

static inline int32x4_t eq_mve_clamp(const struct eq_mve_output *q, int32x4_t v)
{
    v = vmaxq_s32(vqaddq_n_s32(v, q->zero), vdupq_n_s32(q->min));
    return vminq_s32(v, vdupq_n_s32(q->max));
}

/* Four int8 of four outputs: the parameters at `m` and `s`. */
static inline int32x4_t eq_mve_finish(const struct eq_mve_output *q, int32x4_t acc, int32x4_t m,
                                      int32x4_t s)
{
    return eq_mve_clamp(q, eq_mve_requantize(acc, m, s));
}
#endif

#endif
