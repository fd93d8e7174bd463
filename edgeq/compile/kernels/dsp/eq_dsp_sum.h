/* ADD and SUB of equal shapes as a plane over both operands, for cores with SMLAW. */
#ifndef EQ_DSP_SUM_H
#define EQ_DSP_SUM_H

#include "eq_base.h"

#define EQ_SUM_SHIFT 21

/* y = ((a * a_factor >> 8) + (b * b_factor >> 8) + offset) >> EQ_SUM_SHIFT, saturated, which the
   compiler has compared with TFLite's arithmetic for every a and b. y may be a or b. */
struct eq_dsp_sum {
    int32_t count;
    int32_t a_factor, b_factor, offset;
};

static inline int32_t eq_dsp_sum_of(const struct eq_dsp_sum *s, int32_t a, int32_t b)
{
    const int32_t left = (int32_t)(((int64_t)s->a_factor * a) >> 8);
    const int32_t right = (int32_t)(((int64_t)s->b_factor * b) >> 8);
    return eq_clamp((s->offset + left + right) >> EQ_SUM_SHIFT, INT8_MIN, INT8_MAX);
}

void eq_dsp_sum(const struct eq_dsp_sum *layer, const int8_t *a, const int8_t *b, int8_t *y);

#endif
