/* How kernels that make eight outputs of one row at once end. */
#ifndef EQ_CODED_EIGHTS_H
#define EQ_CODED_EIGHTS_H

#include "eq_base.h"

#define EQ_EIGHT 8

static EQ_APART void eq_finish_some(const struct eq_output *q, const int32_t *sums, int32_t first,
                                    int32_t made, int8_t *y)
{
    int32_t i;
    for (i = 0; i < made; i++) {
        y[i] = eq_finish(q, sums[i], first + i);
    }
}

/* y[made] of the sums from output `first` on, their biases included, before they are clamped. */
static inline void eq_finish_eight(const struct eq_output *q, const int32_t *sums, int32_t first,
                                   int32_t made, int8_t *y)
{
    const int32_t multiplier = q->multiplier[0], shift = q->shift[0], zero = q->zero;
    int32_t i;
    if (made < EQ_EIGHT || q->mask != 0 || shift < 0) {
        eq_finish_some(q, sums, first, made, y);
        return;
    }
    for (i = 0; i < EQ_EIGHT; i++) {
        const int32_t r = eq_multiply_high(sums[i] * 2, multiplier);
        const int32_t v = ((((r + (r >> 31)) >> shift) + 1) >> 1) + zero;
        y[i] = (int8_t)eq_clamp(v, INT8_MIN, INT8_MAX);
    }
}

#endif
