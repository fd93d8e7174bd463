/* Sums of products of bytes, lane by lane: what depthwise kernels of int8 data share. */
#ifndef EQ_MVE_PRODUCTS_H
#define EQ_MVE_PRODUCTS_H

#include "eq_mve.h"

#if defined(__ARM_FEATURE_MVE)

/* Sixteen accumulators: lanes 0 4 8 12, 2 6 10 14, 1 5 9 13 and 3 7 11 15. */
struct eq_mve_lane_sums {
    int32x4_t a, b, c, d;
};

/* Products of the even and of the odd lanes. */
struct eq_mve_products {
    int16x8_t even, odd;
};

static inline struct eq_mve_products eq_mve_product(int8x16_t x, int8x16_t w)
{
    const struct eq_mve_products r = {vmullbq_int_s8(x, w), vmulltq_int_s8(x, w)};
    return r;
}

static inline struct eq_mve_lane_sums eq_mve_lane_add(struct eq_mve_lane_sums s,
                                                      struct eq_mve_products p)
{
    s.a = vaddq_s32(s.a, vmovlbq_s16(p.even));
    s.b = vaddq_s32(s.b, vmovltq_s16(p.even));
    s.c = vaddq_s32(s.c, vmovlbq_s16(p.odd));
    s.d = vaddq_s32(s.d, vmovltq_s16(p.odd));
    return s;
}

static inline struct eq_mve_lane_sums eq_mve_lane_start(const int32_t *bias)
{
    const struct eq_mve_lane_sums s = {vldrwq_s32(bias), vldrwq_s32(bias + 4), vldrwq_s32(bias + 8),
                                       vldrwq_s32(bias + 12)};
    return s;
}

/* The sixteen int8 of requantised sums, in the order of the lanes. */
static inline int8x16_t eq_mve_narrow(const struct eq_mve_output *q, struct eq_mve_lane_sums s)
{
    int16x8_t even = vuninitializedq_s16(), odd = vuninitializedq_s16();
    int8x16_t v = vuninitializedq_s8();
    even = vqmovntq_s32(vqmovnbq_s32(even, s.a), s.b);
    odd = vqmovntq_s32(vqmovnbq_s32(odd, s.c), s.d);
    even = vqaddq_n_s16(even, q->zero);
    odd = vqaddq_n_s16(odd, q->zero);
    v = vqmovntq_s16(vqmovnbq_s16(v, even), odd);
    return vminq_s8(vmaxq_s8(v, vdupq_n_s8(q->min)), vdupq_n_s8(q->max));
}

/* The same of sums whose shifts are all to the right. */
static inline int8x16_t eq_mve_lane_finish(const struct eq_mve_output *q, struct eq_mve_lane_sums s,
                                           int32_t block)
{
    const int32_t *const m = q->multiplier + block;
    const int8_t *const e = q->shift + block;
    s.a = eq_mve_requantize(s.a, vldrwq_s32(m), vldrbq_s32(e));
    s.b = eq_mve_requantize(s.b, vldrwq_s32(m + 4), vldrbq_s32(e + 4));
    s.c = eq_mve_requantize(s.c, vldrwq_s32(m + 8), vldrbq_s32(e + 8));
    s.d = eq_mve_requantize(s.d, vldrwq_s32(m + 12), vldrbq_s32(e + 12));
    return eq_mve_narrow(q, s);
}
#endif

#endif
